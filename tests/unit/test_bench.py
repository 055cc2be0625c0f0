"""What the benchmarks compute themselves: agreement of two results, and a simulated day."""

from __future__ import annotations

import datetime as dt
import itertools
import os
import pkgutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.ablation import kept_by_share, of_ten
from bench.agreement import compare
from bench.chunk_length import kept_name, score
from bench.eyes_held import Moved, watching
from bench.meetings import Meeting, _gallery, _strip, compose
from bench.optimisations import EIGHT_BITS, ON_A_GPU, OPTIMISATIONS, Watch, watched
from bench.pages import RESULTS, latest_page, new_page, table
from bench.processes import allowed_cores, machine, run
from bench.scale import Costs, simulate
from emorec import pipeline, readings, recording
from emorec.faces.change import unchanged
from emorec.landmarks import LandmarkReader
from emorec.settings import Settings
from emorec.settings.recording import RecordingSettings
from emorec.types import EMOTIONS
from tests.portraits import collins, hopper


def timeline(people: int = 3, samples: int = 4) -> pd.DataFrame:
    """People side by side, each with an expression of their own."""
    rows = [
        {
            "t": sample / 2,
            "participant": f"P{who:02d}",
            "state": "visible",
            "x": 100.0 * who,
            "y": 10.0,
            "w": 50.0,
            "h": 50.0,
            "attention": 0.5,
            "eyes_open": 0.3,
            **{name: float(k == who) for k, name in enumerate(EMOTIONS)},
        }
        for who in range(people)
        for sample in range(samples)
    ]
    return pd.DataFrame(rows)


def test_a_result_agrees_with_itself_and_with_itself_under_other_names() -> None:
    one = timeline()
    renamed = one.assign(participant=one["participant"].map({"P00": "P02", "P01": "P00", "P02": "P01"}))
    for other in (one, renamed):
        same = compare(one, other)
        assert (same.faces, same.idf1) == (1.0, 1.0)
        assert same.emotions == same.attention == same.lids == (0.0, 0.0)


def test_lost_faces_swapped_people_and_other_emotions_are_told() -> None:
    one = timeline()
    assert compare(one, one[one["participant"] != "P02"]).faces == pytest.approx(2 / 3)
    half = one["t"] >= 1
    swapped = one.assign(
        participant=one["participant"].where(~half, one["participant"].map({"P00": "P01", "P01": "P00"}).fillna("P02"))
    )
    assert compare(one, swapped).idf1 == pytest.approx(2 / 3)
    paler = one.assign(**{name: one[name] * 0.9 for name in EMOTIONS})
    assert compare(one, paler).emotions.mean == pytest.approx(0.1 / len(EMOTIONS))


def test_attention_and_lids_are_compared_where_both_know_them() -> None:
    one = timeline(people=5, samples=40)
    other = one.assign(attention=one["attention"] - 0.1, eyes_open=one["eyes_open"])
    other.loc[0, "eyes_open"] = 0.1
    other.loc[1, "attention"] = np.nan
    same = compare(one, other)
    assert same.attention == pytest.approx((0.1, 0.1))
    assert same.lids.mean == pytest.approx(0.2 / len(one))
    assert same.lids.high == pytest.approx(0)


def decided(number: int) -> bool:
    """What an optimisation decides in the next test."""
    return number > 1


def test_it_is_counted_how_often_an_optimisation_fires() -> None:
    watch = Watch(f"{__name__}.decided", lambda result, given: (result, len(given)), "numbers")
    with watched([watch, None]) as counters:
        assert [decided(number) for number in range(5)] == [False, False, True, True, True]
    decided(9)
    assert str(counters[0]) == "3 of 5 numbers"
    assert counters[1] is None


def test_what_is_counted_is_there() -> None:
    for each in (*OPTIMISATIONS, EIGHT_BITS, ON_A_GPU):
        assert each.watch is None or callable(pkgutil.resolve_name(each.watch.target))


def test_people_who_stand_still_have_the_same_pixels_in_the_recording(tmp_path: Path) -> None:
    meeting = compose(Meeting(4, (640, 360), 6, still=2), tmp_path)
    truth = pd.read_csv(meeting.with_suffix(".truth.csv")).query("t == 0").sort_values("person")
    settings = RecordingSettings()
    info = recording.probe(meeting, settings)
    with recording.SampleReader(info, recording.plan_chunks(info, settings)[0], settings) as samples:
        pictures = [sample.rgb for sample in samples]
    still = [
        np.mean([unchanged(*pair, tile) for pair in itertools.pairwise(pictures)])
        for tile in truth[["x", "y", "w", "h"]].to_numpy(np.float32)
    ]
    # A keyframe draws a still picture anew, and the codec may mend it once more.
    assert min(still[:2]) >= 0.5
    assert max(still[2:]) == 0


def test_participants_are_scored_by_the_tiles_that_their_faces_lie_in() -> None:
    seen = timeline()
    truth = pd.DataFrame(
        {"t": t, "person": who, "state": "visible", "x": 100 * who - 20, "y": 0, "w": 90, "h": 80}
        for t in (0.0, 1.0)
        for who in range(3)
    )
    whole = score(seen, truth)
    assert (whole.recall, whole.idf1, whole.people, whole.participants) == (1.0, 1.0, 3, 3)
    split = seen.assign(participant=seen["participant"].where((seen["t"] < 1) | (seen["x"] > 0), "P09"))
    assert (score(split, truth).idf1, score(split, truth).participants) == (pytest.approx(5 / 6), 4)
    lost = score(seen[seen["participant"] != "P01"], truth)
    assert (lost.recall, lost.idf1) == (pytest.approx(2 / 3), pytest.approx(2 * 4 / 10))


@pytest.mark.parametrize("people", [1, 2, 9, 25, 49])
def test_tiles_lie_in_the_picture_and_beside_each_other(people: int) -> None:
    for rects in (_gallery(people, 1920, 1080), _strip(people, 1920, 1080)):
        shown = np.zeros((1080, 1920), int)
        for x, y, w, h in rects:
            assert min(x, y) >= 0
            assert x + w <= 1920
            assert y + h <= 1080
            shown[y : y + h, x : x + w] += 1
        assert shown.max() == 1


XEON, EPYC = (Costs.read(RESULTS / f"2026-11-{day}-analyze-cpu.md") for day in (25, 28))


def test_costs_are_what_a_page_of_results_says() -> None:
    assert XEON.per_min_s == (3.69, 9.68, 17.97, 27.2)
    # CPU s less observing, of each of the four recordings.
    assert XEON.per_recording_s == pytest.approx(np.mean([9.7 - 2 * 3.69, 12 - 9.68, 20.6 - 17.97, 20.8 - 27.2 / 1.5]))
    assert EPYC.per_min_s == (8.73, 23.24, 43.49, 69.35)


def test_a_page_that_lacks_a_recording_gives_no_costs(tmp_path: Path) -> None:
    whole = (RESULTS / "2026-11-28-analyze-cpu.md").read_text()
    (tmp_path / "part.md").write_text("\n".join(line for line in whole.splitlines() if "49-people" not in line))
    with pytest.raises(ValueError, match="nothing of 49-people-1080p"):
        Costs.read(tmp_path / "part.md")


def test_tables_of_pages_are_read_by_heading() -> None:
    page = "# One\n\n## Speed\n\nWords.\n\n| a | **b** |\n|---|---|\n| 1 | 2 |\n\n## Other\n\n| c |\n|---|\n| 3 |\n"
    assert table(page, "Speed") == [{"a": "1", "b": "2"}]
    assert table(page, "Other") == [{"c": "3"}]
    with pytest.raises(ValueError, match="Length"):
        table(page, "Length")


def test_a_page_of_today_is_never_written_over(tmp_path: Path) -> None:
    today = dt.date.today().isoformat()
    (tmp_path / "2001-01-01-speed-7.md").touch()
    (tmp_path / f"{today}-speedier.md").touch()
    for name in ("speed", *(f"speed-{number}" for number in range(2, 12))):
        page = new_page("speed", tmp_path)
        assert page.name == f"{today}-{name}.md"
        page.touch()
        assert latest_page("speed", tmp_path) == page


def test_more_workers_bring_reports_sooner_for_the_same_work() -> None:
    few, many = (simulate(XEON, 100, workers, days=1, seed=3) for workers in (1, 8))
    assert many.cpu_hours == pytest.approx(few.cpu_hours)
    assert np.median(many.hours_to_report) < np.median(few.hours_to_report)
    assert few.busy == pytest.approx(8 * many.busy)
    assert few.longest_queue > many.longest_queue


def test_photographs_are_left_out_evenly_until_enough_are_not_engaged() -> None:
    label = np.array([2] * 10 + [0] * 4 + [1] * 10)

    assert kept_by_share(label, 0).all()
    kept = kept_by_share(label, 0.5)
    assert kept[10:14].all()
    assert list(np.flatnonzero(kept & (label > 0))) == [0, 6, 16, 23]


def test_means_of_ten_are_of_one_person_and_label_and_skip_what_is_not_known() -> None:
    rows = pd.DataFrame({"subject": ["a"] * 12 + ["b"], "label": [1] * 12 + [1], "x": [*np.arange(12.0), 99.0]})
    rows.loc[0, "x"] = np.nan

    assert of_ten(rows, "x").x.tolist() == [5.5, 11.0, 99.0]


def test_a_command_is_pinned_to_cores_that_it_may_use() -> None:
    before = os.sched_getaffinity(0)
    last = max(before)
    try:
        os.sched_setaffinity(0, {last})
        assert allowed_cores() == [last]
        where = "import os; print(*os.sched_getaffinity(0))"
        assert run([sys.executable, "-c", where], allowed_cores()[:1]).output.split() == [str(last)]
    finally:
        os.sched_setaffinity(0, before)


def test_a_page_names_the_gpu_without_its_serial_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert machine("gpu").endswith("a GPU that nvidia-smi does not name")
    tool = tmp_path / "nvidia-smi"
    tool.write_text('#!/bin/sh\n[ "$1" = -L ] && echo "GPU 0: Some GPU 16GB (UUID: GPU-1234)"\n')
    tool.chmod(0o755)
    assert machine("gpu").endswith(", GPU 0: Some GPU 16GB")
    assert "GPU" not in machine()


def test_what_was_seen_is_kept_by_recording_and_fingerprint(tmp_path: Path) -> None:
    def planned(seed: int, **recorded: float) -> str:
        settings = Settings.load(recording=recorded, privacy={"emotions": False})
        media = compose(Meeting(1, (320, 180), 1, seed=seed), tmp_path / str(seed))
        return kept_name(pipeline.plan(recording.probe(media, settings.recording), str(tmp_path), settings))

    assert planned(1) == planned(1)
    assert len({planned(1), planned(1, chunk_s=30), planned(1, rate_hz=1), planned(2)}) == 4


def test_eyes_that_were_held_are_read_once_more_beside_the_analysis(models: Path) -> None:
    portrait, other = collins().resized(3), hopper().resized(1.5)
    reader = LandmarkReader(models / "face_landmark.tflite", models / "iris_landmark.tflite")
    told = Moved()
    with watching(told):
        memory = readings.EyeMemory()
        for shown in (portrait, portrait, other):
            meshes = reader.read_meshes(shown.rgb, shown.face)
            reader.read_eyes(shown.rgb, meshes, np.ones(1, bool), [memory])
    # The first is new, the second looks the same, the third is somebody else.
    assert told.pairs == 2
    assert told.table() == pytest.approx(np.zeros((1, 3)), abs=1e-6)
