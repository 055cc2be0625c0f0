"""A recording with what was seen of it drawn on top, for a person to check by eye: boxes, names, expressions.

Made from a committed session and its recording, only on request, and kept nowhere but where it was asked for.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import cv2
import numpy as np

from emorec import recording as media
from emorec.errors import InputError
from emorec.types import EMOTIONS, Float64, UInt8

if TYPE_CHECKING:
    from emorec.settings import Settings
    from emorec.store import Session
    from emorec.types import RecordingInfo, Sample

__all__ = ["draw_debug_video"]

RATE_HZ = 10
"""Pictures per second: enough to follow a head by eye, at a third of the cost of all."""
QUALITY = {"preset": "superfast", "crf": "24"}
LEFT_OUT_COLOUR, TEXT_COLOUR, PANEL_COLOUR = (150, 150, 150), (255, 255, 255), (20, 20, 20)
LINES_PER_TEXT = 40
"""Letters are so many times smaller than the picture is high, and 12 px at least."""
COLUMNS = ("participant", "t", "state", "track", "x", "y", "w", "h", "emotion", *EMOTIONS, "attention")
Row = dict[str, Any]


def draw_debug_video(session: Session, recording: Path, out: Path, settings: Settings) -> None:
    """Write an mp4 that shows each participant's box, name, expression and attention on the recording.

    Boxes move in between samples. Who has the camera off is listed at the bottom; tracks that were left out are grey.

    Args:
        session: of this recording, in privacy mode ``participant``.
        recording: the file that it was made from.
        out: written whole or not at all; its folder must exist.

    Raises:
        InputError: the recording is another one, the session has no participants to draw (privacy mode aggregate), or
            the file cannot be written.
    """
    if session.metadata["privacy"]["mode"] != "participant":
        raise InputError("a session in privacy mode aggregate knows of no person: there is nothing to draw")
    info = media.probe(recording, settings.recording)
    if info.sha256 != session.metadata["recording"]["sha256"]:
        raise InputError(f"{recording} is not the recording that session {session.id} was made from")
    partial = out.with_name(out.name + ".part")
    try:
        # FFmpeg's options, not the name, say what is written: the name ends in .part.
        with av.open(str(partial), "w", format="mp4") as container:
            stream = container.add_stream("libx264", rate=RATE_HZ, options=QUALITY)
            stream.width, stream.height = info.width_px // 2 * 2, info.height_px // 2 * 2
            stream.pix_fmt = "yuv420p"
            overlay = _Overlay(session)
            for sample in _pictures(info, settings):
                drawn = overlay.on(sample)[: stream.height, : stream.width]
                container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(drawn), format="rgb24")))
            container.mux(stream.encode(None))
        partial.replace(out)
    except OSError as error:
        raise InputError(f"{out} cannot be written: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)


def _pictures(info: RecordingInfo, settings: Settings) -> Iterator[Sample]:
    often = settings.recording.model_copy(update={"rate_hz": float(RATE_HZ)})
    for chunk in media.plan_chunks(info, often):
        with media.SampleReader(info, chunk, often) as reader:
            yield from reader


class _Overlay:
    """What is drawn at each time."""

    def __init__(self, session: Session) -> None:
        self._rows: dict[float, dict[str, Row]] = {}
        for row in session.table("timeline", COLUMNS).to_pylist():
            self._rows.setdefault(row["t"], {})[row["participant"]] = row
        self._times_s = sorted(self._rows)
        self._left_out: list[Row] = session.table("left_out").to_pylist()
        people = session.table("participants", ["participant", "label"]).to_pylist()
        self._name: dict[str, str] = {row["participant"]: row["label"] for row in people}
        self._face = cv2.FontFace("sans")

    def on(self, sample: Sample) -> UInt8:
        """A sample's picture [H, W, 3] with everything drawn on a copy of it."""
        canvas, t_s = sample.rgb.copy(), sample.t_s
        size = max(12, canvas.shape[0] // LINES_PER_TEXT)
        for track in self._left_out:
            if track["t0"] - 1e-6 <= t_s <= track["t1"] + 1e-6:
                self._draw(canvas, _box(track), [track["reason"].split(";")[0]], LEFT_OUT_COLOUR, size * 3 // 4)
        at = bisect_right(self._times_s, t_s + 1e-6) - 1
        off: list[str] = []
        for participant, row in (self._rows[self._times_s[at]] if at >= 0 else {}).items():
            if row["state"] == "camera_off":
                off.append(self._name[participant])
            elif row["state"] == "visible" and row["x"] is not None:
                box = self._between(row, at, t_s)
                self._draw(canvas, box, [self._name[participant], _reading(row)], _colour(participant), size)
        line = f"{t_s:.1f} s" + (f"   camera off: {', '.join(off)}" if off else "")
        self._write(canvas, line, (size // 2, canvas.shape[0] - size // 2), size)
        return canvas

    def _between(self, row: Row, at: int, t_s: float) -> Float64:
        """Where a box is at a time between two samples; where it was, if the track ends there."""
        after = self._rows[self._times_s[at + 1]].get(row["participant"]) if at + 1 < len(self._times_s) else None
        if after is None or after["track"] != row["track"] or after["x"] is None:
            return _box(row)
        share = min(max((t_s - row["t"]) / (after["t"] - row["t"]), 0.0), 1.0)
        return np.asarray(_box(row) + share * (_box(after) - _box(row)), np.float64)

    def _draw(self, canvas: UInt8, box: Float64, lines: list[str], colour: tuple[int, int, int], size: int) -> None:
        x, y, w, h = (round(float(v)) for v in box)
        cv2.rectangle(canvas, (x, y), (x + w, y + h), colour, max(1, size // 10), cv2.LINE_AA)
        # No wider than a face of a crowded gallery leaves room for.
        size = max(10, min(size, w // 4))
        for k, line in enumerate(reversed([line for line in lines if line])):
            self._write(canvas, line, (x, y - size // 3 - k * (size + size // 3)), size, colour)

    def _write(
        self, canvas: UInt8, text: str, at: tuple[int, int], size: int, colour: tuple[int, int, int] = TEXT_COLOUR
    ) -> None:
        """Text on a dark panel, moved into the picture where it would lie beyond."""
        height, width = canvas.shape[:2]
        _, _, w, _ = cv2.getTextSize((width, height), text, (0, 0), self._face, size)
        x, y = max(0, min(at[0], width - w - 4)), min(max(at[1], size), height - 4)
        cv2.rectangle(canvas, (x, y - size), (x + w + 4, y + size // 4), PANEL_COLOUR, -1)
        cv2.putText(canvas, text, (x + 2, y), colour, self._face, size)


def _box(row: Row) -> Float64:
    return np.array([row["x"], row["y"], row["w"], row["h"]], np.float64)


def _reading(row: Row) -> str:
    """The displayed expression with its probability, and attention, as far as they are known."""
    parts = []
    if row["emotion"] is not None:
        parts.append(f"{row['emotion']} {row[row['emotion']]:.1f}")
    if row["attention"] is not None:
        parts.append(f"attention {row['attention']:.1f}")
    return "  ".join(parts)


def _colour(participant: str) -> tuple[int, int, int]:
    """A bright colour that a participant always has; neighbours in number differ most (golden angle)."""
    hue = int(int(participant.lstrip("P") or 0) * 137.508 / 2) % 180
    red, green, blue = (int(v) for v in cv2.cvtColor(np.array([[[hue, 150, 255]]], np.uint8), cv2.COLOR_HSV2RGB)[0, 0])
    return red, green, blue
