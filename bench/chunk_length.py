"""What the length of chunks changes in the result of a long recording: who is found, and who is taken for whom.

    python -m bench.chunk_length [RECORDING] [--chunks S…] [--keep FOLDER] [--write]

RECORDING: one of ``bench.meetings`` with its truth beside it; by default a quarter of an hour of nine people is
composed, whose tiles are laid out in another order every half minute. Each length is analysed on its own, without
emotions. A face counts for the person in whose tile its middle lies. ``--keep`` keeps what was seen, and does not look
again at what is there by the same recording, settings, models and version of observe (``Plan.fingerprint``).
``--write`` adds a dated page to bench/results/.
"""

from __future__ import annotations

import argparse
import datetime as dt
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from bench.agreement import idf1
from bench.analyze import ROOT
from bench.meetings import Meeting, compose
from bench.pages import new_page
from bench.processes import machine
from emorec import pipeline, recording, resolve
from emorec.settings import Settings
from emorec.types import Observations

MEETING = Meeting(9, (1280, 720), 900, seed=5)
CHUNKS_S = (30.0, 120.0, 900.0)
NEAREST_S = 0.3
"""The sample of a time of the truth lies no further from it than this."""


@dataclass(frozen=True)
class Score:
    """``recall``: share of the truth's visible people in whose tile a face was found; ``idf1``: Ristani et al. 2016."""

    recall: float
    idf1: float
    people: int
    participants: int


def main() -> int:
    """Compose, analyse with each length, print, and write on request."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recording", nargs="?", type=Path)
    parser.add_argument("--chunks", nargs="+", type=float, default=CHUNKS_S, metavar="S")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.keep or Path(temporary)
        media = args.recording or compose(MEETING, folder)
        truth = pd.read_csv(media.with_suffix(".truth.csv"))
        rows = []
        for chunk_s in args.chunks:
            timeline, chunks = analysed(media, chunk_s, folder)
            scored = score(timeline, truth)
            rows.append(
                f"| {chunk_s:g} | {chunks} | {scored.people} | {scored.participants} | {scored.recall:.4f} "
                f"| {scored.idf1:.4f} |"
            )
            print(rows[-1], flush=True)
    if args.write:
        write_page(media, rows)
    return 0


def analysed(media: Path, chunk_s: float, folder: Path) -> tuple[pd.DataFrame, int]:
    """The timeline of a recording in chunks of about that length, and how many they were."""
    settings = Settings.load(recording={"chunk_s": chunk_s}, privacy={"emotions": False})
    info = recording.probe(media, settings.recording)
    with tempfile.TemporaryDirectory(dir=folder) as store:
        plan = pipeline.plan(info, store, settings)
        kept = folder / kept_name(plan)
        if not kept.exists():
            pipeline.observe_missing(plan, range(len(plan.chunks)))
            work = pipeline.work_folder(info, store, settings)
            observations, _ = work.read([chunk.index for chunk in plan.chunks])
            kept.write_bytes(pickle.dumps(observations))
        seen: Observations = pickle.loads(kept.read_bytes())  # noqa: S301 — our own file
        resolution = resolve.resolve(seen, session=plan.session, duration_s=info.duration_s, settings=settings)
    return resolution.tables["timeline"].to_pandas(), len(plan.chunks)


def kept_name(plan: pipeline.Plan) -> str:
    """The file of what was seen: of this recording, by these settings, models and this version of observe."""
    return f"{plan.session}-{plan.fingerprint[:16]}.observations"


def score(timeline: pd.DataFrame, truth: pd.DataFrame) -> Score:
    """How well the participants of a timeline (as stored) match people of whom the truth knows the tiles.

    Args:
        timeline: participant, t in s, state, and the face's x, y, w, h in px.
        truth: person, t, state, and the tile's x, y, w, h.
    """
    faces = timeline[(timeline["state"] == "visible") & timeline["x"].notna()]
    visible = truth[truth["state"] == "visible"]
    times_s = np.sort(timeline["t"].unique())
    pairs, predicted = [], 0
    for t_s, tiles in visible.groupby("t"):
        nearest_s = times_s[np.abs(times_s - t_s).argmin()]
        shown = faces[faces["t"] == nearest_s] if abs(nearest_s - t_s) <= NEAREST_S else faces[:0]
        predicted += len(shown)
        x, y = (shown[low].to_numpy() + shown[size].to_numpy() / 2 for low, size in (("x", "w"), ("y", "h")))
        for person, left, top, width, height in tiles[["person", "x", "y", "w", "h"]].to_numpy().tolist():
            inside = (x >= left) & (x < left + width) & (y >= top) & (y < top + height)
            pairs += [(person, who) for who in shown["participant"].to_numpy()[inside][:1].tolist()]
    who = pd.DataFrame(pairs, columns=["person", "participant"])
    return Score(
        recall=len(pairs) / len(visible),
        idf1=idf1(who["person"].to_numpy(), who["participant"].to_numpy(), len(visible) + predicted),
        people=int(truth["person"].nunique()),
        participants=int(faces["participant"].nunique()),
    )


def write_page(media: Path, rows: Sequence[str]) -> None:
    """A dated page in bench/results/."""
    described = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, cwd=ROOT)
    lines = [
        f"# The length of chunks, {dt.date.today().isoformat()}",
        "",
        f"`python -m bench.chunk_length` at commit {described.stdout.strip()}; {machine()}. {media.stem}: tiles in "
        "another order every half minute, a slide shared and a camera switched off in between.",
        "",
        "| chunk s | chunks | people | participants | recall | IDF1 |",
        "|---|---|---|---|---|---|",
        *rows,
    ]
    path = new_page("chunk-length")
    path.write_text("\n".join(lines) + "\n")
    print(f"written to {path.relative_to(ROOT)}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
