"""`emorec up`: recordings that land in a folder become reports."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from prefect_processes import wait_for
from up_process import Up, fetch

from emorec.store import Store
from tests.clips import write_clip
from tests.commands import run_emorec


@pytest.fixture(scope="module")
def analyzed(up: Up, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A recording that went through the inbox; its session."""
    clip = write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4")
    (up.folder("inbox") / "algebra").mkdir()
    (up.folder("inbox") / "algebra" / "Reunión 1.vtt").write_text("WEBVTT\n")
    up.drop(clip, "algebra/Reunión 1.mp4")
    state, note = up.outcome("algebra/Reunión 1.mp4")
    assert state == "done", note
    return next(s.id for s in Store(up.store).sessions() if s.id in note)


def test_it_says_where_things_are(up: Up) -> None:
    said = (up.site / "up.out").read_text()
    for where in (up.folder("inbox"), up.pages, up.metrics, up.prefect.api.removesuffix("/api"), up.store):
        assert str(where) in said


def test_a_recording_in_a_folder_of_the_inbox_becomes_a_session_of_that_course(up: Up, analyzed: str) -> None:
    session = Store(up.store).open(analyzed)
    assert (session.metadata["course"], session.metadata["title"]) == ("algebra", "Reunión 1")
    done = sorted(p.name for p in (up.folder("done") / "algebra").iterdir())
    assert done == ["Reunión 1.mp4", "Reunión 1.mp4.done.txt", "Reunión 1.vtt"]
    assert [p for p in up.folder("working").rglob("*") if p.is_file()] == []


def test_the_same_recording_dropped_again_is_done_at_once(up: Up, analyzed: str) -> None:
    def runs() -> int:
        return sum(run["name"].startswith("analyze") for run in up.prefect.post("flow_runs/filter", {}))

    before = runs()
    up.drop(up.folder("done") / "algebra" / "Reunión 1.mp4", "copy.mp4")
    state, note = up.outcome("copy.mp4")
    assert state == "done"
    assert "analysed before" in note
    assert runs() == before


def test_a_file_that_is_no_recording_is_failed_with_a_reason(up: Up) -> None:
    page = up.site / "page.html"
    page.write_text("<!doctype html><html>Sign in</html>")
    up.drop(page, "lecture.mp4")
    state, note = up.outcome("lecture.mp4")
    assert state == "failed"
    assert note.startswith("lecture.mp4: is a web page, not a recording")
    assert (up.folder("failed") / "lecture.mp4").read_text() == page.read_text()


def test_the_link_in_prefects_pages_opens_the_report(up: Up, analyzed: str, browser: Browser) -> None:
    [artifact] = up.prefect.post("artifacts/filter", {"artifacts": {"key": {"any_": [f"session-{analyzed}"]}}})
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    asked: list[str] = []
    try:
        page = context.new_page()
        context.on("request", lambda request: asked.append(request.url))
        where = f"{up.prefect.api.removesuffix('/api')}/artifacts/artifact/{artifact['id']}"
        page.goto(where, timeout=120_000, wait_until="commit")
        link = page.get_by_role("link", name="Open the report").first
        link.wait_for(timeout=120_000)
        url = link.get_attribute("href")
        link.click()

        def opened_page() -> Page | None:
            """Wherever the link opens: in this tab or in one of its own; browsers go on only while they are asked."""
            page.wait_for_timeout(50)
            return next((p for p in context.pages if p.url == url), None)

        opened = wait_for(opened_page, 120, "the report's page")
        opened.wait_for_selector("html[data-drawn]", timeout=120_000)
        assert "Reunión 1" in opened.title()
    finally:
        context.close()
    elsewhere = [
        u for u in asked if not u.startswith(("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:", "file:"))
    ]
    assert elsewhere == []


def test_an_artifact_shows_a_preview(up: Up, analyzed: str) -> None:
    [artifact] = up.prefect.post("artifacts/filter", {"artifacts": {"key": {"any_": [f"session-{analyzed}"]}}})
    assert "| Figure |" in artifact["data"]
    assert f"({up.pages}/sessions/{analyzed}/report.html)" in artifact["data"]


def test_prometheus_sees_what_was_done(up: Up, analyzed: str) -> None:
    figures = dict(line.rsplit(" ", 1) for line in fetch(f"{up.metrics}/metrics").splitlines() if line[0] != "#")
    assert float(figures["emorec_sessions_total"]) >= 1
    assert float(figures["emorec_samples_total"]) >= 4
    assert float(figures['emorec_stage_seconds_total{stage="observe"}']) > 0
    assert {"emorec_faces_total", "emorec_queue_runs", "emorec_queue_age_seconds"} <= set(figures)


def test_logs_are_lines_of_json_with_the_session(up: Up, analyzed: str) -> None:
    for name in ("watcher", "runs"):
        lines = [
            json.loads(line) for line in (up.home / "logs" / f"{name}.log").read_text().splitlines() if line[0] == "{"
        ]
        assert any(line.get("session") == analyzed for line in lines), name


def test_nobody_else_can_read_what_it_keeps(up: Up, analyzed: str) -> None:
    kept = [up.home, *up.home.rglob("*"), *up.store.rglob("*"), *(up.folder(s) for s in ("working", "done", "failed"))]
    open_to_others = [p for p in kept if stat.S_IMODE(p.stat(follow_symlinks=False).st_mode) & 0o077]
    assert open_to_others == []


def test_every_server_listens_on_loopback_only(up: Up) -> None:
    listening = [
        c.laddr.ip
        for process in [up.process, *up.process.children(recursive=True)]
        for c in process.net_connections("inet")
        if c.status == "LISTEN"
    ]
    assert len(listening) >= 3
    assert set(listening) <= {"127.0.0.1", "::1"}


def test_without_model_files_it_does_not_start_and_says_what_brings_them(tmp_path: Path) -> None:
    done = run_emorec("up", cwd=tmp_path, env={"EMOREC_ASSETS": str(tmp_path / "none")})
    assert done.code == 1
    assert done.err.startswith("emorec: the model file ")
    assert "run `emorec assets`" in done.err
