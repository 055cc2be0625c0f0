"""Which steps a cluster takes over, and what is said where it cannot be used."""

from __future__ import annotations

import re
import sys

import pytest

from emorec import runners
from emorec.errors import SettingsError
from emorec.settings.run import RunSettings
from flows import chunks


def run_here(name, function, /, *args, **kwargs):
    """A step as it is run without a cluster."""
    return function(*args, **kwargs)


@pytest.mark.parametrize("runner", chunks.CLUSTERS)
def test_without_its_package_the_extra_is_named(runner: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, f"prefect_{runner}.task_runners", None)
    step = chunks.spread(run_here, RunSettings(runner=runner))
    with pytest.raises(SettingsError, match=f'runner is "{runner}", .*' + re.escape(f'pip install "emorec[{runner}]"')):
        step("observe", runners.observe, None, [], None)


@pytest.mark.parametrize("runner", chunks.CLUSTERS)
def test_other_steps_stay_here(runner: str) -> None:
    assert chunks.spread(run_here, RunSettings(runner=runner))("plan", len, "abc") == 3


@pytest.mark.parametrize("runner", ["threads", "processes"])
def test_without_a_cluster_every_step_is_run_as_it_was(runner: str) -> None:
    assert chunks.spread(run_here, RunSettings(runner=runner)) is run_here
