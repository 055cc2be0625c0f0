"""The index in a browser: search, sort, courses, two sessions side by side; by keyboard, on a phone, in the dark."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page

from reports.entries import Entry
from reports.index import render
from reports.words import words_in
from tests.browser.opened import Opened, overflow_px, violations

TITLES = ("Vectores", "Matrices", "Repaso")
COURSES = ("Álgebra", "Physics <b>2</b>")


def entries(count: int, courses: tuple[str, ...] = COURSES) -> list[Entry]:
    """Sessions of which each is later than the next, as the index gets them."""
    first = Entry("", "", "", "", 3000, 20, 0.9, 0.7, 0.6, 0.8, 0.4, (0.7, 0.6, float("nan"), 0.65), False, True)
    return [
        replace(
            first,
            id=f"{k:016x}",
            title=f"{TITLES[k % 3]} {k}",
            course=courses[k % len(courses)],
            date=f"20{26 - k // 336:02d}-{12 - k // 28 % 12:02d}-{28 - k % 28:02d}",
            people=None if k == 3 else k % 40,
            attention=float("nan") if k == 4 else 0.5 + 0.03 * (k % 7),
        )
        for k in range(count)
    ]


def html(count: int, courses: tuple[str, ...] = COURSES, language: str = "en") -> str:
    return render(entries(count, courses), words_in(language))


def shown(page: Page) -> list[str]:
    """The titles in the table, from top to bottom."""
    titles: list[str] = page.locator("table.sessions tbody tr:visible th > a").all_inner_texts()
    return titles


@pytest.mark.parametrize(
    ("count", "language"),
    [(0, "es"), (1, "en"), (12, "en"), (12, "es"), pytest.param(1000, "es", marks=pytest.mark.slow)],
)
def test_the_page_is_accessible_and_fits_every_screen(opened: Opened, count: int, language: str) -> None:
    for width, dark in ((1280, False), (390, True)):
        page = opened(html(count, language=language), width=width, dark=dark)
        assert violations(page) == []
        assert overflow_px(page) <= 0
        assert len(shown(page)) == min(count, 100)
    assert opened.from_elsewhere() == []
    assert opened.complaints == []


def test_a_search_finds_words_without_their_accents_in_titles_and_courses(opened: Opened) -> None:
    page = opened(html(12))

    page.get_by_label("Search").fill("algebra REPASO")

    assert shown(page) == ["Repaso 2", "Repaso 8"]
    assert page.locator("#shown").inner_text() == "Shown: 2 of 2"
    page.get_by_label("Search").fill("chemistry")
    assert shown(page) == []
    assert page.locator("#shown").inner_text() == "No session matches."


def test_a_click_on_a_column_sorts_and_another_turns_the_order(opened: Opened) -> None:
    page = opened(html(6))
    assert page.locator("th[aria-sort]").inner_text().startswith("Date")

    page.get_by_role("button", name="Attention").click()
    assert shown(page)[0] == "Repaso 5"
    assert shown(page)[-1] == "Matrices 4"  # what is not known comes last

    page.get_by_role("button", name="Attention").click()
    assert shown(page)[0] == "Vectores 0"
    assert shown(page)[-1] == "Matrices 4"
    assert page.locator("th[aria-sort=ascending]").count() == 1


def test_a_course_is_chosen_by_keyboard_and_shows_its_sessions_and_its_trend(opened: Opened) -> None:
    page = opened(html(12))
    assert page.locator(".trend:visible").count() == 0

    page.get_by_role("button", name=COURSES[1]).focus()
    page.keyboard.press("Enter")

    assert len(shown(page)) == 6
    assert page.locator(".trend:visible h2").inner_text() == f"Trend: {COURSES[1]}"
    assert page.locator(".trend:visible .panel.attention .dot").count() == 6
    assert violations(page) == []


def test_a_course_can_be_linked_to(opened: Opened, tmp_path: Path) -> None:
    page = opened(html(12))
    page.get_by_label("Course", exact=True).select_option(label=COURSES[0])
    address = page.url

    other = page.context.new_page()
    other.goto(address)

    assert other.locator(".trend:visible h2").inner_text() == f"Trend: {COURSES[0]}"


def test_many_sessions_come_a_hundred_at_a_time(opened: Opened) -> None:
    page = opened(html(250))
    assert len(shown(page)) == 100

    page.get_by_role("button", name="Show more").click()

    assert len(shown(page)) == 250
    assert page.get_by_role("button", name="Show more").is_hidden()
    assert page.evaluate("document.activeElement.textContent") == "Matrices 100"


def test_two_sessions_are_shown_side_by_side_the_earlier_first(opened: Opened) -> None:
    page = opened(html(12), width=390)
    assert page.get_by_role("button", name="Compare", exact=True).is_hidden()

    page.get_by_label("Compare Vectores 0").check()
    page.get_by_label("Compare Repaso 5").check()
    assert page.get_by_label("Compare Matrices 1", exact=True).is_disabled()
    page.get_by_role("button", name="Compare", exact=True).click()

    dialog = page.get_by_role("dialog", name="Two sessions side by side")
    assert dialog.locator("thead th").all_inner_texts() == ["Repaso 5", "Vectores 0"]
    assert dialog.locator("tbody tr").filter(has_text="Attention").locator("td").all_inner_texts() == ["0.65", "0.50"]
    assert dialog.locator(".overlay path.two").get_attribute("d")
    assert "emorec compare 0000000000000005 0000000000000000" in dialog.inner_text()
    assert violations(page) == []
    page.keyboard.press("Escape")
    assert dialog.is_hidden()
    page.get_by_role("button", name="Clear").click()
    assert page.locator("input:checked").count() == 0


def test_without_scripts_every_session_and_trend_is_on_the_page(opened: Opened) -> None:
    page = opened(html(150), scripts=False)

    assert len(shown(page)) == 150
    assert page.locator(".trend:visible").count() == 2
    assert page.locator("form:visible").count() == 0
