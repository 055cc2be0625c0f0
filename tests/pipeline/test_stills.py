"""From end to end: recordings made of labelled photographs, and what their sessions say of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.ablation import kept_by_share
from bench.engagement import analysed
from bench.stills import LEVELS, Photograph, Staging, ordered
from bench.validity import auc

ENGAGED, NOT = LEVELS.index("engaged"), LEVELS.index("not_engaged")


def photographs_of(counts: tuple[int, int, int]) -> list[Photograph]:
    """So many photographs of each label."""
    return [Photograph(f"{label}-{k}", "s01", label) for label in range(3) for k in range(counts[label])]


def test_photographs_by_label_fill_whole_windows() -> None:
    shown = ordered(photographs_of((3, 14, 20)), Staging(order="windows"))
    labels = np.array([p.label for p in shown]).reshape(-1, 10)
    assert (labels == labels[:, :1]).all()
    assert sorted(labels[:, 0].tolist()) == [0, 1, 1, 2, 2]
    assert {p.name for p in shown} == {p.name for p in photographs_of((3, 14, 20))}


def test_a_subject_can_be_made_mostly_not_engaged() -> None:
    label = np.array([p.label for p in photographs_of((21, 40, 40))])
    kept = label[kept_by_share(label, 0.7)]
    assert (kept == NOT).sum() == 21
    assert len(kept) == 30


@pytest.mark.slow
@pytest.mark.parametrize("subject", ["s02", "s18"])
def test_a_session_tells_engaged_from_not_engaged_photographs_whatever_the_cuts(corpus: Path, subject: str) -> None:
    source = corpus / "engagement_wacv.zip"
    ((rows, _),) = analysed(source, Staging(), [subject], 0, None)
    for name in ("attention", "engagement"):
        value, label = rows[name].to_numpy(float), rows.label.to_numpy()
        assert auc(value[label == ENGAGED], value[label == NOT]) >= 0.9
    assert rows.attention.notna().mean() > 0.9
    assert rows.visible.max() == 1
