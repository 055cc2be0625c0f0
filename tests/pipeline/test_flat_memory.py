"""Memory does not grow with the recording: the same one, looped to two lengths."""

from __future__ import annotations

from pathlib import Path

import pytest

import emorec
from bench.analyze import looped
from bench.meetings import Meeting, compose
from tests.commands import run_emorec

SHORT_S, LONG_S = 240, 720
"""Two chunks and six: what is loaded, and what the first chunk makes of the heap, is there in both."""
MOST_TIMES = 1.1
"""What docs/scale.md claims."""


@pytest.mark.slow
def test_three_times_the_length_takes_the_same_memory_within_a_tenth(tmp_path: Path) -> None:
    recording = compose(Meeting(2, (640, 360), 30), tmp_path)
    peaks_mb = []
    for seconds in (SHORT_S, LONG_S):
        media = looped(recording, seconds, tmp_path)
        done = run_emorec("analyze", media, "--store", tmp_path / f"store-{seconds}", "--json", "--quiet")
        assert done.code == 0, done.err
        metadata = emorec.load(done.result["folder"]).metadata
        assert metadata["recording"]["duration_s"] == pytest.approx(seconds, abs=1)
        peaks_mb.append(metadata["peak_memory_mb"])
    assert peaks_mb[1] < MOST_TIMES * peaks_mb[0]
