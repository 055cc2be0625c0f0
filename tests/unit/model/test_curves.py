"""Learning curves and their charts."""

from __future__ import annotations

import json
import re

import pytest

from model.charts import Bar, bars, diagonal, lines
from model.curves import write_curves
from model.errors import ModelError


def epoch(n: int, accuracy: float) -> dict[str, float]:
    return {
        "epoch": n,
        "training_loss": 2 / n,
        "training_accuracy": accuracy + 0.1,
        "validation_loss": 2.2 / n,
        "validation_accuracy": accuracy,
        "seconds": 90.0,
    }


@pytest.fixture
def run(tmp_path):
    (tmp_path / "plan.json").write_text(json.dumps({"epochs": 40}))
    return tmp_path


def test_the_page_shows_every_epoch_and_names_the_best(run):
    epochs = [epoch(1, 0.4), epoch(2, 0.61234), epoch(3, 0.6)]
    (run / "history.jsonl").write_text("".join(json.dumps(e) + "\n" for e in epochs))
    page = write_curves(run).read_text()
    assert "3 of at most 40 epochs, 4 min of training" in page
    assert "best at epoch 2: validation accuracy 0.6123" in page
    assert page.count("<svg") == 2
    assert "<script" not in page
    for points in re.findall(r'<polyline points="([^"]+)"', page):
        assert len(points.split()) == 3


def test_a_run_with_scores_is_best_where_its_score_is(run):
    epochs = [epoch(1, 0.61) | {"score": 0.6}, epoch(2, 0.6) | {"score": 0.7}]
    (run / "history.jsonl").write_text("".join(json.dumps(e) + "\n" for e in epochs))
    assert "best at epoch 2" in write_curves(run).read_text()


def test_a_run_without_a_finished_epoch_has_a_page_too(run):
    assert "No epoch is finished yet" in write_curves(run).read_text()


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(ModelError, match="holds no run"):
        write_curves(tmp_path)


def test_one_epoch_is_a_dot_and_not_a_division_by_zero(run):
    (run / "history.jsonl").write_text(json.dumps(epoch(1, 0.4)) + "\n")
    assert "<circle" in write_curves(run).read_text()


def test_charts_escape_what_they_are_given():
    drawn = [
        bars([Bar("<b>", 0.5, (0.4, 0.6))], "<i>"),
        lines({"<b>": [(0, 1), (1, 2)]}, "<i>", "<x>", "<y>"),
        diagonal([(0.5, 0.4, 3)], "<i>", "<x>", "<y>"),
    ]
    for chart in drawn:
        assert not re.search("<(b|i|x|y)>", chart)


def test_a_bar_is_as_long_as_its_value():
    widths = [float(w) for w in re.findall(r'width="([\d.]+)"', bars([Bar("a", 0.25), Bar("b", 1.0)], "t"))]
    assert widths[1] == pytest.approx(4 * widths[0], rel=0.01)
