"""`emorec train` and `emorec evaluate`: the emotion model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emorec import __version__

if TYPE_CHECKING:
    from model.train import Epoch

Registry = Annotated[Path | None, typer.Option(help="Folder of models; by default the one that is installed.")]


def train(
    data: Annotated[
        Path, typer.Option(help="Folder or zip: images/<split>/<class>/*, with ferplus.csv if there is one.")
    ],
    run: Annotated[Path, typer.Option(help="Folder of the run; an unfinished run there goes on.")] = Path("runs/train"),
    epochs: Annotated[int | None, typer.Option(min=1, help="Length of the run.")] = None,
    minutes: Annotated[float | None, typer.Option(min=0, help="Length of a new run at this machine's speed.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of everything that is drawn, for a new run.")] = None,
    release: Annotated[
        str | None, typer.Option(help="Then release the best weights as this version. Reads the test split.")
    ] = None,
    release_only: Annotated[bool, typer.Option(help="Train no further; release what is there.")] = False,
    promote: Annotated[bool, typer.Option(help="Make the release the champion.")] = False,
    registry: Registry = None,
) -> None:
    """Train the emotion model; run it again after an interruption and it goes on.

    Example: emorec train --data fer2013.zip --run runs/july --minutes 90 --release vgg11-2 --promote
    """
    import dataclasses

    from model.data import clean, load_images
    from model.train import Plan, epochs_in, plan_of
    from model.train import train as train_model

    if (release_only or promote) and not release:
        raise typer.BadParameter("--release-only and --promote need --release VERSION")
    validation, test = (load_images(data, split) for split in ("validation", "test"))
    training = clean(load_images(data, "train"), [validation, test])
    typer.echo(f"{len(training)} training images; left out: {_counts(training.dropped)}", err=True)
    if not release_only:
        earlier = plan_of(run)
        plan = earlier or Plan()
        if seed is not None:
            plan = dataclasses.replace(plan, seed=seed)
        if minutes is not None and earlier is None:
            epochs = epochs_in(minutes, plan, training)
        plan = dataclasses.replace(plan, epochs=epochs or plan.epochs)
        outcome = train_model(run, plan, training, validation, lambda e: _report(e, plan.epochs))
        typer.echo(f"{run}: best validation accuracy {outcome.best_accuracy:.4f} at epoch {outcome.best_epoch}")
    if release:
        from model import registry as models
        from model.release import release as make_release

        target = registry or models.INSTALLED
        made = make_release(run, release, target, training, validation, test, f"emorec {__version__}")
        if promote:
            models.promote(target, release)
        accuracy = made.card["metrics"]["test"]["one_view"]["accuracy"]
        typer.echo(f"{made.litert.parent}: {made.card['conversion']['chosen']}, test accuracy {accuracy:.4f}")


def evaluate(
    data: Annotated[Path, typer.Option(help="Folder or zip of labelled faces: [images/][<split>/]<class>/*.")],
    split: Annotated[str | None, typer.Option(help="train, validation or test; by default all there is.")] = None,
    classes: Annotated[str | None, typer.Option(help="Some of the classes, as a,b,…; by default all seven.")] = None,
    model: Annotated[str, typer.Option(help="Version of the model.")] = "champion",
    registry: Registry = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all figures there as JSON.")] = None,
) -> None:
    """Say how well a model reads labelled faces, as the product runs it on a CPU: each face once.

    Example: emorec evaluate --data fer2013.zip --split test --classes angry,happy,neutral,sad --json figures.json
    """
    from model.data import CLASSES, OTHER_NAMES, load_images
    from model.evaluate import figures
    from model.registry import load_release
    from model.runtime import LiteRtNetwork

    release = load_release(model, registry, CLASSES)
    chosen = tuple(OTHER_NAMES.get(c, c) for c in classes.lower().replace(" ", "").split(",")) if classes else CLASSES
    images = load_images(data, split)
    found = figures(LiteRtNetwork(release.litert), images, release.temperature, chosen)
    result: dict[str, Any] = {"model": release.version, **found.pop("one_view"), **found, "left_out": images.dropped}
    if json_file:
        json_file.write_text(json.dumps(result, indent=1) + "\n")
    low, high = result["intervals"]["accuracy"]
    typer.echo(
        f"{release.version} on {result['n']} faces: accuracy {result['accuracy']:.3f} ({low:.3f} to {high:.3f}), "
        f"macro F1 {result['macro_f1']:.3f}, calibration error {result['ece']:.3f}"
    )
    for name, recall in result["recall"].items():
        typer.echo(f"  {name:<9} recall {recall:.3f}")


def _counts(dropped: dict[str, int]) -> str:
    return ", ".join(f"{n} {reason.replace('_', ' ')}" for reason, n in dropped.items()) or "nothing"


def _report(epoch: Epoch, epochs: int) -> None:
    typer.echo(
        f"epoch {epoch['epoch']:.0f}/{epochs}: training {epoch['training_accuracy']:.3f}, validation "
        f"{epoch['validation_accuracy']:.4f} (loss {epoch['validation_loss']:.3f}), {epoch['seconds']:.0f} s",
        err=True,
    )
