"""Which pictures are sampled, and how they look."""

from __future__ import annotations

import gc
import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emorec.recording import SampleReader, plan_chunks, probe
from emorec.recording.chunks import lay_grid
from emorec.settings.recording import RecordingSettings
from emorec.types import RecordingInfo, Sample
from tests.clips import HEIGHT_PX, WIDTH_PX, number_in, numbered, write_clip

SETTINGS = RecordingSettings()

B_FRAMES = {"bf": "3", "b-pyramid": "normal", "preset": "medium"}
CODECS = [
    pytest.param("libx264", ".mp4", B_FRAMES, id="h264-mp4"),
    pytest.param("libx264", ".mov", B_FRAMES, id="h264-mov"),
    pytest.param("libx264", ".mkv", B_FRAMES, id="h264-mkv"),
    pytest.param("libx264", ".avi", B_FRAMES, id="h264-avi"),
    pytest.param("libx264", ".ts", B_FRAMES, id="h264-ts"),
    pytest.param("libx264", ".flv", B_FRAMES, id="h264-flv"),
    pytest.param("libx264", ".mp4", {**B_FRAMES, "b-pyramid": "none"}, id="h264-no-pyramid"),
    pytest.param("libx264", ".mp4", {"tune": "zerolatency"}, id="h264-no-b-frames"),
    pytest.param("libx264", ".mp4", {**B_FRAMES, "x264-params": "open-gop=1"}, id="h264-open-gop"),
    pytest.param("libx264", ".mp4", {**B_FRAMES, "x264-params": "tff=1"}, id="h264-interlaced"),
    pytest.param("libx265", ".mp4", {"x265-params": "log-level=none:bframes=4:open-gop=1:pools=1"}, id="hevc-mp4"),
    pytest.param("libx265", ".mkv", {"x265-params": "log-level=none:bframes=4:open-gop=0:pools=1"}, id="hevc-mkv"),
    pytest.param("libvpx", ".webm", {"deadline": "realtime", "cpu-used": "8"}, id="vp8-webm"),
    pytest.param("libvpx-vp9", ".webm", {"deadline": "realtime", "cpu-used": "8"}, id="vp9-webm"),
    pytest.param("libvpx-vp9", ".mp4", {"deadline": "good", "cpu-used": "5", "auto-alt-ref": "1"}, id="vp9-mp4"),
    pytest.param("libsvtav1", ".mkv", {"preset": "12", "svtav1-params": "lp=1"}, id="av1-mkv"),
    pytest.param("libsvtav1", ".mp4", {"preset": "12", "svtav1-params": "lp=1"}, id="av1-mp4"),
    pytest.param("mpeg4", ".mp4", {"bf": "2"}, id="mpeg4-mp4"),
    pytest.param("mpeg4", ".avi", {"bf": "2"}, id="mpeg4-avi"),
    pytest.param("wmv2", ".wmv", {}, id="wmv2-wmv"),
    pytest.param("prores_ks", ".mov", {}, id="prores-mov"),
]


def read(info: RecordingInfo, settings: RecordingSettings = SETTINGS) -> list[Sample]:
    """All samples of a recording, chunk by chunk; nothing went wrong."""
    samples = []
    for chunk in plan_chunks(info, settings):
        with SampleReader(info, chunk, settings) as reader:
            samples += list(reader)
        assert not reader.warnings
        assert reader.read_until_s == chunk.t1_s
    return samples


def numbers(samples: list[Sample]) -> list[int]:
    return [number_in(sample.rgb) for sample in samples]


@pytest.mark.parametrize(("codec", "ending", "options"), CODECS)
def test_a_sample_is_the_picture_displayed_then(
    tmp_path: Path, codec: str, ending: str, options: dict[str, str]
) -> None:
    pix_fmt = "yuv422p10le" if codec == "prores_ks" else "yuv420p"
    clip = write_clip(tmp_path / f"clip{ending}", codec=codec, options=options, seconds=3, pix_fmt=pix_fmt)
    rates = RecordingSettings(rate_hz=7)
    info = probe(clip, rates)
    samples = read(info, rates)
    assert [s.t_s for s in samples] == [k / 7 for k in range(21)]
    assert numbers(samples) == [math.floor(k / 7 * 25 + 1e-9) for k in range(21)]
    assert info.duration_s == pytest.approx(3, abs=0.05)
    assert info.fps == pytest.approx(25, rel=0.02)
    assert (info.width_px, info.height_px, info.rotation_deg) == (WIDTH_PX, HEIGHT_PX, 0)


@pytest.mark.parametrize(
    ("codec", "ending", "options"),
    [
        pytest.param("libx264", ".mp4", B_FRAMES, id="h264-mp4"),
        pytest.param("libx264", ".mp4", {**B_FRAMES, "x264-params": "open-gop=1"}, id="h264-open-gop"),
        pytest.param("libx264", ".ts", B_FRAMES, id="h264-ts"),
        pytest.param("libx264", ".avi", B_FRAMES, id="h264-avi"),
        pytest.param("libx264", ".flv", B_FRAMES, id="h264-flv"),
        pytest.param("libx265", ".mkv", {"x265-params": "log-level=none:bframes=4:open-gop=1:pools=1"}, id="hevc-open"),
        pytest.param("libvpx", ".webm", {"deadline": "realtime", "cpu-used": "8"}, id="vp8-webm"),
        pytest.param("mpeg4", ".avi", {"bf": "2"}, id="mpeg4-avi"),
    ],
)
def test_many_chunks_give_the_same_samples_as_one(
    tmp_path: Path, codec: str, ending: str, options: dict[str, str]
) -> None:
    clip = write_clip(tmp_path / f"clip{ending}", codec=codec, options={**options, "g": "40"}, seconds=23)
    whole, cut = RecordingSettings(rate_hz=3, chunk_s=1000), RecordingSettings(rate_hz=3, chunk_s=5)
    info = probe(clip, whole)
    assert len(plan_chunks(info, whole)) == 1
    assert len(plan_chunks(info, cut)) >= 4
    one, many = read(info, whole), read(info, cut)
    assert [s.t_s for s in one] == [s.t_s for s in many] == [k / 3 for k in range(69)]
    assert all(np.array_equal(a.rgb, b.rgb) for a, b in zip(one, many, strict=True))


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> RecordingInfo:
    clip = write_clip(tmp_path_factory.mktemp("long") / "clip.mp4", options=B_FRAMES, seconds=16)
    return probe(clip, SETTINGS)


@given(rate_hz=st.floats(0.1, 30), chunk_s=st.floats(5, 20))
@settings(max_examples=12, deadline=None, derandomize=True)
def test_every_sample_time_lies_in_exactly_one_chunk(long_clip: RecordingInfo, rate_hz: float, chunk_s: float) -> None:
    samples = read(long_clip, RecordingSettings(rate_hz=rate_hz, chunk_s=chunk_s))
    times = np.array([s.t_s for s in samples])
    assert times[0] == 0
    assert np.allclose(np.diff(times), 1 / rate_hz, rtol=0.01)
    assert times[-1] < long_clip.duration_s <= times[-1] + 1.01 / rate_hz
    assert numbers(samples) == [math.floor(t * 25 + 1e-6) for t in times]


@given(
    keyframes_s=st.lists(st.floats(0, 5000), max_size=60, unique=True),
    duration_s=st.floats(0.04, 5000),
    chunk_s=st.floats(5, 600),
)
@settings(deadline=None, derandomize=True)
def test_the_grid_covers_the_recording_and_cuts_at_keyframes_only(
    keyframes_s: list[float], duration_s: float, chunk_s: float
) -> None:
    chunks = lay_grid(np.sort(keyframes_s), duration_s, duration_s, chunk_s)
    assert (chunks[0].t0_s, chunks[-1].t1_s) == (0, duration_s)
    assert all(a.t1_s == b.t0_s for a, b in pairwise(chunks))
    assert all(c.t0_s < c.t1_s for c in chunks)
    assert [c.index for c in chunks] == list(range(len(chunks)))
    assert {c.t0_s for c in chunks[1:]} <= set(keyframes_s)


def test_chunks_begin_at_the_keyframes_nearest_to_the_multiples(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", options={"g": "85", "sc_threshold": "0"}, seconds=20)
    settings_of = RecordingSettings(chunk_s=5)
    starts = [chunk.t0_s for chunk in plan_chunks(probe(clip, settings_of), settings_of)]
    assert starts == pytest.approx([0, 3.4, 10.2, 13.6])


def test_a_recording_with_one_keyframe_is_one_chunk(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", options={"g": "9999", "sc_threshold": "0"}, seconds=16)
    settings_of = RecordingSettings(chunk_s=5)
    assert len(plan_chunks(probe(clip, settings_of), settings_of)) == 1


def test_a_gap_repeats_the_picture_before_it(tmp_path: Path) -> None:
    times_s = [0, 0.04, 0.9, 1.1, 8.2, 8.3, 9.95]
    clip = write_clip(tmp_path / "clip.mkv", times_s=times_s)
    samples = read(probe(clip, SETTINGS))
    assert numbers(samples)[:20] == [0, 1, 2, *[3] * 14, 5, 5, 5]
    assert all(sample.rgb is samples[3].rgb for sample in samples[3:17])


def test_time_begins_with_the_first_picture_displayed(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mkv", times_s=[5 + k / 25 for k in range(50)])
    info = probe(clip, SETTINGS)
    assert info.duration_s == pytest.approx(2, abs=0.01)
    assert numbers(read(info)) == [0, 12, 25, 37]


def test_a_recording_of_one_picture_has_one_sample(tmp_path: Path) -> None:
    info = probe(write_clip(tmp_path / "clip.mp4", seconds=0.04), SETTINGS)
    assert numbers(read(info)) == [0]


def test_240_pictures_a_second_are_sampled_by_time(tmp_path: Path) -> None:
    info = probe(write_clip(tmp_path / "clip.mp4", fps=240, seconds=2, options=B_FRAMES), SETTINGS)
    assert numbers(read(info)) == [0, 120, 240, 360]
    assert info.fps == 240


@pytest.mark.parametrize("size", [(126, 66), (130, 50), (64, 34)])
@pytest.mark.parametrize("odd", [0, 1])
def test_sizes_that_no_block_divides_are_read(tmp_path: Path, size: tuple[int, int], odd: int) -> None:
    width, height = size[0] - odd, size[1] - odd
    clip = write_clip(tmp_path / "clip.mkv", size=(width, height), pix_fmt="yuv444p", codec="libx264")
    samples = read(probe(clip, SETTINGS))
    assert {sample.rgb.shape for sample in samples} == {(height, width, 3)}
    assert all(sample.rgb.flags.c_contiguous for sample in samples)
    assert numbers(samples) == [0, 12, 25, 37]


def test_ten_bit_hevc_is_read(tmp_path: Path) -> None:
    options = {"x265-params": "log-level=none:pools=1"}
    clip = write_clip(tmp_path / "clip.mp4", codec="libx265", pix_fmt="yuv420p10le", options=options)
    assert numbers(read(probe(clip, SETTINGS))) == [0, 12, 25, 37]


@pytest.mark.parametrize("mirrored", [False, True], ids=["as is", "mirrored"])
@pytest.mark.parametrize("clockwise", [0, 90, 180, 270])
def test_rotation_is_applied(tmp_path: Path, clockwise: int, mirrored: bool) -> None:
    stored = np.zeros((HEIGHT_PX, WIDTH_PX, 3), np.uint8)
    stored[: HEIGHT_PX // 2, : WIDTH_PX // 2] = 255
    clip = write_clip(tmp_path / "clip.mp4", pictures=[stored], rotation=-clockwise, mirrored=mirrored)
    info = probe(clip, SETTINGS)
    expected = np.rot90(stored, -clockwise // 90)
    expected = expected[:, ::-1] if mirrored else expected
    assert (info.rotation_deg, info.mirrored) == (clockwise, mirrored)
    assert (info.height_px, info.width_px) == expected.shape[:2]
    assert np.abs(read(info)[0].rgb.astype(int) - expected).mean() < 8


@pytest.mark.parametrize("colour", [(1, 1), (1, 5), (2, 1), (2, 5)], ids=["709", "601", "709-full", "601-full"])
def test_colours_survive(tmp_path: Path, colour: tuple[int, int]) -> None:
    wanted = np.array([[200, 40, 30], [30, 180, 60], [40, 60, 210], [225, 180, 150]], np.uint8)
    picture = np.repeat(np.repeat(wanted[None], HEIGHT_PX, 0), WIDTH_PX // 4, 1)
    pix_fmt = "yuvj420p" if colour[0] == 2 else "yuv420p"
    clip = write_clip(tmp_path / "clip.mp4", pictures=[picture], colour=colour, options={"crf": "5"}, pix_fmt=pix_fmt)
    seen = read(probe(clip, SETTINGS))[0].rgb[HEIGHT_PX // 2, WIDTH_PX // 8 :: WIDTH_PX // 4]
    assert np.abs(seen.astype(int) - wanted).max() <= 6


def test_a_change_of_size_is_scaled_to_the_first(tmp_path: Path) -> None:
    first = write_clip(tmp_path / "a.ts", seconds=2, options={"tune": "zerolatency"})
    later = [2 + k / 25 for k in range(50)]
    second = write_clip(tmp_path / "b.ts", size=(64, 64), times_s=later, options={"tune": "zerolatency"})
    both = tmp_path / "both.ts"
    both.write_bytes(first.read_bytes() + second.read_bytes())
    samples = read(probe(both, SETTINGS))
    assert {s.rgb.shape for s in samples} == {(HEIGHT_PX, WIDTH_PX, 3)}
    assert len(samples) == 8
    # The square picture lies in the middle, on black.
    assert number_in(samples[6].rgb[:, 32:96]) == 25
    assert samples[6].rgb[:, :30].max() < 20


def test_wide_pixels_are_displayed_wide(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", options={"x264-params": "sar=2/1"})
    info = probe(clip, SETTINGS)
    assert (info.width_px, info.height_px) == (2 * WIDTH_PX, HEIGHT_PX)
    assert read(info)[0].rgb.shape == (HEIGHT_PX, 2 * WIDTH_PX, 3)


def test_what_probe_says_of_a_file_is_what_the_file_is(tmp_path: Path) -> None:
    import hashlib

    clip = write_clip(tmp_path / "clip.mkv", codec="libvpx", options={"deadline": "realtime"})
    info: Any = probe(clip, SETTINGS)
    assert info.sha256 == hashlib.sha256(clip.read_bytes()).hexdigest()
    assert info.size_bytes == clip.stat().st_size
    assert (info.codec, info.container, info.path) == ("vp8", "matroska", clip)


def test_the_numbers_in_the_pictures_can_be_told_apart() -> None:
    assert [number_in(numbered(k)) for k in range(1024)] == list(range(1024))


@pytest.mark.parametrize("rotation", [None, -90.0], ids=["as is", "rotated"])
def test_nothing_that_was_read_waits_for_the_garbage_collector(tmp_path: Path, rotation: float | None) -> None:
    # A picture of 1080p keeps 3 MB, and the decoder's pool with it: chunk by chunk that would be gigabytes.
    info = probe(write_clip(tmp_path / "clip.mp4", seconds=12, options=B_FRAMES, rotation=rotation), SETTINGS)
    kinds = {"Video", "VideoFrame", "Packet", "InputContainer", "VideoCodecContext", "SampleReader"}
    gc.collect()
    gc.disable()
    try:
        before = [type(thing).__name__ for thing in gc.get_objects()]
        assert len(read(info, RecordingSettings(chunk_s=5))) == 24
        after = [type(thing).__name__ for thing in gc.get_objects()]
    finally:
        gc.enable()
    assert {kind: after.count(kind) - before.count(kind) for kind in kinds} == dict.fromkeys(kinds, 0)
