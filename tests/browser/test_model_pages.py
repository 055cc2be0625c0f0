"""The pages of the emotion model in a real browser: labels are given and saved, cards and curves fit a phone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from model.data import CLASSES
from model.labels import delete_labelling, read_labelled, take_saved, write_labelling
from model.registry import champion, load_release
from tests.browser.opened import overflow_px, violations

SESSION = "0123456789abcdef"


def open_file(browser: Browser, path: Path, width: int = 390) -> tuple[Page, list[str]]:
    """A page from a file, offline, and what the browser complains about."""
    context = browser.new_context(viewport={"width": width, "height": 800}, offline=True, accept_downloads=True)
    page, complaints = context.new_page(), list[str]()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.goto(path.as_uri())
    return page, complaints


def test_faces_are_labelled_by_key_and_click_and_the_saved_file_is_taken_in(browser: Browser, tmp_path: Path) -> None:
    crops = np.random.default_rng(0).integers(0, 255, (4, 48, 48), dtype=np.uint8)
    folder = write_labelling(tmp_path / SESSION, SESSION, crops, "all").parent
    page, complaints = open_file(browser, folder / "label.html")
    assert page.evaluate("document.getElementById('crop').decode().then(() => crop.naturalWidth)") == 48
    assert page.get_by_role("button", name="Save the labels").is_disabled()
    page.keyboard.press("4")
    page.get_by_role("button", name="sad").click()
    page.keyboard.press("8")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("7")
    assert "Face 4 of 4; 3 labelled." in page.get_by_role("status").inner_text()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save the labels").click()
    download.value.save_as(tmp_path / "saved.json")
    assert take_saved(folder, tmp_path / "saved.json") == 3
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("4")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save the labels").click()
    download.value.save_as(tmp_path / "corrected.json")
    take_saved(folder, tmp_path / "corrected.json")
    assert [CLASSES[label] for label in read_labelled(folder).labels] == ["happy", "happy", "surprise"]
    page.reload()
    assert "3 labelled" in page.get_by_role("status").inner_text()
    # Other faces of the session, collected anew, have no labels yet.
    delete_labelling(folder)
    write_labelling(folder, SESSION, crops[::-1], "all")
    page.reload()
    assert "0 labelled" in page.get_by_role("status").inner_text()
    assert overflow_px(page) <= 0
    assert violations(page) == []
    assert complaints == []
    page.context.close()


@pytest.mark.parametrize("width", [390, 1280])
def test_the_card_fits_the_screen(browser: Browser, width: int) -> None:
    page, complaints = open_file(browser, load_release().litert.with_name("card.html"), width)
    assert champion() in page.title()
    assert page.locator("svg").count() >= 3
    assert overflow_px(page) <= 0
    assert violations(page) == []
    assert complaints == []
    page.context.close()
