"""Figures for Prometheus."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

from emorec.errors import InputError
from flows.metrics import Figures, count, of_failure, of_session

SESSION = {
    "privacy": {"mode": "participant"},
    "recording": {"duration_s": 60.0},
    "counts": {"samples": 120, "faces": 300},
    "stages": {"observe": {"wall_s": 4.0, "cpu_s": 3.0}, "resolve": {"wall_s": 1.0}},
}


def shown(home: Path) -> dict[str, float]:
    return {
        "".join([sample.name, *sample.labels.values()]): sample.value
        for family in Figures(home).collect()
        for sample in family.samples
    }


def test_figures_add_up_over_runs(tmp_path: Path) -> None:
    count(tmp_path, of_session(SESSION))
    count(tmp_path, of_session(SESSION))
    count(tmp_path, of_failure(InputError("no")))
    figures = shown(tmp_path)
    assert figures["emorec_sessions_total"] == 2
    assert figures["emorec_samples_total"] == 240
    assert figures["emorec_faces_total"] == 600
    assert figures["emorec_stage_seconds_totalobserve"] == 8
    assert figures["emorec_failures_totalInputError"] == 1


def test_a_session_that_tells_only_of_the_group_adds_no_faces(tmp_path: Path) -> None:
    count(tmp_path, of_session({**SESSION, "privacy": {"mode": "aggregate"}}))
    figures = shown(tmp_path)
    assert (figures["emorec_sessions_total"], figures["emorec_faces_total"]) == (1, 0)


def test_before_anything_happened_there_is_nothing_to_add(tmp_path: Path) -> None:
    assert shown(tmp_path / "new")["emorec_sessions_total"] == 0


def test_runs_that_end_at_once_are_all_counted(tmp_path: Path) -> None:
    threads = [threading.Thread(target=count, args=(tmp_path, of_session(SESSION))) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert shown(tmp_path)["emorec_sessions_total"] == 12


def test_nobody_else_reads_them(tmp_path: Path) -> None:
    count(tmp_path / "home", of_session(SESSION))
    assert stat.S_IMODE((tmp_path / "home").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "home" / "metrics.json").stat().st_mode) == 0o600
