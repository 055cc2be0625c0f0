"""Two sessions side by side, in a browser."""

from __future__ import annotations

from pathlib import Path

from reports.compare import render
from tests.browser.opened import Opened, overflow_px, plots, violations
from tests.builders import write_session

FIGURES = ["both", "attention-a", "attention-b", "emotions-a", "emotions-b", "levels-a", "levels-b"]


def test_every_chart_of_both_is_drawn_and_the_page_is_accessible(opened: Opened, tmp_path: Path) -> None:
    sessions = [write_session(tmp_path, participants=6, minutes=5, rate_hz=0.5, seed=seed) for seed in (0, 1)]
    html = render(*sessions)
    for width, dark in ((1280, False), (390, True)):
        page = opened(html, width=width, dark=dark)
        found = plots(page)
        assert [plot["name"] for plot in found] == FIGURES
        assert all(plot["marks"] and 0 < plot["width"] <= plot["room"] for plot in found)
        assert overflow_px(page) <= 0
        assert violations(page) == []
    assert opened.from_elsewhere() == []
    assert opened.complaints == []
