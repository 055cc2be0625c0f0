"""Runs whose process died: each death is noticed once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect.client.schemas.objects import State, StateType

from flows import alive
from flows.keeper import GRACE_S, Keeper, deaths_among
from flows.runs import Run

RUN = "0c1d5a52-6f0f-4f1c-9a07-3f6d2f5d8b11"


@dataclass
class Server:
    """Knows one run."""

    run: Run
    set: list[str] = field(default_factory=list)

    def get(self, ids: Iterable[str]) -> dict[str, Run]:
        return {self.run.id: self.run} if self.run.id in set(ids) else {}

    def set_state(self, run: str, state: Any) -> None:
        self.set.append(state.type.value)

    def in_states(self, *types: str) -> list[Any]:
        return []


def dead(home: Path, attempt: int = 1) -> None:
    """What a process leaves behind that was killed while it worked on the run."""
    program = f"""
import os, signal
from pathlib import Path
from flows import alive
with alive.present(Path({str(home)!r}), {RUN!r}, {attempt}):
    os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", program], cwd=Path(alive.__file__).parents[1], check=False)


def looked_at(home: Path, run: Run) -> list[str]:
    server, keeper = Server(run), Keeper(home, 3)
    for now_s in (0, GRACE_S, GRACE_S + 1):
        keeper.look(server, now_s)  # type: ignore[arg-type]
    return server.set


def test_a_process_that_works_is_alive(tmp_path: Path) -> None:
    with alive.present(tmp_path, RUN, 1):
        assert alive.living(tmp_path) == [RUN]
        assert looked_at(tmp_path, Run(RUN, "RUNNING", "", 1)) == []


def test_a_death_is_noticed_once(tmp_path: Path) -> None:
    dead(tmp_path)
    assert alive.with_dead_process(tmp_path) == {RUN: 1}
    assert looked_at(tmp_path, Run(RUN, "RUNNING", "", 1)) == ["CRASHED"]
    assert alive.with_dead_process(tmp_path) == {}


@pytest.mark.parametrize(
    "run",
    [
        pytest.param(Run(RUN, "PENDING", "", 1), id="about to begin again"),
        pytest.param(Run(RUN, "SCHEDULED", "", 1), id="waits"),
        pytest.param(Run(RUN, "RUNNING", "", 2), id="worked on elsewhere since"),
        pytest.param(Run(RUN, "COMPLETED", "", 1), id="done"),
        pytest.param(Run("another", "RUNNING", "", 1), id="forgotten by the server"),
    ],
)
def test_a_run_that_got_over_it_is_left_alone(tmp_path: Path, run: Run) -> None:
    dead(tmp_path)
    assert looked_at(tmp_path, run) == []
    assert alive.with_dead_process(tmp_path) == {}


NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("states", "deaths"),
    [
        pytest.param("scheduled pending running crashed", 1, id="once"),
        pytest.param("scheduled running crashed crashed", 1, id="told twice"),
        pytest.param("scheduled running crashed waits crashed", 1, id="told again while it waits"),
        pytest.param("scheduled running crashed waits crashed waits running crashed", 2, id="that, and another"),
        pytest.param("scheduled running crashed due crashed", 2, id="before it began again"),
        pytest.param("scheduled pending crashed", 1, id="before it began"),
    ],
)
def test_a_death_that_is_told_twice_counts_once(states: str, deaths: int) -> None:
    def state(word: str, second: int) -> Any:
        now = NOW + timedelta(seconds=second)
        waits_s = {"waits": 60, "due": 0}
        due = now + timedelta(seconds=waits_s.get(word, 0)) if word in {"scheduled", *waits_s} else None
        kind = StateType.SCHEDULED if due else StateType[word.upper()]
        return State(type=kind, timestamp=now, state_details={"scheduled_time": due})

    told = [state(word, second) for second, word in enumerate(states.split())]
    assert len(deaths_among(told)) == deaths
    assert len(deaths_among(told[::-1])) == deaths


def test_a_number_that_went_to_another_process_is_not_alive(tmp_path: Path) -> None:
    with alive.present(tmp_path, RUN, 1):
        path = tmp_path / "runs" / f"{RUN}.json"
        path.write_text(path.read_text().replace('"started": ', '"started": 1'))
        assert alive.with_dead_process(tmp_path) == {RUN: 1}
