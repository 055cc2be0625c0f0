"""Files that are no recording are refused in one line, and nothing but the file itself is ever opened."""

from __future__ import annotations

import os
import socket
import struct
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emorec.errors import InputError
from emorec.recording import SampleReader, plan_chunks, probe, shown_name
from emorec.settings.recording import RecordingSettings
from tests.clips import HEIGHT_PX, WIDTH_PX, write_clip

SETTINGS = RecordingSettings()

PICTURES_START = b"\x00\x00\x01\xe0"
"""How each picture of an MPEG-TS file begins."""

PLAYLISTS = {
    "m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{target}\n#EXT-X-ENDLIST\n",
    "concat": "ffconcat version 1.0\nfile '{target}'\n",
    "dash": '<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet>'
    "<Representation><BaseURL>{target}</BaseURL></Representation></AdaptationSet></Period></MPD>",
    "pls": "[playlist]\nFile1={target}\nNumberOfEntries=1\n",
    "sdp": "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\nc=IN IP4 127.0.0.1\r\nm=video 5004 RTP/AVP 96\r\na=control:{target}\r\n",
}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4")


@pytest.fixture
def visitors() -> Iterator[tuple[str, list[object]]]:
    """A loopback URL, and who has connected to it so far."""
    met: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        stop = threading.Event()

        def listen() -> None:
            while not stop.is_set():
                try:
                    connection, address = server.accept()
                except TimeoutError:
                    continue
                met.append(address)
                connection.close()

        listener = threading.Thread(target=listen)
        listener.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/clip.mp4", met
        stop.set()
        listener.join()


def refusal(path: Path, settings_of: RecordingSettings = SETTINGS) -> str:
    with pytest.raises(InputError) as refused:
        probe(path, settings_of)
    message = str(refused.value)
    assert len(message.splitlines()) == 1
    return message


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b"", "is empty (0 bytes)", id="0 bytes"),
        pytest.param(b"Minutes of the meeting\n" * 400, "is text, not a recording", id="text"),
        pytest.param("Löschen – später\n".encode() * 400, "is text, not a recording", id="text with accents"),
        pytest.param(b"<!DOCTYPE html><html><body>Sign in</body></html>", "is a web page", id="html"),
        pytest.param(b"\n<?xml version='1.0'?><html xmlns='x'/>", "is a web page", id="xhtml"),
        pytest.param(b"version https://git-lfs.github.com/spec/v1\noid sha256:4d\nsize 9\n", "git lfs pull", id="lfs"),
        pytest.param(bytes(100_000), "holds only zeros", id="zeros"),
        pytest.param(np.random.default_rng(1).bytes(100_000), "is not a recording in a format", id="noise"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + bytes(50) + b"\xff" * 500, "is not a recording in a format", id="picture"),
        pytest.param(b"PK\x03\x04" + b"\xfe" * 5000, "is not a recording in a format", id="archive"),
    ],
)
def test_what_is_no_media_is_refused_whatever_its_name(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "meeting.mp4"
    path.write_bytes(content)
    message = refusal(path)
    assert reason in message
    assert message.startswith(str(path))


@pytest.mark.parametrize("kind", PLAYLISTS)
def test_a_playlist_is_refused_without_opening_what_it_names(
    tmp_path: Path, clip: Path, visitors: tuple[str, list[object]], kind: str
) -> None:
    url, met = visitors
    for target in (url, str(clip), f"file:{clip}"):
        for name in ("meeting.mp4", f"meeting.{kind}"):
            (tmp_path / name).write_text(PLAYLISTS[kind].format(target=target), newline="")
            assert "is a playlist" in refusal(tmp_path / name)
    assert not met


def test_a_playlist_that_does_not_look_like_text_opens_nothing(
    tmp_path: Path, clip: Path, visitors: tuple[str, list[object]]
) -> None:
    url, met = visitors
    path = tmp_path / "meeting.mp4"
    # Comments and spaces before it, so that it is for FFmpeg to refuse.
    path.write_bytes(b"\x0b" + PLAYLISTS["m3u8"].format(target=url).encode() + b"\x00\xff" * 500)
    refusal(path)
    path.write_bytes(b"ffconcat version 1.0\nfile " + str(clip).encode() + b"\n#\xff\xfe\n")
    refusal(path)
    assert not met


def test_what_is_not_a_regular_file_is_refused(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "missing.mp4")
    assert "is a folder" in refusal(tmp_path)
    os.mkfifo(tmp_path / "pipe.mp4")
    assert "not a regular file" in refusal(tmp_path / "pipe.mp4")
    assert "not a regular file" in refusal(Path("/dev/zero"))
    assert "cannot be opened" in refusal(tmp_path / ("x" * 300))
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert "cannot be opened" in refusal(tmp_path / "loop")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path, clip: Path) -> None:
    path = tmp_path / "secret.mp4"
    path.write_bytes(clip.read_bytes())
    path.chmod(0)
    assert "may not be read" in refusal(path)


def test_a_name_with_a_line_break_is_shown_on_one_line(tmp_path: Path) -> None:
    assert r"two\nlines.mp4" in refusal(tmp_path / "two\nlines.mp4")


@pytest.mark.parametrize(
    "name",
    [
        "-i.mp4",
        "a:b.mp4",
        "http:x.mp4",
        "concat:a|b.mp4",
        "with space.mp4",
        "Reunión número 2 – «fin».mp4",
        "two\nlines.mp4",
        "percent%03d.jpg",
        "list.m3u8",
        "no-ending",
        "x" * 251 + ".mp4",
        os.fsdecode(b"latin-\xe9.mp4"),
    ],
)
def test_any_name_works(tmp_path: Path, clip: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    (tmp_path / name).write_bytes(clip.read_bytes())
    monkeypatch.chdir(tmp_path)
    info = probe(Path(name), SETTINGS)
    (chunk,) = plan_chunks(info, SETTINGS)
    with SampleReader(info, chunk, SETTINGS) as reader:
        assert len(list(reader)) == 4


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Reunión – «fin».mp4", "Reunión – «fin».mp4"),
        (os.fsdecode(b"caf\xe9.mp4"), "caf\ufffd.mp4"),
        ("\ud800.mp4", "\ufffd.mp4"),
    ],
    ids=["utf-8", "latin-1", "surrogate that is no byte"],
)
def test_any_name_can_be_stored(name: str, shown: str) -> None:
    assert shown_name(name) == shown
    assert shown.encode()


def test_the_time_of_change_is_that_of_the_file_that_was_read(clip: Path) -> None:
    assert probe(clip, SETTINGS).modified_s == clip.stat().st_mtime


def test_a_path_through_other_folders_works(tmp_path: Path, clip: Path) -> None:
    assert probe(tmp_path / ".." / tmp_path.name / os.path.relpath(clip, tmp_path), SETTINGS).duration_s == 2


def test_sound_alone_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "talk.mp4"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("aac", rate=16_000)
        for k in range(20):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
            frame.sample_rate, frame.pts = 16_000, 1024 * k
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    assert "has sound but no pictures" in refusal(path)


def test_a_recording_that_was_not_finished_is_refused(tmp_path: Path, clip: Path) -> None:
    content = clip.read_bytes()
    path = tmp_path / "cut.mp4"
    path.write_bytes(content[: content.index(b"moov") - 100])
    assert "has no index (moov)" in refusal(path)


def test_pictures_that_cannot_be_decoded_are_refused(tmp_path: Path, clip: Path) -> None:
    content = bytearray(clip.read_bytes())
    first = content.index(b"mdat") + 4
    end = content.index(b"moov") - 4
    content[first:end] = bytes(end - first)
    path = tmp_path / "black.mp4"
    path.write_bytes(content)
    assert "could be decoded" in refusal(path)


def test_pictures_without_any_time_are_refused(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.ts")
    content = bytearray(path.read_bytes())
    at = content.find(PICTURES_START)
    while at >= 0:
        # PTS_DTS_flags (ISO/IEC 13818-1, 2.4.3.6) say that there are none.
        content[at + 7] &= 0x3F
        at = content.find(PICTURES_START, at + 1)
    path.write_bytes(content)
    assert "none of its pictures has a time" in refusal(path)


def test_too_large_pictures_are_refused_before_they_are_decoded(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "big.mp4", codec="mpeg4", size=(2048, 1024), seconds=0.08)
    assert "2048×1024 px are larger than recording.max_pixels" in refusal(clip, RecordingSettings(max_pixels=2_000_000))


def test_a_size_that_only_the_container_states_is_not_believed(tmp_path: Path, clip: Path) -> None:
    content = bytearray(clip.read_bytes())
    at = content.index(b"avc1", content.index(b"stsd")) + 28
    content[at : at + 4] = (16_384).to_bytes(2, "big") * 2
    path = tmp_path / "liar.mp4"
    path.write_bytes(content)
    assert probe(path, SETTINGS).height_px == 64


def test_too_long_recordings_are_refused(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "long.mkv", times_s=[0, 1, 3700])
    assert "is longer than recording.max_duration_s" in refusal(clip, RecordingSettings(max_duration_s=3600))


@given(content=st.binary(max_size=2000), start=st.sampled_from([b"", b"\0\0\0\x18ftypmp42", b"\x1aE\xdf\xa3", b"RIFF"]))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_any_bytes_are_refused_or_read(tmp_path_factory: pytest.TempPathFactory, content: bytes, start: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.mp4"
    path.write_bytes(start + content)
    refusal(path)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_a_recording_with_random_faults_is_refused_or_read(
    tmp_path_factory: pytest.TempPathFactory, clip: Path, seed: int
) -> None:
    random = np.random.default_rng(seed)
    content = np.frombuffer(clip.read_bytes(), np.uint8).copy()
    content[random.integers(0, len(content), 12)] = random.integers(0, 256, 12)
    path = tmp_path_factory.getbasetemp() / "faults.mp4"
    path.write_bytes(content.tobytes())
    try:
        info = probe(path, SETTINGS)
        for chunk in plan_chunks(info, SETTINGS):
            with SampleReader(info, chunk, SETTINGS) as reader:
                for sample in reader:
                    assert sample.rgb.shape == (info.height_px, info.width_px, 3)
            assert reader.read_until_s <= chunk.t1_s
    except InputError as refused:
        assert len(str(refused).splitlines()) == 1  # noqa: PT017


def test_pictures_of_16k_by_16k_are_not_unfolded(tmp_path: Path) -> None:
    # A bomb: 33 kB that a decoder would unfold to 268 million pixels.
    side = 16_384
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes((side // 8 + 1) * side), 9)
    png = b"\x89PNG\r\n\x1a\n"
    for kind, data in ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b"")):
        png += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    path = tmp_path / "bomb.mov"
    with av.open(str(path), "w") as output:
        stream: Any = output.add_stream("png", rate=1)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "monob"
        packet = av.Packet(png)
        packet.stream, packet.pts, packet.dts, packet.is_keyframe = stream, 0, 0, True
        output.mux(packet)
    assert path.stat().st_size < 100_000
    assert "16384×16384 px are larger than recording.max_pixels (64,000,000)" in refusal(path)


@pytest.mark.parametrize("side", [16_384, 40_000])
def test_a_size_that_only_the_pictures_state_is_refused_by_that_size(tmp_path: Path, side: int) -> None:
    path = write_clip(tmp_path / "large.avi", codec="mjpeg", pix_fmt="yuvj420p", seconds=0.2)
    content = path.read_bytes()
    # The frame header (ITU-T T.81, B.2.2) of each picture; FFmpeg cannot address more than some 16,380 squared.
    start, size = b"\xff\xc0\x00\x11\x08", struct.pack(">HH", HEIGHT_PX, WIDTH_PX)
    assert content.count(start + size) == 5
    path.write_bytes(content.replace(start + size, start + struct.pack(">HH", side, side)))
    for _ in range(2):
        assert f"{side}×{side} px are larger than recording.max_pixels (64,000,000)" in refusal(path)


@pytest.mark.parametrize("container", [".mp4", ".mkv"])
def test_a_size_that_ffmpeg_cannot_address_is_refused_by_that_size(tmp_path: Path, container: str) -> None:
    path = write_clip_of_16k(tmp_path / f"large{container}")
    assert "16384×16384 px are larger than recording.max_pixels (64,000,000)" in refusal(path)


def write_clip_of_16k(path: Path) -> Path:
    """H.264 whose header says 16,384 × 16,384 px, which no encoder writes (ITU-T H.264, 7.3.2.1.1)."""

    def ue(number: int) -> str:
        code = f"{number + 1:b}"
        return "0" * (len(code) - 1) + code

    side = ue(16_384 // 16 - 1)
    # Baseline, level 6.2, no more than one reference, the size in macroblocks, whole frames, no cropping.
    bits = f"{66:08b}{0:08b}{62:08b}" + ue(0) + ue(0) + ue(2) + ue(1) + "0" + side + side + "11" + "00" + "1"
    bits = bits.ljust(-(-len(bits) // 8) * 8, "0")
    sps = b"\x67" + int(bits, 2).to_bytes(len(bits) // 8, "big")
    pps = b"\x68\xce\x38\x80"
    small = write_clip(path.with_name(f"small{path.suffix}"), options={"profile": "baseline"}, seconds=0.2)
    with av.open(str(small)) as source, av.open(str(path), "w") as output:
        stream = source.streams.video[0]
        copy: Any = output.add_stream_from_template(stream)
        copy.codec_context.width = copy.codec_context.height = 16_384
        # avcC (ISO/IEC 14496-15, 5.3.3.1): one set of each.
        copy.codec_context.extradata = (
            bytes([1, 66, 0, 62, 0xFF, 0xE1])
            + len(sps).to_bytes(2, "big")
            + sps
            + bytes([1])
            + len(pps).to_bytes(2, "big")
            + pps
        )
        for packet in source.demux(stream):
            if packet.size:
                packet.stream = copy
                output.mux(packet)
    return path
