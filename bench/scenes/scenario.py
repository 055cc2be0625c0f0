"""What happens in a composed recording: who is in it when, in which layout, and what else is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

__all__ = ["STYLES", "Person", "Scenario", "Style", "View", "inside"]

Colour = tuple[int, int, int]
Spans = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Style:
    """How an app draws a call; colours are BGR, lengths px at 720 lines."""

    background: Colour
    tile: Colour
    gap: int
    radius: int = 0
    plate: str = "dark"
    avatar: str = "name"
    text: Colour = (235, 235, 235)


STYLES: dict[str, Style] = {
    "zoom": Style((24, 24, 26), (52, 48, 46), 8),
    "black": Style((0, 0, 0), (34, 34, 34), 4),
    "meet": Style((36, 33, 32), (67, 64, 60), 12, radius=10, plate="plain", avatar="circle"),
    "teams": Style((31, 31, 31), (56, 52, 52), 5, radius=4, plate="dark", avatar="circle"),
    "light": Style((245, 245, 245), (225, 222, 220), 8, radius=4, plate="dark", avatar="circle", text=(40, 40, 40)),
    "tight": Style((20, 20, 20), (60, 60, 60), 2, plate="plain"),
}


@dataclass(frozen=True)
class Person:
    """A participant, or, with ``on`` empty, somebody who is only shown.

    ``on``, ``camera``: when they are in the call, and their camera is on, s. ``fit``: ``fill`` crops the picture to the
    tile; ``pillar`` and ``letter`` show it whole between bars. ``zoom``: below 1 shrinks the person in the picture.
    ``behind``: a sample picture as a virtual background; ``on_wall``: one that hangs behind them.
    """

    clip: str
    name: str
    offset_s: float = 0.0
    on: Spans = ((0.0, 1e9),)
    camera: Spans = ((0.0, 1e9),)
    fit: str = "fill"
    zoom: float = 1.0
    behind: str = ""
    on_wall: str = ""


@dataclass(frozen=True)
class View:
    """A layout from a time on: ``gallery``, ``speaker`` (strip on top), ``side`` (strip at the side), ``share``,
    ``full`` (share only, with one small tile), ``webcam`` (one person, no tiles), ``room``, ``mixed`` (tiles of two
    shapes). ``order``: people in the order that they are laid out. ``content`` of what is shared."""

    from_s: float
    kind: str
    order: Sequence[int]
    speaker: int = 0
    content: str = "slides"


@dataclass(frozen=True)
class Scenario:
    """One recording."""

    name: str
    people: Sequence[Person]
    views: Sequence[View]
    style: str = "zoom"
    width_px: int = 1280
    height_px: int = 720
    seconds: float = 30.0
    fps: int = 8
    codec: str = "libx264"
    crf: int = 27
    plates: bool = True
    shown: Sequence[str] = field(default=())
    """Clips of people who appear only in what is shared."""


def inside(spans: Spans, t_s: float) -> bool:
    """Whether a time lies in one of the spans."""
    return any(start <= t_s < end for start, end in spans)
