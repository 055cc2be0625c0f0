"""Small charts as SVG text, for pages that lie beside weights and runs.

A page with them weighs 30 kB, works without a script and prints; one with Plotly weighs 5 MB, for each version anew.
Colours come from the page's style (templates/page.html), so that they follow its light and its dark theme.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from markupsafe import Markup, escape

WIDTH: Final = 420
"""Width of a chart in its own units; pages scale it, so that text is readable on a telephone."""

ROW: Final = 22
HEIGHT: Final = 250
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 26, 40


class Bar(NamedTuple):
    """A bar: its label, its value between 0 and 1, and the interval around it, if there is one."""

    label: str
    value: float
    interval: tuple[float, float] | None = None


def bars(rows: Sequence[Bar], title: str) -> Markup:
    """Draw horizontal bars from 0 to 1 with their intervals. title: what they show, for those who hear the page."""
    left, right = 92, 46
    room = WIDTH - left - right
    parts = []
    for i, (label, value, interval) in enumerate(rows):
        y = 4 + i * ROW
        parts += [
            f'<text x="{left - 8}" y="{y + 11}" class="label end">{escape(label)}</text>',
            f'<rect x="{left}" y="{y}" width="{room * value:.1f}" height="{ROW - 8}" class="bar"/>',
            f'<text x="{WIDTH - right + 8}" y="{y + 11}" class="label">{value:.2f}</text>',
        ]
        if interval:
            low, high = (left + room * end for end in interval)
            parts.append(
                f'<path d="M{low:.1f} {y + 7}H{high:.1f}M{low:.1f} {y + 3}v8M{high:.1f} {y + 3}v8" class="whisker"/>'
            )
    return _svg(parts, 4 + len(rows) * ROW, title)


def lines(
    series: Mapping[str, Sequence[tuple[float, float]]],
    title: str,
    x_title: str,
    y_title: str,
    marked_x: float | None = None,
) -> Markup:
    """Draw lines through points (x, y), each of another dash, named in a legend below.

    marked_x: where an upright line is drawn.
    """
    points = [point for line in series.values() for point in line]
    x0, x1 = _span([x for x, _ in points])
    y0, y1 = _span([y for _, y in points])

    def place(x: float, y: float) -> tuple[float, float]:
        return (
            LEFT + (x - x0) / (x1 - x0) * (WIDTH - LEFT - RIGHT),
            HEIGHT - BOTTOM - (y - y0) / (y1 - y0) * (HEIGHT - TOP - BOTTOM),
        )

    parts = _axes(x0, x1, y0, y1, x_title, y_title)
    if marked_x is not None:
        x, _ = place(marked_x, y0)
        parts.append(f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}" class="mark"/>')
    for i, (name, line) in enumerate(series.items()):
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in line))
        parts.append(f'<polyline points="{path}" class="line line-{i}"/>')
        if len(line) == 1:
            x, y = place(*line[0])
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" class="dot"/>')
        x = LEFT + i * 130
        parts.append(f'<path d="M{x} {HEIGHT + 6}h24" class="line line-{i}"/>')
        parts.append(f'<text x="{x + 30}" y="{HEIGHT + 10}" class="label">{escape(name)}</text>')
    return _svg(parts, HEIGHT + 18, title)


def diagonal(points: Sequence[tuple[float, float, int]], title: str, x_title: str, y_title: str) -> Markup:
    """Draw points (x, y, n) between 0 and 1 against the line on which x = y; a point's area grows with n."""
    most = max((n for _, _, n in points), default=1)

    def place(x: float, y: float) -> tuple[float, float]:
        return LEFT + x * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - y * (HEIGHT - TOP - BOTTOM)

    (left, bottom), (right, top) = place(0, 0), place(1, 1)
    parts = [*_axes(0, 1, 0, 1, x_title, y_title), f'<path d="M{left} {bottom}L{right} {top}" class="mark"/>']
    for x, y, n in points:
        px, py = place(x, y)
        radius = 2.5 + 5 * (n / most) ** 0.5
        told = f"said {x:.2f}, right {y:.2f}, {n} images"
        parts.append(f'<circle cx="{px:.1f}" cy="{py:.1f}" r="{radius:.1f}" class="dot"><title>{told}</title></circle>')
    return _svg(parts, HEIGHT, title)


def _axes(x0: float, x1: float, y0: float, y1: float, x_title: str, y_title: str) -> list[str]:
    parts = []
    for i in range(5):
        share = i / 4
        x = LEFT + share * (WIDTH - LEFT - RIGHT)
        y = HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)
        x_value, y_value = _number(x0 + share * (x1 - x0)), _number(y0 + share * (y1 - y0))
        parts += [
            f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" class="grid"/>',
            f'<text x="{LEFT - 6}" y="{y + 4:.1f}" class="tick end">{y_value}</text>',
            f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 14}" class="tick middle">{x_value}</text>',
        ]
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{HEIGHT - 8}" class="label middle">{escape(x_title)}</text>')
    parts.append(f'<text x="2" y="10" class="label">{escape(y_title)}</text>')
    return parts


def _span(values: Sequence[float]) -> tuple[float, float]:
    """Return the ends of an axis that shows all values, never the same twice."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 10 else f"{value:.2f}".rstrip("0").rstrip(".") or "0"


def _svg(parts: Sequence[str], height: float, title: str) -> Markup:
    # Made of numbers and of escaped text alone.
    return Markup(  # noqa: S704
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{escape(title)}">{"".join(parts)}</svg>'
    )
