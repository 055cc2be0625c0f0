"""Name plates: the label in each tile of a call, read offline by PaddleOCR's networks, run by OpenCV.

Only on request, for it names people. A label is where apps put it: near the tile's lower edge, or, while the camera is
off, in its middle.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from emorec.errors import AssetError
from emorec.faces.onnx_file import metadata
from emorec.types import Bool, Float32, Int32, UInt8

__all__ = ["PlateReader", "PlateSchedule", "Reading"]

# The strip at a tile's lower edge that is looked through, and the band in its middle, as shares of its height; at
# least so many px.
STRIP_SHARE, LEAST_STRIP_PX = 0.2, 24
BAND_SHARE = 0.3
# Strips are scaled to this height, below which letters of usual labels are too small for the networks.
STRIP_PX = 64
# The detection network takes sides that are multiples of this.
DETECTION_STEP_PX = 32
# Normalisation of PaddleOCR's detection network (ImageNet's) and what its map says is text.
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
TEXT, SURE_TEXT = 0.3, 0.5
# The map shows shrunken lines: they grow by this times area over perimeter, as in PaddleOCR's own post-processing.
UNCLIP = 1.6
LEAST_LINE_PX = 8
# Height that the recognition network takes.
LINE_PX = 48
# Least mean probability of a label's letters.
SURE = 0.8
# A label is read so often for each occupant of a tile, with so much time between, s.
READ_TIMES, READ_EVERY_S = 3, 4.0
# Tiles read at one sample, at most: the others' turn comes with the next ones.
AT_ONCE = 6


@dataclass(frozen=True)
class Reading:
    """What one label says, and how sure that is (0–1)."""

    text: str
    confidence: float


class PlateSchedule:
    """Whose labels are due: every occupant of every tile a few times, so that a vote can be taken."""

    def __init__(self) -> None:
        self._read: dict[tuple[int, int], tuple[int, float]] = {}

    def due(self, t_s: float, tile: Int32, occupant: Int32) -> Bool:
        """Which tiles [n] are to be read now, with these ``occupant`` tracks [n] (−1: nobody); counts them as read."""
        chosen = np.zeros(len(tile), bool)
        keys = list(zip(tile.tolist(), occupant.tolist(), strict=True))
        read = [self._read.get(key, (0, -np.inf)) for key in keys]
        waiting = [k for k, (times, last_s) in enumerate(read) if times < READ_TIMES and t_s - last_s >= READ_EVERY_S]
        # Those that were read least come first, so that a large gallery's last tiles have their turn.
        for k in sorted(waiting, key=lambda k: (read[k][0], k))[:AT_ONCE]:
            chosen[k] = True
            self._read[keys[k]] = read[k][0] + 1, t_s
        return chosen


class PlateReader:
    """Reads labels; the networks are loaded once. One instance per thread."""

    def __init__(self, detection_path: Path, recognition_path: Path) -> None:
        """Load the networks.

        Raises:
            AssetError: a file cannot be loaded.
        """
        try:
            self._detection = cv2.dnn.readNetFromONNX(str(detection_path))
            self._recognition = cv2.dnn.readNetFromONNX(str(recognition_path))
            letters = metadata(recognition_path)["character"].splitlines()
        except (OSError, KeyError, ValueError, cv2.error) as error:
            remedy = "run `emorec assets --plates` to bring it anew"
            raise AssetError(f"{detection_path} or {recognition_path} cannot be loaded: {remedy}") from error
        # Class 0 is the blank of CTC; a space comes last.
        self._letters = ["", *letters, " "]

    def read(self, rgb: UInt8, tiles_px: Float32, empty: Bool) -> list[Reading | None]:
        """The label of each tile [n, 4] of a picture; None where there is none that can be read.

        Args:
            rgb: [H, W, 3] uint8.
            tiles_px: [n, 4].
            empty: [n], tiles without a face, whose middle is looked at too.
        """
        strips = [_strip(rgb, tile, middle=False) for tile in tiles_px]
        found = self._read_strips(strips)
        again = [row for row, reading in enumerate(found) if reading is None and empty[row]]
        bands = self._read_strips([_strip(rgb, tiles_px[row], middle=True) for row in again])
        for row, reading in zip(again, bands, strict=True):
            found[row] = reading
        return found

    def _read_strips(self, strips: list[UInt8]) -> list[Reading | None]:
        """The leftmost line of each strip."""
        if not strips:
            return []
        sheet = np.zeros((len(strips) * STRIP_PX, max(strip.shape[1] for strip in strips), 3), np.uint8)
        for row, strip in enumerate(strips):
            sheet[row * STRIP_PX : (row + 1) * STRIP_PX, : strip.shape[1]] = strip
        lines = self._lines(sheet)
        of_strip = ((lines[:, 1] + lines[:, 3]) / 2 // STRIP_PX).astype(int)
        found: list[Reading | None] = []
        for row in range(len(strips)):
            parts = [self._recognise(_cut(sheet, line)) for line in _one_line(lines[of_strip == row])]
            text = " ".join(part.text for part in parts if part.confidence >= SURE).strip()
            sure = min((part.confidence for part in parts if part.confidence >= SURE), default=0.0)
            found.append(Reading(text, sure) if sum(letter.isalpha() for letter in text) >= 2 else None)
        return found

    def _lines(self, sheet: UInt8) -> Float32:
        """Lines of text of a picture as left, top, right, bottom [n, 4]."""
        height, width = (-(-side // DETECTION_STEP_PX) * DETECTION_STEP_PX for side in sheet.shape[:2])
        canvas = np.zeros((height, width, 3), np.float32)
        canvas[: sheet.shape[0], : sheet.shape[1]] = sheet / np.float32(255)
        normal = ((canvas - np.array(MEAN, np.float32)) / np.array(DEVIATION, np.float32)).transpose(2, 0, 1)[None]
        self._detection.setInput(np.ascontiguousarray(normal, np.float32))
        likely = self._detection.forward()[0, 0]
        count, label, stats, _ = cv2.connectedComponentsWithStats((likely > TEXT).astype(np.uint8))
        mean = np.bincount(label.ravel(), likely.ravel(), count) / np.maximum(stats[:, cv2.CC_STAT_AREA], 1)
        found = []
        for x, y, w, h, area in stats[1:][mean[1:] >= SURE_TEXT].tolist():
            by = area * UNCLIP / (2 * (w + h))
            if h + 2 * by >= LEAST_LINE_PX:
                found.append((x - by, y - by, x + w + by, y + h + by))
        return np.array(found, np.float32).reshape(-1, 4)

    def _recognise(self, line: UInt8) -> Reading:
        """What a line [h, w, 3] says: the most probable letters, repeated ones and blanks left out (CTC)."""
        width = max(LINE_PX, -(-LINE_PX * line.shape[1] // line.shape[0] // 8) * 8)
        scaled = cv2.resize(line, (width, LINE_PX), interpolation=cv2.INTER_CUBIC)[..., ::-1].astype(np.float32)
        self._recognition.setInput(np.ascontiguousarray((scaled / 127.5 - 1).transpose(2, 0, 1)[None]))
        probability: Any = self._recognition.forward()[0]
        best = probability.argmax(axis=1)
        kept = (best > 0) & (np.diff(best, prepend=0) != 0) & (best < len(self._letters))
        if not kept.any():
            return Reading("", 0.0)
        text = "".join(self._letters[k] for k in best[kept])
        return Reading(" ".join(text.split()), float(probability.max(axis=1)[kept].mean()))


def _strip(rgb: UInt8, tile_px: Float32, *, middle: bool) -> UInt8:
    """The part of a tile that may hold its label, scaled to [STRIP_PX, w, 3]."""
    height, width = rgb.shape[:2]
    x, y, w, h = (round(float(v)) for v in tile_px)
    part = min(max(round((BAND_SHARE if middle else STRIP_SHARE) * h), LEAST_STRIP_PX), h)
    bottom = min(y + (h + part) // 2 if middle else y + h, height)
    left, right = max(x, 0), min(x + w, width)
    cut = rgb[max(bottom - part, 0) : bottom, left : max(right, left)]
    if not cut.size:
        return np.zeros((STRIP_PX, STRIP_PX, 3), np.uint8)
    scale = STRIP_PX / cut.shape[0]
    size = (max(1, round(cut.shape[1] * scale)), STRIP_PX)
    kind = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(cut, size, interpolation=kind), np.uint8)


def _one_line(lines: Float32) -> list[Float32]:
    """The lines that stand beside the leftmost one, from left to right."""
    if not len(lines):
        return []
    lines = lines[np.argsort(lines[:, 0], kind="stable")]
    middle = (lines[:, 1] + lines[:, 3]) / 2
    beside = (middle > lines[0, 1]) & (middle < lines[0, 3])
    return list(lines[beside])


def _cut(sheet: UInt8, line: Float32) -> UInt8:
    height, width = sheet.shape[:2]
    left, top, right, bottom = (float(v) for v in line)
    rows = slice(max(0, int(top)), max(int(top) + 1, min(height, int(np.ceil(bottom)))))
    columns = slice(max(0, int(left)), max(int(left) + 1, min(width, int(np.ceil(right)))))
    return sheet[rows, columns]
