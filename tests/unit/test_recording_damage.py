"""A damaged recording yields what can be read, and says up to where and what was lost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from emorec.recording import SampleReader, plan_chunks, probe
from emorec.settings.recording import RecordingSettings
from emorec.types import RecordingInfo, Sample
from tests.clips import number_in, write_clip

SETTINGS = RecordingSettings(chunk_s=5)
SECONDS = 16
FAST_START = {"movflags": "faststart"}


def noisy_clip(path: Path, **kwargs: object) -> Path:
    """A clip with so much noise that its packets fill the file, as in real recordings."""
    random = np.random.default_rng(3)
    pictures = [random.integers(0, 256, (48, 64, 3), dtype=np.uint8) for _ in range(50)]
    options = {"deadline": "realtime"} if kwargs.get("codec") == "libvpx" else {}
    return write_clip(path, seconds=SECONDS, fps=10, size=(64, 48), pictures=pictures, options=options, **kwargs)  # type: ignore[arg-type]


def read(info: RecordingInfo) -> tuple[list[Sample], float, list[str]]:
    samples: list[Sample] = []
    warnings: list[str] = []
    read_until_s = 0.0
    for chunk in plan_chunks(info, SETTINGS):
        with SampleReader(info, chunk, SETTINGS) as reader:
            samples += list(reader)
        warnings += reader.warnings
        read_until_s = max(read_until_s, reader.read_until_s)
    return samples, read_until_s, warnings


@pytest.mark.parametrize(
    ("ending", "codec", "container_options", "states_length"),
    [
        pytest.param(".mp4", "libx264", FAST_START, True, id="mp4"),
        pytest.param(".mp4", "libx264", {"movflags": "frag_keyframe+empty_moov"}, False, id="fragmented-mp4"),
        pytest.param(".mkv", "libx264", {}, True, id="mkv"),
        pytest.param(".webm", "libvpx", {}, True, id="webm"),
        pytest.param(".avi", "mpeg4", {}, False, id="avi"),
        pytest.param(".ts", "libx264", {}, False, id="ts"),
    ],
)
def test_a_file_cut_at_60_percent_is_read_up_to_there(
    tmp_path: Path, ending: str, codec: str, container_options: dict[str, str], states_length: bool
) -> None:
    clip = noisy_clip(tmp_path / f"clip{ending}", codec=codec, container_options=container_options)
    content = clip.read_bytes()
    clip.write_bytes(content[: len(content) * 6 // 10])
    info = probe(clip, SETTINGS)
    samples, read_until_s, warnings = read(info)
    assert read_until_s == pytest.approx(0.6 * SECONDS, abs=1.5)
    assert [s.t_s for s in samples] == [k / 2 for k in range(len(samples))]
    assert samples[-1].t_s == pytest.approx(read_until_s, abs=0.6)
    if states_length:
        assert info.duration_s == pytest.approx(SECONDS, abs=0.2)
        assert "but its pictures end at" in info.warnings[0]
        assert any("no picture could be read from" in text for text in warnings)
    else:
        assert info.duration_s == pytest.approx(read_until_s, abs=0.1)


@pytest.mark.parametrize(
    ("ending", "codec", "container_options"),
    [
        pytest.param(".mp4", "libx264", FAST_START, id="mp4"),
        pytest.param(".mkv", "libx264", {}, id="mkv"),
        pytest.param(".webm", "libvpx", {}, id="webm"),
        pytest.param(".avi", "mpeg4", {}, id="avi"),
        pytest.param(".ts", "libx264", {}, id="ts"),
    ],
)
def test_garbage_in_the_middle_is_passed_over(
    tmp_path: Path, ending: str, codec: str, container_options: dict[str, str]
) -> None:
    clip = noisy_clip(tmp_path / f"clip{ending}", codec=codec, container_options=container_options)
    content = bytearray(clip.read_bytes())
    begin, end = len(content) * 45 // 100, len(content) * 50 // 100
    content[begin:end] = np.random.default_rng(5).bytes(end - begin)
    whole = tmp_path / f"whole{ending}"
    whole.write_bytes(clip.read_bytes())
    clip.write_bytes(content)
    info = probe(clip, SETTINGS)
    samples, read_until_s, _ = read(info)
    expected, _, _ = read(probe(whole, SETTINGS))
    assert read_until_s == pytest.approx(SECONDS, abs=1.5)
    assert len(samples) >= 0.85 * len(expected)
    seen = {s.t_s: s.rgb for s in samples}
    begin_s, end_s = 0.4 * SECONDS, 0.65 * SECONDS
    # An AVI file has no times, so that after lost pictures all others come early.
    after_s = np.inf if ending == ".avi" else end_s
    for sample in expected:
        if sample.t_s < begin_s or after_s < sample.t_s < SECONDS - 1.5:
            assert np.array_equal(seen[sample.t_s], sample.rgb), sample.t_s


def test_packets_that_cannot_be_decoded_are_counted(tmp_path: Path) -> None:
    clip = noisy_clip(tmp_path / "clip.mp4", container_options=FAST_START)
    content = bytearray(clip.read_bytes())
    begin = len(content) // 2
    content[begin : begin + len(content) // 50] = bytes(len(content) // 50)
    clip.write_bytes(content)
    _, _, warnings = read(probe(clip, SETTINGS))
    assert any("damaged packet" in text and "between" in text for text in warnings)


def test_packets_that_cannot_be_decoded_from_one_place_on_end_what_was_read(tmp_path: Path) -> None:
    clip = noisy_clip(tmp_path / "clip.mp4", codec="libvpx-vp9", container_options=FAST_START)
    content = bytearray(clip.read_bytes())
    begin = len(content) * 45 // 100
    content[begin:] = bytes(len(content) - begin)
    clip.write_bytes(content)
    info = probe(clip, SETTINGS)
    assert [chunk.t0_s for chunk in plan_chunks(info, SETTINGS)] == [0, 5, 10, 15]
    samples, read_until_s, warnings = read(info)
    assert read_until_s == pytest.approx(0.45 * SECONDS, abs=1.5)
    assert samples[-1].t_s == pytest.approx(read_until_s, abs=0.6)
    lost = [text.removeprefix("no picture could be read from ") for text in warnings if "no picture" in text]
    assert lost == [f"{read_until_s:.1f} s to 10.0 s", "10.0 s to 15.0 s", "15.0 s to 16.0 s"]


def test_where_time_goes_back_nothing_is_told_twice(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.ts", seconds=8)
    clip.write_bytes(clip.read_bytes() * 2)
    info = probe(clip, SETTINGS)
    samples, _, _ = read(info)
    assert [s.t_s for s in samples] == [k / 2 for k in range(16)]
    assert [number_in(s.rgb) for s in samples] == [k * 25 // 2 for k in range(16)]
    assert info.warnings == ("times go back at 8.0 s; what repeats earlier times is left out",)
