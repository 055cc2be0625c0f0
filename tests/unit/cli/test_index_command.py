"""The commands around the store: the page of all sessions, and the list of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from emorec.cli import app
from tests.builders import write_session


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Two sessions of two courses, and the index of neither."""
    for seed, (course, date) in enumerate([("algebra", "2026-11-03"), ("física", "2026-11-10")]):
        metadata = {"course": course, "title": "Line\none", "date": date}
        write_session(tmp_path, participants=2, minutes=2, rate_hz=0.5, seed=seed, metadata=metadata)
    return tmp_path


def test_index_prints_where_the_page_is(store: Path) -> None:
    done = CliRunner().invoke(app, ["index", "--store", str(store), "--lang", "es"])

    assert done.exit_code == 0
    assert Path(done.stdout.strip()) == store / "index.html"
    assert '<html lang="es">' in (store / "index.html").read_text("utf-8")


def test_list_has_a_line_for_each_session_the_latest_first(store: Path) -> None:
    done = CliRunner().invoke(app, ["list", "--store", str(store)])

    lines = done.stdout.splitlines()
    assert [line.split()[1] for line in lines] == ["2026-11-10", "2026-11-03"]
    assert "Line one" in lines[0]


def test_list_as_json_has_the_sessions_of_a_course(store: Path) -> None:
    done = CliRunner().invoke(app, ["list", "--store", str(store), "--course", "algebra", "--json"])

    (session,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert session["course"] == "algebra"
    assert session["participants"] == 2
    assert 0 < session["attention"] < 1


def test_an_empty_list_says_so(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["list", "--store", str(tmp_path)])

    assert done.stdout == ""
    assert "no session in" in done.stderr
