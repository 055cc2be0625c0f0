"""Where tiles lie: rectangles x, y, w, h in px of the picture, for each kind of view."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bench.scenes.scenario import View

__all__ = ["SHARE", "grid", "places"]

Rect = tuple[int, int, int, int]
SHARE = -1
"""Stands for what is shared, in place of a person."""


def grid(n: int, width: int, height: int, gap: int, aspect: float = 16 / 9) -> list[Rect]:
    """Rectangles of n tiles of one shape that fill a picture best, the last row centred."""
    best = (0.0, 1, 1)
    for columns in range(1, n + 1):
        rows = math.ceil(n / columns)
        w = min((width - gap * (columns + 1)) / columns, (height - gap * (rows + 1)) / rows * aspect)
        best = max(best, (w, columns, rows))
    w, h, columns, rows = int(best[0]), int(best[0] / aspect), best[1], best[2]
    top = (height - rows * h - (rows - 1) * gap) // 2
    found = []
    for i in range(n):
        row, column = divmod(i, columns)
        in_row = min(columns, n - row * columns)
        left = (width - in_row * w - (in_row - 1) * gap) // 2
        found.append((left + column * (w + gap), top + row * (h + gap), w, h))
    return found


def places(view: View, there: set[int], width: int, height: int, gap: int) -> list[tuple[int, Rect]]:
    """Who is where in a view, of those who are there: pairs of a person (or SHARE) and a rectangle."""
    order = [who for who in view.order if who in there]
    speaker = view.speaker if view.speaker in there else (order[0] if order else SHARE)
    if view.kind == "full":
        small = (width - width // 6 - gap, gap, width // 6, width // 6 * 9 // 16)
        return [(SHARE, (0, 0, width, height)), *((who, small) for who in order[:1])]
    if not order:
        return []
    if view.kind == "webcam":
        return [(speaker, (0, 0, width, height))]
    if view.kind == "gallery":
        return list(zip(order, grid(len(order), width, height, gap), strict=True))
    if view.kind == "mixed":
        return _mixed(order, width, height, gap)
    if view.kind == "speaker":
        h = height // 6
        strip = _strip(order, h * 16 // 9, h, gap, width)
        big_h = height - h - 3 * gap
        big_w = min(width - 2 * gap, big_h * 16 // 9)
        return [*strip, (speaker, ((width - big_w) // 2, h + 2 * gap, big_w, big_h))]
    # "side" shows the speaker large, "share" what is shared; the strip stands at the right.
    rows = max(4, min(6, len(order)))
    h = min((height - gap * (rows + 1)) // rows, width * 9 // 64)
    w = h * 16 // 9
    strip = [(who, (width - w - gap, gap + i * (h + gap), w, h)) for i, who in enumerate(order[:rows])]
    large = (gap, gap, width - w - 3 * gap, height - 2 * gap)
    return [(SHARE if view.kind == "share" else speaker, large), *strip]


def _strip(order: Sequence[int], w: int, h: int, gap: int, width: int) -> list[tuple[int, Rect]]:
    n = min(len(order), (width - gap) // (w + gap))
    left = (width - n * w - (n - 1) * gap) // 2
    return [(who, (left + i * (w + gap), gap, w, h)) for i, who in enumerate(order[:n])]


def _mixed(order: Sequence[int], width: int, height: int, gap: int) -> list[tuple[int, Rect]]:
    """Two rows: tiles of 16:9 above, nearly square ones below."""
    half = (len(order) + 1) // 2
    h = (height - 3 * gap) // 2
    upper = grid(half, width, h, gap)
    lower = grid(max(1, len(order) - half), width, h, gap, 1.1)
    rects = upper + [(x, y + h + gap, w, part) for x, y, w, part in lower]
    return list(zip(order, rects, strict=False))
