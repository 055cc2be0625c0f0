"""Fifty recordings dropped at random times, with the worker killed twice: fifty reports, none twice."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest
from prefect_processes import wait_for
from up_process import started

from emorec.store import Store
from tests.clips import write_clip

RECORDINGS = 50
KILLED_AFTER = (15, 35)
"""Reports after which the worker is killed, with the run that it works on."""
WITHIN_S = 3 * 3600


@pytest.mark.slow
@pytest.mark.timeout(WITHIN_S)
def test_fifty_recordings_become_fifty_reports(tmp_path: Path) -> None:
    drawn = random.Random(15)
    clips = [write_clip(tmp_path / f"{n:02d}.mp4", seconds=2 + n / 25) for n in range(RECORDINGS)]
    site = tmp_path / "site"
    site.mkdir()
    started_s = time.monotonic()
    with started(site, settings="workers = 2") as up:
        store, killed = Store(up.store), 0
        waiting = list(clips)
        while len(store.ids()) < RECORDINGS:
            assert time.monotonic() - started_s < WITHIN_S, f"{len(store.ids())} reports"
            if waiting and drawn.random() < 0.5:
                clip = waiting.pop()
                up.drop(clip, f"course {drawn.randrange(3)}/{clip.name}")
                if drawn.random() < 0.2:
                    # Somebody drops it twice.
                    up.drop(clip, f"again {clip.name}")
            if killed < len(KILLED_AFTER) and len(store.ids()) >= KILLED_AFTER[killed]:
                _kill(up.child("prefect.engine"))
                _kill(up.child("prefect worker start"))
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
        crashes = sum(_crashes(up.prefect, run["id"]) for run in runs)
        sessions = list(store.sessions())
        failed = sorted(p.name for p in up.folder("failed").rglob("*"))

    names = Counter(session.metadata["recording"]["sha256"] for session in sessions)
    ended = Counter(run["state_type"] for run in runs if run["name"].startswith("analyze"))
    if page := os.environ.get("EMOREC_SOAK_RESULT"):
        Path(page).write_text(
            f"recordings {RECORDINGS}, sessions {len(sessions)}, runs {dict(ended)}, deaths noticed {crashes}, "
            f"failed {failed}, {seconds:.0f} s\n"
        )
    assert killed == len(KILLED_AFTER)
    assert len(sessions) == RECORDINGS
    assert set(names.values()) == {1}
    assert all(session.has_report for session in sessions)
    assert ended == {"COMPLETED": RECORDINGS}
    assert failed == []
    assert crashes >= len(KILLED_AFTER)
    assert not any((store.local_path / "work").glob("*/*"))


def _kill(process: psutil.Process) -> None:
    process.kill()


def _crashes(prefect: object, run: str) -> int:
    from prefect_processes import Prefect

    assert isinstance(prefect, Prefect)
    return sum(state["type"] == "CRASHED" for state in prefect.get(f"flow_run_states/?flow_run_id={run}"))
