"""What happens in the demo meeting: who is there when, with the camera on or off, and where their tiles are."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["HEIGHT_PX", "PEOPLE", "SCENARIO_S", "WIDTH_PX", "Person", "Rect", "Scene", "raised_at", "scene_at"]

WIDTH_PX, HEIGHT_PX = 1280, 720
SCENARIO_S = 60.0
"""The times below are for a recording of this length; a shorter one runs through them faster."""

GAP_PX = 8
STRIP_WIDTH_PX = 240

Rect = tuple[int, int, int, int]
"""x, y, w, h in px."""


@dataclass(frozen=True)
class Person:
    """Someone in the meeting; ``portrait`` is None where the camera is never on. Times in s of the scenario."""

    name: str
    portrait: str | None
    joins_s: float = 0.0
    leaves_s: float = SCENARIO_S
    camera_off_s: tuple[float, float] = (0.0, 0.0)

    def present(self, t_s: float) -> bool:
        """Whether they are in the meeting."""
        return self.joins_s <= t_s < self.leaves_s

    def camera_on(self, t_s: float) -> bool:
        """Whether their tile shows a face."""
        off_s, on_s = self.camera_off_s
        return self.portrait is not None and not off_s <= t_s < on_s


@dataclass(frozen=True)
class Scene:
    """The layout at one moment: tiles as (index of the person, rectangle, camera on), and the slide, if one is shared,
    as (its number, rectangle)."""

    tiles: tuple[tuple[int, Rect, bool], ...]
    slide: tuple[int, Rect] | None = None


PEOPLE = (
    Person("Grace Hopper", "grace", camera_off_s=(24.0, 31.0)),
    Person("Sam Rivera", None, leaves_s=54.0),
    Person("Eileen Collins", "eileen", joins_s=10.0),
    Person("Zoé Martin", None, joins_s=18.0),
)

SHARE_S = (36.0, 48.0)
NEXT_SLIDE_S = 42.0
THINKING_S = (49.5, 53.5)
"""After a question, everybody looks up."""
LOOKING_UP_TAKES_S = 0.6
ORDERS = ((0, 1, 2, 3), (2, 0, 3, 1))
"""Order of the tiles before and after the screen share: they come back in other places."""


def scene_at(t_s: float) -> Scene:
    """The layout at a time of the scenario, s."""
    order = ORDERS[t_s >= SHARE_S[0]]
    present = [i for i in order if PEOPLE[i].present(t_s)]
    if SHARE_S[0] <= t_s < SHARE_S[1]:
        slide = (
            int(t_s >= NEXT_SLIDE_S),
            (GAP_PX, GAP_PX, WIDTH_PX - STRIP_WIDTH_PX - 3 * GAP_PX, HEIGHT_PX - 2 * GAP_PX),
        )
        rects = _strip(len(present))
    else:
        slide = None
        rects = _gallery(len(present))
    return Scene(tuple((i, rect, PEOPLE[i].camera_on(t_s)) for i, rect in zip(present, rects, strict=True)), slide)


def raised_at(t_s: float) -> float:
    """How far heads are raised at a time of the scenario, 0–1."""
    start, end = THINKING_S
    return max(0.0, min(1.0, (t_s - start) / LOOKING_UP_TAKES_S, (end - t_s) / LOOKING_UP_TAKES_S))


def _gallery(tiles: int) -> list[Rect]:
    """16:9 tiles in two columns, an odd last one centred."""
    width = (WIDTH_PX - 3 * GAP_PX) // 2
    height = width * 9 // 16
    rows = -(-tiles // 2)
    top = (HEIGHT_PX - rows * height - (rows - 1) * GAP_PX) // 2
    rects = []
    for i in range(tiles):
        row, column = divmod(i, 2)
        alone = i == tiles - 1 and column == 0
        x = (WIDTH_PX - width) // 2 if alone else GAP_PX + column * (width + GAP_PX)
        rects.append((x, top + row * (height + GAP_PX), width, height))
    return rects


def _strip(tiles: int) -> list[Rect]:
    """16:9 tiles below each other at the right edge."""
    height = STRIP_WIDTH_PX * 9 // 16
    x = WIDTH_PX - STRIP_WIDTH_PX - GAP_PX
    return [(x, GAP_PX + i * (height + GAP_PX), STRIP_WIDTH_PX, height) for i in range(tiles)]
