"""The figures of a session that headline, sentences and pages share, read from its tables and session.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from emorec.settings.analysis import AnalysisSettings
from emorec.types import EMOTIONS
from reports.words import LEVELS, known

if TYPE_CHECKING:
    import pandas as pd

    from emorec.store import Session

__all__ = ["Facts", "analysis_of", "facts_of", "numbers", "seen_share", "weighted"]

Float = NDArray[np.float64]

USUAL_WINDOW_S: Final = 10.0


@dataclass(frozen=True)
class Facts:
    """What a session says as a whole; a number that is not known is NaN.

    ``window_s``: length of a window; ``people``: participants of the recording, None where they are too few to be told
    of (privacy mode aggregate); ``at_once``: the most in the picture
    together; ``seen``: share (0–1) of the time in the picture with a visible face; ``attention``, ``engagement``: 0–1,
    means over time weighted by the people they come from; ``levels``, ``emotions``: shares by name, empty where there
    are none; ``moments``: how many the group had.
    """

    duration_s: float
    read_until_s: float
    window_s: float
    people: int | None
    at_once: float
    seen: float
    attention: float
    engagement: float
    levels: dict[str, float]
    emotions: dict[str, float]
    moments: int
    aggregate: bool
    with_emotions: bool

    @property
    def nobody(self) -> bool:
        """Whether no participant was found."""
        return self.people == 0

    @property
    def unseen(self) -> bool:
        """Whether there were people and not a single face."""
        return bool(self.people) and known(self.seen) and self.seen == 0

    @property
    def at_once_tells(self) -> bool:
        """Whether it is known, and worth telling, how many were there together; in aggregate it is known roughly."""
        return not self.aggregate and 1 < self.at_once < (self.people or 0)

    @property
    def measured(self) -> bool:
        """Whether there is attention to show."""
        return known(self.attention)

    @property
    def suppressed(self) -> bool:
        """Whether the group was too small throughout for an aggregate session to say anything of it."""
        return self.aggregate and self.people != 0 and not known(self.at_once)


def facts_of(session: Session) -> Facts:
    """The figures of a session; every table may be empty."""
    metadata, windows = session.metadata, session.group_windows
    recording, privacy = metadata["recording"], metadata["privacy"]
    duration_s = float(recording["duration_s"])
    present, visible = (numbers(windows, name) for name in ("present", "visible"))
    emotions = {name: weighted(numbers(windows, name), visible) for name in EMOTIONS} if privacy["emotions"] else {}
    levels = {name: weighted(numbers(windows, name), visible) for name in LEVELS}
    # In aggregate the windows' numbers of people are rough, and the share is told as a whole.
    told = metadata["counts"].get("seen_percent")
    most = np.nanmax(present) if np.isfinite(present).any() else np.nan
    if len(session.group):
        most = float(session.group["present"].max())
    return Facts(
        duration_s=duration_s,
        read_until_s=float(recording.get("read_until_s") or duration_s),
        window_s=float(np.max(windows["t1"] - windows["t0"])) if len(windows) else USUAL_WINDOW_S,
        people=metadata["counts"]["participants"],
        at_once=float(most),
        seen=seen_share(visible, present) if told is None else told / 100,
        attention=weighted(numbers(windows, "attention"), visible),
        engagement=weighted(numbers(windows, "engagement"), visible),
        levels=levels if all(known(value) for value in levels.values()) else {},
        emotions=emotions if all(known(value) for value in emotions.values()) else {},
        moments=int(session.moments["strength"].notna().sum()),
        aggregate=privacy["mode"] == "aggregate",
        with_emotions=bool(privacy["emotions"]),
    )


def analysis_of(metadata: Mapping[str, Any]) -> AnalysisSettings:
    """The settings of the analysis: the defaults, with what the session says was different."""
    try:
        return AnalysisSettings.model_validate(metadata["settings"].get("analysis", {}))
    except ValidationError:
        # A session of another version, which knew other settings.
        return AnalysisSettings()


def numbers(frame: pd.DataFrame, column: str) -> Float:
    """A column as float64; null is NaN."""
    values: Float = frame[column].to_numpy(np.float64, na_value=np.nan)
    return values


def seen_share(visible: Float, present: Float) -> float:
    """The share of the time in the picture with a visible face; NaN where nobody was there."""
    # An aggregate session may know of a window how many were present, and not how many were visible.
    there = np.isfinite(visible) & np.isfinite(present)
    total = float(present[there].sum())
    return float(visible[there].sum()) / total if total > 0 else float("nan")


def weighted(values: Float, weights: Float) -> float:
    """The mean of what is known, weighted; NaN where nothing is."""
    there = np.isfinite(values) & np.isfinite(weights) & (weights > 0)
    return float(np.average(values[there], weights=weights[there])) if there.any() else float("nan")
