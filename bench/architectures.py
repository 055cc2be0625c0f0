"""The networks of the table at equal training time: what they reach on validation, how large and how fast they are.

    python -m bench.architectures DATA [--minutes M] [--width W] [--images N] [--runs FOLDER] [--write] [NAME…]

DATA: folder or zip with train and validation; test is not read. Each network is trained by the default plan for as many
epochs as fit into M minutes at the speed that it shows first, so the epochs differ and the time does not; the page says
how long each really took. Then it is converted as for a release, and the file that CPUs run is measured: one thread,
batches of 32, CPU time. Runs are resumed where they are in FOLDER. Wants an otherwise idle machine. ``--write`` adds a
dated page to bench/results/.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime as dt
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from bench.analyze import ROOT
from bench.pages import new_page
from bench.processes import machine

if TYPE_CHECKING:
    from model.data import LabelledImages
    from model.runtime import LiteRtNetwork

MEASURED_FACES: Final = 3200
"""Faces that a network's speed is measured on: enough that the clock's grain does not count."""


@dataclass(frozen=True)
class Figures:
    """What one network came to; accuracy: on validation, one view, as CPUs run it."""

    name: str
    parameters: int
    epochs: int
    minutes: float
    accuracy: float
    float_accuracy: float
    kind: str
    megabytes: float
    faces_per_cpu_s: float


def main() -> int:
    """Train what is not trained yet, measure, print, and write on request."""
    from model.architectures import FROM_SCRATCH
    from model.data import clean, load_images

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(FROM_SCRATCH)}; by default all")
    parser.add_argument("--minutes", type=float, default=60.0, help="training time of each")
    parser.add_argument("--width", type=float, default=0.5, help="factor on all numbers of filters")
    parser.add_argument("--images", type=int, help="train on so many images, drawn at random, instead of all")
    parser.add_argument("--runs", type=Path, default=Path("runs/architectures"))
    parser.add_argument("--write", action="store_true", help="add a dated page to bench/results/")
    args = parser.parse_args()
    validation = load_images(args.data, "validation")
    training = clean(load_images(args.data, "train"), [validation])
    if args.images:
        training = training.take(np.random.default_rng(0).permutation(len(training)) < args.images)
    figures = [measure(name, args, training, validation) for name in args.names or FROM_SCRATCH]
    page = render(figures, args, len(training), len(validation))
    print(page)
    if args.write:
        path = new_page("architectures")
        path.write_text(page)
        print(f"written to {path.relative_to(ROOT)}", file=sys.stderr)
    return 0


def measure(name: str, args: argparse.Namespace, training: LabelledImages, validation: LabelledImages) -> Figures:
    """Train one network, or go on, convert it, and measure the file for CPUs."""
    from model.architectures import Architecture
    from model.export import convert, load_network
    from model.plan import Plan, plan_of
    from model.runtime import LiteRtNetwork
    from model.train import BEST_WEIGHTS, epochs_in, quickest_policy, train

    run = args.runs / name
    plan = plan_of(run)
    if plan is None:
        plan = Plan(architecture=Architecture(name, args.width), dtype_policy=quickest_policy())
        plan = dataclasses.replace(plan, batch=min(plan.batch, len(training)))
        plan = dataclasses.replace(plan, epochs=epochs_in(args.minutes, plan, training))
    print(f"{name}: {plan.epochs} epochs", file=sys.stderr)
    outcome = train(run, plan, training, validation)
    network = load_network(plan.architecture, run / BEST_WEIGHTS)
    tried = convert(network, plan.architecture, validation, run / "model.tflite")[-1]
    return Figures(
        name=name,
        parameters=network.count_params(),
        epochs=len(outcome.history),
        minutes=sum(epoch["seconds"] for epoch in outcome.history) / 60,
        accuracy=tried.accuracy,
        float_accuracy=tried.float_accuracy,
        kind=tried.kind,
        megabytes=tried.bytes / 1e6,
        faces_per_cpu_s=speed(LiteRtNetwork(run / "model.tflite"), validation),
    )


def speed(network: LiteRtNetwork, data: LabelledImages) -> float:
    """Return the faces that a network classifies in a second of CPU time, the best of three."""
    faces = data.images[np.arange(MEASURED_FACES) % len(data)]
    network(faces[:32])
    seconds = []
    for _ in range(3):
        started = time.process_time()
        network(faces)
        seconds.append(time.process_time() - started)
    return len(faces) / min(seconds)


def render(figures: list[Figures], args: argparse.Namespace, training: int, validation: int) -> str:
    """The page: what was measured, on what, and the figures, the best first."""
    import keras

    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=ROOT
    ).stdout.strip()
    command = f"python -m bench.architectures {args.data.name} --minutes {args.minutes:g} --width {args.width:g}"
    command += f" --images {args.images}" if args.images else ""
    rows = [
        f"| {f.name} | {f.parameters / 1e6:.2f} | {f.epochs} | {f.minutes:.1f} | {f.accuracy:.3f} "
        f"| {f.float_accuracy:.3f} | {f.kind} | {f.megabytes:.2f} | {f.faces_per_cpu_s:,.0f} |"
        for f in sorted(figures, key=lambda f: -f.accuracy)
    ]
    lines = [
        f"# Architectures at equal training time, {dt.date.today().isoformat()}",
        "",
        f"`{command}` at commit {commit}, Keras on {keras.backend.backend()}; {machine()}. {training} training and "
        f"{validation} validation images; test was not read. All at {args.width:g} times their width.",
        "",
        "| network | million parameters | epochs | minutes | validation | float32 | file | MB | faces per CPU second |",
        "|---|---|---|---|---|---|---|---|---|",
        *rows,
        "",
        "Validation: accuracy in seven classes, each face once, as CPUs run it; float32: before conversion. Faces per "
        "CPU second: one thread, batches of 32, cutting not included.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
