"""Fifty recordings dropped at random times, with the worker killed twice: fifty reports, none twice."""

from __future__ import annotations

import contextlib
import json
import os
import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
import pytest
from prefect_processes import wait_for
from up_process import Up, started

from emorec.store import Store
from tests.clips import write_clip

RECORDINGS = 50
KILLED_AFTER = (15, 35)
"""Reports after which the worker is killed, with the run that it works on."""
WITHIN_S = 3600


@pytest.mark.slow
@pytest.mark.timeout(WITHIN_S)
def test_fifty_recordings_become_fifty_reports(tmp_path: Path) -> None:
    drawn = random.Random(15)
    clips = [write_clip(tmp_path / f"{n:02d}.mp4", seconds=2 + n / 25) for n in range(RECORDINGS)]
    site = tmp_path / "site"
    site.mkdir()
    started_s = time.monotonic()
    with started(site, settings="workers = 2") as up:
        store, killed, again = Store(up.store), 0, 0
        waiting = list(clips)
        while len(store.ids()) < RECORDINGS:
            assert time.monotonic() - started_s < WITHIN_S, f"{len(store.ids())} reports"
            if waiting and drawn.random() < 0.5:
                clip = waiting.pop()
                up.drop(clip, f"course {drawn.randrange(3)}/{clip.name}")
                if drawn.random() < 0.2:
                    # Somebody drops it twice.
                    up.drop(clip, f"again {clip.name}")
                    again += 1
            if killed < len(KILLED_AFTER) and len(store.ids()) >= KILLED_AFTER[killed]:
                wait_for(lambda: _begun(up), 60, "a run that has begun").kill()
                up.child("prefect worker start").kill()
                killed += 1
            time.sleep(drawn.random())
        for clip in waiting:
            up.drop(clip, clip.name)
        wait_for(
            lambda: not any(p.is_file() for s in ("inbox", "working") for p in up.folder(s).rglob("*")),
            WITHIN_S,
            "an empty inbox",
        )
        seconds = time.monotonic() - started_s
        runs = up.prefect.post("flow_runs/filter", {"limit": 200})
        states = {run["id"]: up.prefect.get(f"flow_run_states/?flow_run_id={run['id']}") for run in runs}
        sessions = list(store.sessions())
        failed = sorted(p.name for p in up.folder("failed").rglob("*"))
        restarts = sum(log.read_text().count("was started again") for log in (up.home / "logs").glob("*.log"))

    recordings = Counter(session.metadata["recording"]["sha256"] for session in sessions)
    ended = Counter(run["state_type"] for run in runs if run["name"].startswith("analyze"))
    resumed = sum(_times(told, "RUNNING") > 1 for told in states.values())
    if result := os.environ.get("EMOREC_SOAK_RESULT"):
        figures = {
            "dropped": RECORDINGS + again,
            "recordings": RECORDINGS,
            "sessions": len(sessions),
            "reports": sum(session.has_report for session in sessions),
            "analysed twice": sum(recordings.values()) - len(recordings),
            "runs by end": dict(ended),
            "kills": 2 * killed,
            "runs that had begun and began again": resumed,
            "restarts of the worker": restarts,
            "failed": failed,
            "seconds": round(seconds),
        }
        Path(result).write_text(json.dumps(figures, indent=1) + "\n")
    assert killed == len(KILLED_AFTER)
    assert len(sessions) == RECORDINGS
    assert set(recordings.values()) == {1}
    assert all(session.has_report for session in sessions)
    assert ended == {"COMPLETED": RECORDINGS}
    assert failed == []
    assert resumed >= len(KILLED_AFTER)
    assert restarts >= len(KILLED_AFTER)
    assert not any((store.local_path / "work").glob("*/*"))


def _begun(up: Up) -> psutil.Process | None:
    """The process of a run that has begun: one that is killed before that would run once only."""
    running = up.prefect.post("flow_runs/filter", {"flow_runs": {"state": {"type": {"any_": ["RUNNING"]}}}})
    ids = {run["id"] for run in running}
    for process in up.process.children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if "prefect.engine" in process.cmdline() and process.environ().get("PREFECT__FLOW_RUN_ID") in ids:
                return process
    return None


def _times(states: list[dict[str, Any]], kind: str) -> int:
    return sum(state["type"] == kind for state in states)
