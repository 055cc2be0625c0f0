"""Retraining as it is deployed: every week, and harmless where nothing is new."""

from __future__ import annotations

from pathlib import Path

from prefect_processes import Prefect


def test_retraining_is_scheduled_weekly_and_says_when_there_is_nothing_to_do(prefect: Prefect, tmp_path: Path) -> None:
    deployment = prefect.get("deployments/name/retrain/local")
    assert [schedule["schedule"]["cron"] for schedule in deployment["schedules"]] == ["0 3 * * 0"]
    run = prefect.run("retrain/local", data=tmp_path / "data", store=tmp_path / "store")
    assert run["state"]["type"] == "COMPLETED"
    assert run["state"]["message"] == "there are no new labelled images"
