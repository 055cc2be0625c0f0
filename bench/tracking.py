"""Faces and identities on composed recordings with known truth: found, false, who is who, and what it costs.

    python -m bench.tracking [SCENARIO…] [--seed N] [--held-out] [--write]

Composes recordings of the clips of the corpus (../shared/corpus or EMOREC_CORPUS), analyses them without emotions, and
scores them with the corpus' score_tracking.py. ``--held-out`` uses people that nothing was tuned on. ``--write`` adds a
dated page to bench/results/.
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib.util
import os
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.pages import new_page
from bench.scenes import catalogue as scenes
from bench.scenes.clips import names
from bench.scenes.compose import Composed, compose
from emorec import pipeline, recording
from emorec.settings import Settings

ROOT = Path(__file__).parents[1]
CORPUS = Path(os.environ.get("EMOREC_CORPUS", ROOT.parent / "shared" / "corpus"))
SHOWN = (
    "recall",
    "precision",
    "idf1",
    "people",
    "people_found",
    "participants",
    "presence_error_s",
    "camera_off_error_s",
    "names",
)


def main() -> int:
    """Compose, analyse, score, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenarios", nargs="*", help="names of scenarios, or recordings with their truth beside them")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--held-out", action="store_true")
    parser.add_argument("--names", default="none", help="plates, or a CSV file of names")
    parser.add_argument("--keep", type=Path, help="folder that keeps recordings and observations")
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    held_out = {f"person_{number}" for number in scenes.HELD_OUT}
    everybody = names(CORPUS / "clips")
    pool = [clip for clip in everybody if (clip in held_out) == args.held_out]
    known = scenes.catalogue(pool, args.seed)
    known["all"] = scenes.catalogue(everybody, args.seed)["all"]
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.keep or Path(temporary)
        rows = []
        for name in args.scenarios or known:
            if Path(name).suffix:
                truth = Path(name).with_suffix(".truth.csv")
                rows.append({"recording": Path(name).stem, **measure(Path(name), truth, folder, args.names)})
                print(line(rows[-1]), flush=True)
                continue
            scenario = known[name]()
            made = Composed(folder / f"{scenario.name}.mp4", folder / f"{scenario.name}.truth.csv")
            if not made.truth.exists():
                compose(scenario, CORPUS / "clips", folder)
            rows.append({"recording": scenario.name, **measure(made.recording, made.truth, folder, args.names)})
            print(line(rows[-1]), flush=True)
    if args.write:
        write_page(rows, sys.argv[1:])
    return 0


def measure(media: Path, truth: Path, folder: Path, names_from: str = "none") -> dict[str, Any]:
    """Analyse a recording up to its committed tables and score them; costs in CPU seconds.

    ``names_from``: as the setting ``privacy.names``.
    """
    settings = Settings.load()
    chosen = {"emotions": False, "names": names_from}
    settings = settings.model_copy(update={"privacy": settings.privacy.model_copy(update=chosen)})
    info = recording.probe(media, settings.recording)
    with tempfile.TemporaryDirectory(dir=folder) as store:
        plan = pipeline.plan(info, store, settings)
        pipeline.observe_missing(plan, range(len(plan.chunks)))
        observations, _ = pipeline.work_folder(info, store, settings).read([chunk.index for chunk in plan.chunks])
        (folder / media.with_suffix(".observations").name).write_bytes(pickle.dumps(observations))
        before = time.process_time()
        resolution, records = pipeline.resolve_recording(plan)
        resolve_s = time.process_time() - before
        session = pipeline.commit(plan, resolution, records, course="bench", title=None, started_s=time.perf_counter())
        scored = score(Path(session.folder), truth)
        stages = session.metadata["stages"]
    samples = len(observations.samples)
    if names_from != "none":
        scored["plates_s"] = round(stages.get("plates", {}).get("cpu_s", 0.0), 2)
    scored["ms_per_sample"] = round(1000 * stages["faces"]["cpu_s"] / samples, 1)
    scored["resolve_s"] = round(resolve_s, 2)
    scored["tracks"] = len(observations.tracks)
    return scored


def score(session: Path, truth: Path) -> dict[str, Any]:
    """The figures of the corpus' own scoring."""
    spec = importlib.util.spec_from_file_location("score_tracking", CORPUS.parent / "tools" / "score_tracking.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return dict(module.score(session, truth))


def line(row: dict[str, Any]) -> str:
    """One recording's figures."""
    return "  ".join(f"{key} {value}" for key, value in row.items())


def write_page(rows: Sequence[dict[str, Any]], arguments: Sequence[str]) -> None:
    """A dated page in bench/results/."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True).stdout
    header = ["recording", *SHOWN, "ms_per_sample", "resolve_s"]
    lines = [f"# Faces and identities, {dt.date.today().isoformat()}", ""]
    lines += [f"`python -m bench.tracking {' '.join(arguments)}` at commit {commit.strip()}.", ""]
    lines += ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(str(row.get(key, "")) for key in header) + " |" for row in rows]
    path = new_page("tracking")
    path.write_text("\n".join(lines) + "\n")
    print(f"written to {path.relative_to(ROOT)}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
