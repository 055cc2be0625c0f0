"""An institution's look is laid over the released one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from emorec.errors import SettingsError
from emorec.store import Session
from reports.session import render
from reports.theme import RELEASED, Theme

Build = Callable[..., Session]


@pytest.fixture
def session(build: Build) -> Session:
    return build(participants=2, minutes=2)


def test_logo_name_colours_and_templates_of_a_folder_are_used(session: Session, tmp_path: Path) -> None:
    folder = tmp_path / "look"
    (folder / "templates").mkdir(parents=True)
    (folder / "logo.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    (folder / "theme.json").write_text('{"institution": "Universidad <Sur>"}')
    (folder / "theme.css").write_text(":root { --accent: #aa0033; }")
    (folder / "palette.json").write_text('{"accent": "#aa0033", "levels": {"high": {"color": "#123456"}}}')
    (folder / "templates" / "no_people.html").write_text("unused")
    (folder / "templates" / "notice.html").write_text('{% include "emorec/notice.html" %}<p>Ask the dean.</p>')

    page = render(session, theme=folder)

    assert '<img src="data:image/svg+xml;base64,' in page
    assert 'alt="Universidad &lt;Sur&gt;"' in page
    assert page.index("--accent: #1d6596") < page.index("--accent: #aa0033")
    assert '"color":"#aa0033"' in page
    assert '"color":"#123456","line":{"width":0},"pattern":{"shape":""' in page
    assert "Limits and law" in page
    assert "<p>Ask the dean.</p>" in page


def test_without_a_folder_there_is_neither_logo_nor_name(session: Session) -> None:
    assert 'class="institution"' not in render(session)


def test_what_is_not_replaced_stays(tmp_path: Path) -> None:
    (tmp_path / "palette.json").write_text('{"levels": {"high": {"color": "#123456"}}}')

    levels = Theme(tmp_path).palette["levels"]

    assert levels["high"] == RELEASED.palette["levels"]["high"] | {"color": "#123456"}
    assert levels["low"] == RELEASED.palette["levels"]["low"]


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        pytest.param("palette.json", "{", r"palette\.json is not JSON", id="broken JSON"),
        pytest.param("theme.json", "[]", r"theme\.json is not an object", id="not an object"),
        pytest.param("theme.css", "</style><script>", "does not hold </", id="a style sheet that ends its element"),
        pytest.param("logo.png", "x" * 500_001, "500 kB at most", id="a heavy logo"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(
    session: Session, tmp_path: Path, file: str, content: str, message: str
) -> None:
    (tmp_path / file).write_text(content)

    with pytest.raises(SettingsError, match=message):
        render(session, theme=tmp_path)


def test_a_folder_that_is_missing_is_named(session: Session, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="nowhere is not a folder"):
        render(session, theme=tmp_path / "nowhere")
