"""Measure attention and engagement of whole sessions against what people said of the pictures, subject by subject.

    python -m bench.engagement CORPUS [--side PX] [--frame WxH] [--seconds S] [--order numbered|shuffled|windows]
                                      [--colour] [--least-share P] [--subjects N] [--store FOLDER]

Each subject's photographs of engagement_wacv.zip become a recording of stills, which the product analyses from end to
end; what its tables say is joined with the labels by time. Nothing is fitted: every subject is one that no weight and
no threshold has seen. The bounds of levels are also chosen on all other subjects, to see how far they would move.
Results and what they mean: docs/validity.md.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

import emorec
from bench.ablation import kept_by_share, mostly_not_engaged, of_ten, samples_of, variants
from bench.stills import LEVELS, Staging, by_photograph, ordered, photographs, write_recording
from bench.validity import auc
from emorec import app
from emorec.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.floating]
ENGAGED, NOT = LEVELS.index("engaged"), LEVELS.index("not_engaged")
GRID = np.round(np.arange(0.1, 0.96, 0.05), 2)
"""Bounds of levels to choose from."""


def analysed(
    source: Path, staging: Staging, subjects: Sequence[str], least_share: float, store: Path | None
) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """Of each subject one row per photograph, and one per sample with a face, with what the session says of it."""
    settings = Settings.load()
    every = photographs(source)
    with tempfile.TemporaryDirectory() as folder:
        for subject in subjects:
            own = [p for p in every if p.subject == subject]
            kept = kept_by_share(np.array([p.label for p in own]), least_share)
            shown = ordered([own[i] for i in np.flatnonzero(kept)], staging)
            recording = Path(folder) / f"{subject}.mp4"
            write_recording(recording, source, shown, staging)
            result = app.analyze(recording, settings=settings, store=store or Path(folder) / "store")
            session = emorec.load(result.folder)
            rows = by_photograph(session, shown, staging)
            print(
                f"  {subject}: {len(shown)} photographs, {result.participants} participant(s), attention of "
                f"{rows.attention.notna().mean():.0%}, left out {len(session.left_out)} track(s)",
                flush=True,
            )
            yield rows, samples_of(session, shown, staging)
            recording.unlink()


def separation(rows: pd.DataFrame, name: str) -> None:
    """How well a column tells the labels apart."""
    value, label = rows[name].to_numpy(float), rows.label.to_numpy()
    known = np.isfinite(value)
    within = []
    for subject in rows.subject.unique():
        own = (rows.subject == subject).to_numpy() & known
        if (own & (label == ENGAGED)).any() and (own & (label == NOT)).any():
            within.append(auc(value[own & (label == ENGAGED)], value[own & (label == NOT)]))
    kept = ", ".join(f"{known[label == k].mean():.0%}" for k in range(len(LEVELS)))
    means = ", ".join(f"{np.nanmean(value[label == k]):.2f}" for k in range(len(LEVELS)))
    print(
        f"  {name}: AUC engaged / not {auc(value[label == ENGAGED], value[label == NOT]):.3f}, partially / not "
        f"{auc(value[label == 1], value[label == NOT]):.3f}, within subjects {np.mean(within):.3f} (least "
        f"{np.min(within):.3f}), rank correlation {spearmanr(value[known], label[known])[0]:.2f}; known of "
        f"{known.mean():.1%} ({kept}); means {means}"
    )


def chance(rows: pd.DataFrame, name: str) -> None:
    """The same with labels shuffled within subjects."""
    value = rows[name].to_numpy(float)
    found = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        label = rows.groupby("subject").label.transform(rng.permutation).to_numpy()
        found.append(auc(value[label == ENGAGED], value[label == NOT]))
    high = np.quantile(found, 0.95)
    print(f"  chance (labels shuffled within subjects): AUC {np.mean(found):.3f}, 95 % below {high:.3f}")


def agreement(level: NDArray[np.integer], label: NDArray[np.integer]) -> float:
    """Cohen's kappa with quadratic weights, of each label the same weight in all."""
    seen = np.zeros((3, 3))
    np.add.at(seen, (label, level), 1)
    seen /= np.maximum(seen.sum(axis=1, keepdims=True), 1) * 3
    cost = (np.arange(3)[:, None] - np.arange(3)) ** 2
    return float(1 - (cost * seen).sum() / (cost * np.outer(seen.sum(axis=1), seen.sum(axis=0))).sum())


def levels(rows: pd.DataFrame, name: str) -> None:
    """What levels photographs of each label get, and what bounds other subjects' photographs would have chosen."""
    settings = Settings.load().analysis.engagement
    rows = rows[np.isfinite(rows[name])]
    value, label = rows[name].to_numpy(float), rows.label.to_numpy()

    def level(bounds: tuple[float, float], values: Floats) -> NDArray[np.integer]:
        return np.searchsorted(bounds, values, side="right")

    default = (settings.low_below, settings.high_from)
    given = level(default, value)
    for k, text in enumerate(LEVELS):
        shares = np.bincount(given[label == k], minlength=3) / max(1, (label == k).sum())
        print(f"  {text}: low {shares[0]:.0%}, medium {shares[1]:.0%}, high {shares[2]:.0%}")
    pairs = [(low, high) for low in GRID for high in GRID if low < high]
    unseen, chosen = np.zeros(len(value), int), []
    for subject in rows.subject.unique():
        own = (rows.subject == subject).to_numpy()
        best = max(pairs, key=lambda pair: agreement(level(pair, value[~own]), label[~own]))
        chosen.append(best)
        unseen[own] = level(best, value[own])
    low, high = zip(*chosen, strict=True)
    print(
        f"  agreement (kappa, quadratic weights): {agreement(given, label):.2f} with the bounds {default[0]:g}, "
        f"{default[1]:g}; {agreement(unseen, label):.2f} on each subject with those that all others would choose "
        f"({min(low):g} to {max(low):g}, {min(high):g} to {max(high):g})"
    )


def main() -> None:
    """Analyse every subject and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--side", type=int, default=300, help="photographs are shown so wide, px")
    parser.add_argument("--frame", default="640x480", help="size of the picture, px")
    parser.add_argument("--seconds", type=float, default=1.0, help="how long each is shown")
    parser.add_argument("--order", choices=["numbered", "shuffled", "windows"], default="numbered")
    parser.add_argument("--colour", action="store_true", help="as they are; otherwise grey, since colour tells labels")
    parser.add_argument("--least-share", type=float, default=0.0, help="at least so many not engaged, by showing fewer")
    parser.add_argument("--subjects", type=int, help="the first so many subjects only")
    parser.add_argument("--store", type=Path, help="keep the sessions there, and take those that are there already")
    arguments = parser.parse_args()
    width, height = (int(v) for v in arguments.frame.split("x"))
    staging = Staging(arguments.seconds, width, height, arguments.side, arguments.order, not arguments.colour)
    source = arguments.corpus / "engagement_wacv.zip"
    subjects = sorted({p.subject for p in photographs(source)})[: arguments.subjects]
    print(f"engagement_wacv, {len(subjects)} subjects: {staging}")
    import pandas as pd

    found = list(analysed(source, staging, subjects, arguments.least_share, arguments.store))
    rows, samples = (pd.concat(tables, ignore_index=True) for tables in zip(*found, strict=True))
    summarize(rows)
    variants(samples)
    if arguments.least_share <= 0:
        mostly_not_engaged(samples)


def summarize(rows: pd.DataFrame) -> None:
    """Print all figures of the photographs of all subjects."""
    weights = Settings.load().analysis.engagement.expression
    rows["expression"] = sum(rows[emotion] * weight for emotion, weight in weights.items())
    for name in ("attention", "engagement", "expression", "window_engagement"):
        separation(rows, name)
    chance(rows, "engagement")
    levels(rows, "engagement")
    ten = of_ten(rows, "engagement")
    value, label = ten.engagement.to_numpy(), ten.label.to_numpy()
    print(f"  means of ten ({len(ten)}): AUC engaged / not {auc(value[label == ENGAGED], value[label == NOT]):.3f}")
    levels(ten, "engagement")


if __name__ == "__main__":
    main()
