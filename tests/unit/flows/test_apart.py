"""Chunks that a cluster's worker observes in processes beside it."""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from prefect.states import Failed

from emorec import pipeline, recording
from emorec.errors import InputError, LimitError, StoreError
from emorec.settings import Settings
from emorec.settings.limits import LimitsSettings
from flows import apart
from flows.transient import worth_retrying
from tests.clips import write_clip

LIMITS = LimitsSettings()


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    yield
    apart.end_idle()
    assert beside() == set()


def beside() -> set[int]:
    """The processes beside this one."""
    return {p.pid for p in psutil.Process().children() if "emorec.isolation" in p.cmdline()}


def test_one_process_takes_one_chunk_after_another_and_ends_when_nobody_needs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second = (apart.run(LIMITS, "lecture.mp4", os.getpid) for _ in range(2))
    assert beside() == {first} == {second}
    monkeypatch.setattr(apart, "IDLE_S", 0.1)
    apart.run(LIMITS, "lecture.mp4", os.getpid)
    deadline_s = time.monotonic() + 10
    while beside():
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


def test_a_crash_in_native_code_is_said_of_the_recording_and_the_next_chunk_is_observed() -> None:
    with pytest.raises(InputError, match=r"^lecture\.mp4: crashes the decoder") as raised:
        apart.run(LIMITS, "lecture.mp4", ctypes.string_at, 0)
    assert not worth_retrying(None, None, Failed(data=raised.value))
    assert apart.run(LIMITS, "lecture.mp4", os.getpid) != os.getpid()


def test_other_limits_have_a_process_of_their_own() -> None:
    one = apart.run(LIMITS, "lecture.mp4", os.getpid)
    assert apart.run(LimitsSettings(max_run_h=1), "lecture.mp4", os.getpid) != one


def test_what_can_pass_is_tried_again() -> None:
    share = StoreError("the work folder cannot be written")
    share.__cause__ = TimeoutError()
    assert worth_retrying(None, None, Failed(data=share))
    assert not worth_retrying(None, None, Failed(data=LimitError("too long")))


def test_the_limits_of_the_settings_hold_for_a_chunk(models: Path, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", seconds=6)
    settings = Settings.load(assets=models, recording={"chunk_s": 5})
    plan = pipeline.plan(recording.probe(clip, settings.recording), str(tmp_path / "store"), settings)
    apart.observe_chunk(plan, 0)
    assert pipeline.missing_chunks(plan, [0]) == []
    hurried = Settings.load(
        assets=models, recording={"chunk_s": 5}, limits={"max_run_h": 1e-6}, privacy={"emotions": False}
    )
    plan = pipeline.plan(plan.info, plan.store, hurried)
    with pytest.raises(LimitError, match=r"clip\.mp4: takes longer than limits\.max_run_h"):
        apart.observe_chunk(plan, 0)
