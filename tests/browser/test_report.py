"""The report in a real browser, as an instructor opens it: from a file, offline, on a screen, a phone and on paper."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from emorec.types import EMOTIONS
from reports.i18n import LANGUAGES
from reports.session import render
from reports.words import words_in
from tests.browser.opened import Opened, overflow_px, plots
from tests.builders import write_session

GROUP = ["attention", "emotions", "synchrony", "engagement", "levels", "distribution"]
ALL = [*GROUP, "heat-map", "attendance", "card", "face-sizes"]
WITHOUT_SYNCHRONY = [name for name in ALL if name != "synchrony"]
CASES = [
    pytest.param({"participants": 25, "minutes": 60}, ALL, id="25 people, an hour"),
    pytest.param({"participants": 100, "minutes": 240, "rate_hz": 0.2}, ALL, id="100 people, 4 hours"),
    pytest.param({"participants": 1, "minutes": 5}, WITHOUT_SYNCHRONY, id="one participant, 5 minutes"),
    pytest.param({"participants": 3, "minutes": 1}, WITHOUT_SYNCHRONY, id="a minute"),
    pytest.param({"participants": 8, "minutes": 5, "cameras": False}, ["attention", "attendance"], id="cameras off"),
    pytest.param({"participants": 0, "minutes": 5}, [], id="nobody"),
    pytest.param({"participants": 25, "minutes": 20, "mode": "aggregate"}, GROUP, id="aggregate"),
    pytest.param(
        {"participants": 8, "minutes": 20, "emotions": False},
        [name for name in ALL if name not in ("emotions", "synchrony")],
        id="without emotions",
    ),
]


@pytest.mark.parametrize(("wanted", "expected"), CASES)
def test_every_chart_is_drawn_on_a_screen_and_a_phone(
    opened: Opened, tmp_path: Path, wanted: dict[str, Any], expected: list[str]
) -> None:
    page = opened(render(write_session(tmp_path / "store", **wanted)))
    _check(page, expected)

    page.emulate_media(color_scheme="dark")
    _resize(page, 390)
    _check(page, expected)

    assert opened.from_elsewhere() == []
    assert opened.complaints == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_axe_finds_no_violation_in_light_and_dark_with_everything_open(
    opened: Opened, tmp_path: Path, language: str
) -> None:
    page = opened(render(write_session(tmp_path / "store", participants=4, minutes=5), language))
    page.evaluate("for (const closed of document.querySelectorAll('details')) closed.open = true")

    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found = Axe().run(page).response
        assert [f"{rule['id']}: {rule['nodes'][0]['html']}" for rule in found["violations"]] == []
        assert len(found["passes"]) > 20


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A report of a small meeting whose participants have dangerous names."""
    names = ["<img src=http://localhost/x onerror=alert(1)>", "<a href='http://localhost'>me</a>", "Ana", "José"]
    return render(
        write_session(
            tmp_path_factory.mktemp("store"),
            participants=4,
            minutes=10,
            labels=names,
            metadata={"title": "</script><script>alert(1)</script>"},
        )
    )


def test_paper_has_every_chart_within_its_margins(opened: Opened, html: str) -> None:
    page = opened(html, dark=True)
    on_screen = plots(page)

    page.emulate_media(media="print", color_scheme="dark")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    on_paper = plots(page)

    assert all(plot["marks"] and plot["width"] <= 690 for plot in on_paper)  # A4 less margins of 14 mm: 688 px
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.emulate_media(media="screen", color_scheme="dark")
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert plots(page) == on_screen
    assert page.pdf(format="A4").startswith(b"%PDF")
    assert opened.complaints == []


def test_the_dark_page_has_light_words_in_its_charts(opened: Opened, html: str) -> None:
    ink = {dark: _ink(opened(html, dark=dark)) for dark in (False, True)}

    assert max(ink[False]) < 100
    assert min(ink[True]) > 200


def test_the_heat_map_shows_what_is_chosen(opened: Opened, html: str) -> None:
    page = opened(html)
    shown = (
        "document.querySelector('[data-figure=heat-map]').data.filter((t) => t.visible !== false).map((t) => t.name)"
    )
    assert page.evaluate(shown) == ["attention"]

    page.get_by_role("button", name="Displayed emotion").click()

    assert page.evaluate(shown) == ["expression"]
    assert page.get_by_role("button", name="Displayed emotion").get_attribute("aria-pressed") == "true"
    assert page.locator("[data-key-of=expression]").is_visible()


def test_a_participant_s_card_is_shown_on_demand_by_keyboard_too(opened: Opened, html: str) -> None:
    page = opened(html)
    assert page.locator(".card:visible").count() == 1

    page.get_by_label("Next participant").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")

    assert page.locator(".card:visible h4").inner_text() == "Ana"
    assert next(plot for plot in plots(page) if plot["name"] == "card")["marks"] > 0


def test_the_figures_of_a_heat_map_and_a_card_come_as_a_table_by_keyboard(opened: Opened, html: str) -> None:
    page = opened(html)
    heat = page.locator("[data-table-of=heat-map]")
    heat.locator("summary").focus()
    page.keyboard.press("Enter")
    heat.locator("tbody tr").first.wait_for()
    drawn = page.evaluate("document.querySelector('[data-figure=heat-map]').data[0].z")

    assert heat.locator("tbody th").all_inner_texts()[2:] == ["Ana", "José"]
    assert heat.locator("tbody td").all_inner_texts() == [
        "–" if value is None else f"{value:.2f}" for row in drawn for value in row
    ]
    page.get_by_role("button", name="Displayed emotion").click()
    assert set(heat.locator("tbody td").all_inner_texts()) <= {
        "–",
        *(words_in("en").emotion(name) for name in EMOTIONS),
    }

    card = page.locator("[data-table-of=card]")
    card.locator("summary").click()
    card.locator("tbody tr").first.wait_for()
    assert card.locator("thead th").all_inner_texts()[:3] == ["group", "attention", "happiness"]
    assert card.locator("img, script, a").count() == 0


def test_names_are_shown_as_they_are_and_do_nothing(opened: Opened, html: str) -> None:
    page = opened(html)

    assert page.locator("h1").inner_text() == "</script><script>alert(1)</script>"
    assert page.locator("main img, .plot a, main a[href^=http]").count() == 0
    assert page.locator(".plot .ytick text").filter(has_text="<img src").count() > 0
    assert opened.from_elsewhere() == []
    assert opened.complaints == []


def test_a_phone_that_is_turned_has_charts_that_fit(opened: Opened, html: str) -> None:
    page = opened(html, width=390)
    _check(page, ALL)

    _resize(page, 844)
    _check(page, ALL)


def test_what_a_page_may_not_do_is_stopped_by_its_policy(opened: Opened, html: str) -> None:
    page = opened(html)

    outcome = page.evaluate("fetch('http://localhost:9/').then(() => 'fetched', () => 'refused')")

    assert outcome == "refused"
    assert any("Content Security Policy" in text for text in opened.complaints)


def _check(page: Page, expected: list[str]) -> None:
    """Every chart is there, has drawn something, and fits."""
    found = plots(page)
    assert [plot["name"] for plot in found] == expected
    assert [plot["name"] for plot in found if not plot["marks"]] == []
    assert all(0 < plot["width"] <= plot["room"] for plot in found)
    assert overflow_px(page) <= 0


def _resize(page: Page, width_px: int) -> None:
    page.set_viewport_size({"width": width_px, "height": 844})
    # Not wait_for_function: it evaluates text in the page, which the page's policy forbids.
    assert page.evaluate(
        """async () => {
            const fits = (plot) => plot.layout.width === plot.clientWidth;
            const plots = [...document.querySelectorAll(".plot")];
            for (let frame = 0; frame < 2000 && !plots.every(fits); frame++) await new Promise(requestAnimationFrame);
            return plots.every(fits);
        }"""
    )


def _ink(page: Page) -> list[int]:
    """Channels of the colour of a chart's labels, 0–255."""
    color = page.evaluate("getComputedStyle(document.querySelector('.plot .xtick text')).fill")
    return [int(part) for part in color.removeprefix("rgb(").removesuffix(")").split(",")]
