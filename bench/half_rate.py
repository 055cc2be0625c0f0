"""What reading landmarks at half the rate loses: attention, levels and speaking of stored sessions.

    python -m bench.half_rate SESSION_FOLDER…

Every second sample's values of a participant are held for the next one, of the eyes alone, or of the whole face, and
everything after that is made again by the product's own functions. ``bench.face_cost`` says what it saves. Sessions of
13 people and more have had their eyes read in turn already: give smaller ones. Results and what they mean:
docs/validity.md.
"""

from __future__ import annotations

import argparse
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from emorec.attention import attention, calibrate, speaking
from emorec.settings import Settings
from emorec.types import EMOTIONS, Float32, Signals

if TYPE_CHECKING:
    import pandas as pd

SIGNALS = tuple(column.name for column in fields(Signals))
EYES = ("gaze_x", "gaze_y", "eyes_open")
HELD = {"eyes": EYES, "whole faces": SIGNALS}
WINDOW_S = 10.0


def held(own: pd.DataFrame, names: tuple[str, ...], first: int) -> Signals:
    """A participant's signals with some of them read at every second sample, from the first or the second on."""
    measured = Signals(*(own[name].to_numpy(np.float32) for name in SIGNALS))
    step = np.rint((own.t.to_numpy() - own.t.to_numpy()[0]) / np.median(np.diff(own.t.to_numpy()))).astype(int)
    # Only what was seen at the sample just before can be held.
    lags = np.flatnonzero((step % 2 != first) & (np.diff(step, prepend=-2) == 1))
    return replace(measured, **{name: _shifted(getattr(measured, name), lags) for name in names})


def _shifted(values: Float32, rows: NDArray[np.integer]) -> Float32:
    changed = values.copy()
    changed[rows] = values[rows - 1]
    return changed


def compared(folder: Path, names: tuple[str, ...]) -> pd.DataFrame:
    """Attention, engagement and speaking of each sample, as they are and with some signals held."""
    import pandas as pd

    settings = Settings.load()
    timeline = pd.read_parquet(folder / "timeline.parquet")
    weights = settings.analysis.engagement
    share = weights.attention_weight
    parts = []
    for _, own in timeline[timeline.state == "visible"].groupby("participant", sort=False):
        if len(own) < 3:
            continue
        t_s, quality = own.t.to_numpy(), np.nan_to_num(own.quality.to_numpy(np.float32))
        table = {"participant": own.participant, "window": np.floor(t_s / WINDOW_S)}
        expression = own[list(EMOTIONS)].to_numpy(float) @ [weights.expression[name] for name in EMOTIONS]
        for key, measured in (("is", held(own, (), 0)), ("held", held(own, names, 0))):
            usual = calibrate(measured, quality, settings.landmarks)
            attentive = attention(measured, usual, settings.landmarks)
            table[f"attention_{key}"] = attentive
            table[f"engagement_{key}"] = share * attentive + (1 - share) * expression
            table[f"speaking_{key}"] = speaking(measured.mouth_open, t_s, settings.landmarks)
        parts.append(pd.DataFrame(table))
    return pd.concat(parts, ignore_index=True)


def report(name: str, rows: pd.DataFrame) -> None:
    """Print how far the two differ, by sample and by window of a participant."""
    bounds = Settings.load().analysis.engagement
    windows = rows.groupby(["participant", "window"]).mean(numeric_only=True)
    windows = windows[np.isfinite(windows.engagement_is) & np.isfinite(windows.engagement_held)]
    change = (windows.attention_is - windows.attention_held).abs()
    levels = [
        np.searchsorted((bounds.low_below, bounds.high_from), windows[f"engagement_{key}"], side="right")
        for key in ("is", "held")
    ]
    sample = (rows.attention_is - rows.attention_held).abs()
    print(
        f"  {name} held: attention of {len(rows)} samples changes by {sample.mean():.3f} in the mean (correlation "
        f"{rows.attention_is.corr(rows.attention_held):.2f}), of {len(windows)} windows by {change.mean():.3f} (at "
        f"most {change.max():.2f}); {np.mean(levels[0] == levels[1]):.1%} of levels stay; speaking {_mean(rows, 'is')} "
        f"becomes {_mean(rows, 'held')} (correlation {rows.speaking_is.corr(rows.speaking_held):.2f})"
    )


def _mean(rows: pd.DataFrame, key: str) -> str:
    return f"{rows[f'speaking_{key}'].mean():.2f}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("sessions", type=Path, nargs="+", help="folders of sessions")
    import pandas as pd

    for name, signals in HELD.items():
        folders = parser.parse_args().sessions
        tables = [compared(folder, signals).assign(session=folder.name) for folder in folders]
        rows = pd.concat(tables, ignore_index=True)
        rows["participant"] = rows.session + rows.participant
        report(name, rows)


if __name__ == "__main__":
    main()
