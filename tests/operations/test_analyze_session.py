"""The flow analyze-session on a real Prefect server with a real worker."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
from prefect_processes import RUN_SECONDS, Prefect, wait_for

from emorec.demo import Demo

STEPS = {"read", "claim", "plan", "observe", "resolve", "report", "index", "publish"}


def test_a_recording_becomes_a_session_and_a_report(prefect: Prefect, demo: Demo, tmp_path: Path) -> None:
    agenda = tmp_path / "agenda of the day.txt"
    agenda.write_text("0:00 Welcome\n0:02 Numbers\n")
    run = prefect.run(
        "analyze-session/local", recording=demo.recording, course="101", title="2026", chapters=agenda, names="plates"
    )

    assert run["state"]["type"] == "COMPLETED", prefect.logs(run["id"])
    artifacts = prefect.artifacts(run["id"])
    folder = prefect.site / "emorec-store" / "sessions" / artifacts["markdown"]["key"].removeprefix("session-")
    session = json.loads((folder / "session.json").read_text())
    assert (session["course"], session["title"]) == ("101", "2026")
    assert session["sidecars"]["chapters"]["name"] == agenda.name
    assert session["settings"]["privacy"] == {"names": "plates"}
    assert (folder / "report.html").stat().st_size > 0
    assert str(folder / "report.html") in run["state"]["message"]
    tasks = prefect.tasks(run["id"])
    assert {name: task["state"]["type"] for name, task in tasks.items()} == dict.fromkeys(STEPS, "COMPLETED")
    assert artifacts["progress"]["data"] == 100
    assert session["session"] == folder.name
    assert str(folder / "report.html") in artifacts["markdown"]["data"]


def test_a_file_that_is_no_transcript_ends_the_run_before_the_recording_is_read(
    prefect: Prefect, demo: Demo, tmp_path: Path
) -> None:
    run = prefect.run("analyze-session/local", recording=demo.recording, transcript=tmp_path / "none.vtt")

    assert run["state"]["type"] == "FAILED"
    assert "none.vtt: there is no such file" in run["state"]["message"]
    assert prefect.tasks(run["id"]) == {}


def test_a_recording_that_cannot_be_used_fails_once_and_says_why(prefect: Prefect, tmp_path: Path) -> None:
    broken = tmp_path / "not really.mp4"
    broken.write_text("minutes of the meeting")

    run = prefect.run("analyze-session/local", recording=broken)

    message = run["state"]["message"]
    assert run["state"]["type"] == "FAILED"
    assert broken.name in message
    assert "\n" not in message
    assert "Traceback" not in message
    tasks = prefect.tasks(run["id"])
    assert {name: (task["state"]["type"], task["run_count"]) for name, task in tasks.items()} == {"read": ("FAILED", 1)}


def test_a_step_is_given_all_that_it_is_called_with(prefect: Prefect) -> None:
    program = """
from prefect import flow
from flows.analyze_session import run_as_task

@flow
def count():
    print("sum:", run_as_task("add", sum, [1, 2], start=4))

count()
"""
    done = subprocess.run([sys.executable, "-c", program], env=prefect.env, capture_output=True, text=True, timeout=120)
    assert "sum: 7" in done.stdout, done.stderr


@pytest.mark.slow
def test_a_store_that_comes_back_costs_growing_pauses_and_not_the_run(
    prefect: Prefect, demo: Demo, tmp_path: Path
) -> None:
    share = tmp_path / "share"
    store = tmp_path / "store"
    store.symlink_to(share)

    run_id = prefect.start("analyze-session/local", recording=demo.recording, store=store)
    pauses_s = wait_for(
        lambda: found if len(found := _pauses_s(prefect, run_id)) == 2 else None, RUN_SECONDS, "a second pause"
    )
    assert pauses_s == pytest.approx([10, 60], abs=1)
    share.mkdir()
    run = wait_for(lambda: prefect.ended(run_id), RUN_SECONDS, "the end of the run")

    assert run["state"]["type"] == "COMPLETED", prefect.logs(run_id)
    assert list(share.glob("sessions/*/session.json"))


def _pauses_s(prefect: Prefect, flow_run: str) -> list[float]:
    """How long a run's steps were told to wait before they were tried again."""
    found = []
    for task in prefect.tasks(flow_run).values():
        for state in prefect.get(f"task_run_states/?task_run_id={task['id']}"):
            if state["name"] == "AwaitingRetry":
                told, due = state["timestamp"], state["state_details"]["scheduled_time"]
                found.append((datetime.fromisoformat(due) - datetime.fromisoformat(told)).total_seconds())
    return sorted(found)
