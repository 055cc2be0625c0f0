"""What the same sessions say without a part of attention, of means, and where most photographs are not engaged.

Used by ``bench.engagement``. Everything is made again from the stored tables: signals of every sample are calibrated
and scored by the product's own functions, so that a session need not be analysed for each question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.stills import LEVELS, Photograph, Staging
from bench.validity import auc
from emorec.attention import attention, calibrate
from emorec.settings import Settings
from emorec.settings.landmarks import LandmarksSettings
from emorec.types import Signals

if TYPE_CHECKING:
    import pandas as pd

    from emorec.store import Session

__all__ = ["kept_by_share", "mostly_not_engaged", "of_ten", "samples_of", "variants"]

SIGNALS = tuple(column.name for column in fields(Signals))
VARIANTS = {
    "without gaze": ("gaze_x", "gaze_y"),
    "without lids": ("eyes_open",),
    "head alone": ("gaze_x", "gaze_y", "eyes_open"),
    "eyes alone": ("yaw", "pitch"),
}
"""Signals that are taken as usual all the time."""
SHARES = (0.0, 0.5, 0.7, 0.85)
NO_PRIOR = 1e-6
"""So few samples stand for what is usual of people that nothing is drawn to it."""
MEAN_OF = 10
ENGAGED, NOT = LEVELS.index("engaged"), LEVELS.index("not_engaged")


def samples_of(session: Session, shown: Sequence[Photograph], staging: Staging) -> pd.DataFrame:
    """The samples of a session that show a face, with the number and label of their photograph."""
    rows = session.timeline[session.timeline.state == "visible"]
    place = np.clip(np.floor(rows.t / staging.seconds + 1e-6).astype(int), 0, len(shown) - 1)
    label = np.array([photograph.label for photograph in shown])
    columns = ["participant", "quality", "attention", *SIGNALS]
    return rows[columns].assign(subject=shown[0].subject, place=place, label=label[place])


def kept_by_share(label: NDArray[np.integer], least_share: float) -> NDArray[np.bool_]:
    """Which of one subject's photographs are shown so that at least a share of them is not engaged: all of those, and
    others evenly spread; all of them for a share of 0."""
    away: NDArray[np.bool_] = np.asarray(label == NOT)
    if least_share <= 0:
        return np.ones(len(label), bool)
    others = np.flatnonzero(~away)
    most = max(2, round(int(away.sum()) * (1 / least_share - 1)))
    kept = away.copy()
    kept[others[np.unique(np.linspace(0, len(others) - 1, min(most, len(others))).astype(int))]] = True
    return kept


def scored(samples: pd.DataFrame, settings: LandmarksSettings, without: Sequence[str] = ()) -> pd.DataFrame:
    """Attention of each photograph, of samples calibrated anew; ``without``: signals that are always as usual."""
    import pandas as pd

    parts = []
    for _, own in samples.groupby(["subject", "participant"], sort=False):
        measured = Signals(*(own[name].to_numpy(np.float32) for name in SIGNALS))
        usual = calibrate(measured, np.nan_to_num(own.quality.to_numpy(np.float32)), settings)
        level = {
            "yaw": usual.yaw_deg,
            "pitch": usual.pitch_deg,
            "gaze_x": usual.gaze_x,
            "gaze_y": usual.gaze_y,
            "eyes_open": usual.open_eyes * settings.open_at,
        }
        changed = [
            np.where(np.isfinite(own[name]), np.float32(level[name]), np.nan).astype(np.float32)
            if name in without
            else getattr(measured, name)
            for name in SIGNALS
        ]
        parts.append(own.assign(again=attention(Signals(*changed), usual, settings)))
    rows = pd.concat(parts).groupby(["subject", "place", "label"], sort=False).again.mean()
    return rows.reset_index()


def variants(samples: pd.DataFrame) -> None:
    """Print how well labels are told apart without a part of attention."""
    settings = Settings.load().landmarks
    again = scored(samples, settings).again
    stored = samples.groupby(["subject", "place", "label"], sort=False).attention.mean().to_numpy()
    print(f"  made again from the signals, attention differs by {np.nanmax(np.abs(again - stored)):.1e} at most")
    for name, without in VARIANTS.items():
        rows = scored(samples, settings, without)
        print(f"  attention {name}: AUC engaged / not {_auc(rows):.3f}")
    first = samples.groupby(["subject", "participant", "place"], sort=False).head(1)
    print(f"  attention at half the rate, one sample of each: AUC engaged / not {_auc(scored(first, settings)):.3f}")


def mostly_not_engaged(samples: pd.DataFrame) -> None:
    """Print the same for subjects of whose photographs so many are not engaged, from the same signals."""
    import pandas as pd

    own = Settings.load().landmarks
    alone = own.model_copy(update={"prior_samples": NO_PRIOR})
    for share in SHARES:
        shown = pd.concat([_thinned(own_rows, share) for _, own_rows in samples.groupby("subject", sort=False)])
        rows, bare = scored(shown, own), scored(shown, alone)
        photographs = rows.groupby("subject").size()
        means = [rows.again[rows.label == label].mean() for label in (NOT, ENGAGED)]
        print(
            f"  {(rows.label == NOT).mean():.0%} not engaged ({photographs.min()} to {photographs.max()} photographs "
            f"each): attention AUC {_auc(rows):.3f}, means not, engaged {means[0]:.2f}, {means[1]:.2f}; without "
            f"drawing to what is usual {_auc(bare):.3f}"
        )


def of_ten(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    """Means of a column over ten photographs of one subject and label; the last of each may be of fewer."""
    known = rows[np.isfinite(rows[name])]
    block = known.groupby(["subject", "label"]).cumcount() // MEAN_OF
    means: pd.DataFrame = known.assign(block=block).groupby(["subject", "label", "block"])[name].mean().reset_index()
    return means


def _thinned(rows: pd.DataFrame, share: float) -> pd.DataFrame:
    """The samples of those of one subject's photographs that are shown."""
    labels = rows.groupby("place").label.first()
    return rows[rows.place.isin(labels.index[kept_by_share(labels.to_numpy(), share)])]


def _auc(rows: pd.DataFrame) -> float:
    value, label = rows.again.to_numpy(float), rows.label.to_numpy()
    return auc(value[label == ENGAGED], value[label == NOT])
