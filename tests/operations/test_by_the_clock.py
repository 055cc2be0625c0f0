"""Retraining and retention as they are deployed: by the clock, and harmless where nothing is new."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from prefect_processes import RUN_SECONDS, Prefect, wait_for


@pytest.mark.parametrize(
    ("deployment", "cron", "hour"),
    [("retrain/local", "0 3 * * 0", 3), ("retention/local", "30 3 * * *", 3)],
    ids=["retrain", "retention"],
)
def test_what_goes_by_the_clock_is_in_the_queue(prefect: Prefect, deployment: str, cron: str, hour: int) -> None:
    deployed = prefect.get(f"deployments/name/{deployment}")
    assert [schedule["schedule"]["cron"] for schedule in deployed["schedules"]] == [cron]
    wanted = {"deployments": {"id": {"any_": [deployed["id"]]}}, "limit": 1, "sort": "EXPECTED_START_TIME_ASC"}
    # The server plans ahead by itself, every minute.
    [run] = wait_for(lambda: prefect.post("flow_runs/filter", wanted), RUN_SECONDS, f"a run of {deployment}")
    assert run["state"]["type"] == "SCHEDULED"
    assert datetime.fromisoformat(run["expected_start_time"]).hour == hour


def test_retraining_says_when_there_is_nothing_to_do(prefect: Prefect, tmp_path: Path) -> None:
    run = prefect.run("retrain/local", data=tmp_path / "data", store=tmp_path / "store")
    assert run["state"]["type"] == "COMPLETED"
    assert run["state"]["message"] == "there are no new labelled images"
