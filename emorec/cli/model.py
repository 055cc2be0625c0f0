"""`emorec train`: the emotion model."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emorec import __version__
from emorec.cli.evaluate import copies_told
from emorec.cli.progress import step_display
from emorec.cli.registry import Registry, Store, registry_folder

if TYPE_CHECKING:
    from model.release import Splits
    from model.runs import Epoch


def train(
    ctx: typer.Context,
    data: Annotated[
        Path,
        typer.Option(
            help="Folder or zip: images/<split>/<class>/*, with ferplus.csv if there is one. Without validation,"
            " a tenth of train is held out; only a release needs a test split."
        ),
    ],
    run: Annotated[Path, typer.Option(help="Folder of the run; an unfinished run there goes on.")] = Path("runs/train"),
    architecture: Annotated[
        str | None,
        typer.Option(
            help="vgg11, vgg13, vgg16, vgg19, resnet18, googlenet, or face-resnet, slow, which can teach; by default"
            " vgg11, or that of the run."
        ),
    ] = None,
    width: Annotated[
        float | None,
        typer.Option(min=0.05, max=2, help="Factor on all numbers of filters; by default 0.625, or that of the run."),
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Length of the run.")] = None,
    minutes: Annotated[float | None, typer.Option(min=0, help="Length of a new run at this machine's speed.")] = None,
    begin_with: Annotated[
        str | None,
        typer.Option(
            help="A version, or a file of weights, that a new run begins with, not at random. face-resnet begins with"
            " dlib's face recognition network (100 MB, downloaded)."
        ),
    ] = None,
    teacher: Annotated[
        list[str] | None,
        typer.Option(help="A finished run of the same data whose answers a new run learns from; may be repeated."),
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option(min=0, help="Peak of a new run; half of the default suits weights that are good.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of everything that is drawn, for a new run.")] = None,
    release: Annotated[
        str | None, typer.Option(help="Then release the best weights as this version. Reads the test split.")
    ] = None,
    release_only: Annotated[bool, typer.Option(help="Train no further; release what is there.")] = False,
    promote: Annotated[bool, typer.Option(help="Make the release the champion.")] = False,
    registry: Registry = None,
    store: Store = None,
) -> None:
    """Train the emotion model; run it again after an interruption and it goes on.

    Validation chooses the weights. The learning curves are RUN/curves.html. KERAS_BACKEND=torch or jax trains on those.

    Example: emorec train --data fer2013.zip --run runs/july --minutes 90 --release vgg11-3 --promote
    """
    import dataclasses

    from emorec.cli.native import divert_native_output

    divert_native_output(ctx)
    from model.architectures import Architecture
    from model.curves import write_curves
    from model.plan import plan_for, plan_of
    from model.registry import check_new
    from model.release import load_splits
    from model.runs import last_checkpoint
    from model.train import epochs_in, quickest_policy
    from model.train import train as train_model

    if (release_only or promote) and not release:
        raise typer.BadParameter("--release-only and --promote need --release VERSION")
    models = registry_folder(registry, store)
    if release:
        check_new(models, release)
    splits = load_splits(data, for_release=release is not None)
    training, validation = splits.training, splits.validation
    _tell_of(splits)
    if not release_only:
        earlier = plan_of(run)
        plan = earlier or plan_for(architecture or Architecture().name, dtype_policy=quickest_policy())
        # What is given for a run that is there is put into its plan too: training refuses what differs.
        network = dataclasses.replace(plan.architecture, **_given(name=architecture, width=width))
        plan = dataclasses.replace(
            plan,
            architecture=network,
            **_given(learning_rate=learning_rate, seed=seed, begun_with=begin_with, epochs=epochs),
            **_given(teachers=tuple(teacher) if teacher else None),
        )
        if minutes is not None and earlier is None:
            plan = dataclasses.replace(plan, epochs=epochs_in(minutes, plan, training))

        def tell(epoch: Epoch) -> None:
            write_curves(run)
            _report(epoch, plan.epochs)

        begun_with = plan.begun_with if last_checkpoint(run) is None else ""
        with _first_weights(begun_with, models) as first, step_display(run.name) as on_step:
            outcome = train_model(run, plan, training, validation, tell, on_step, first, f"emorec {__version__}")
        typer.echo(f"{run}: best score on validation {outcome.best_score:.4f} at epoch {outcome.best_epoch}")
    if release:
        make_release(run, release, models, splits, promote)


def make_release(run: Path, version: str, target: Path, splits: Splits, promote: bool) -> None:
    """Release a run's best weights, say what came out, and make the release the champion if that is asked."""
    from model import registry as models
    from model.release import release

    typer.echo("converting, calibrating, evaluating …", err=True)
    made = release(run, version, target, splits, f"emorec {__version__}")
    if promote:
        models.promote(target, version)
    found = made.card["metrics"]["test"]["one_view"]
    low, high = found["intervals"]["accuracy"]
    typer.echo(
        f"{made.litert.parent}: {made.card['conversion']['chosen']}, test accuracy {found['accuracy']:.4f} "
        f"({low:.3f} to {high:.3f}), calibration error {found['ece']:.3f}{', champion' if promote else ''}"
    )


def _given(**options: Any) -> dict[str, Any]:
    """The options that were given."""
    return {name: value for name, value in options.items() if value is not None}


@contextlib.contextmanager
def _first_weights(named: str, registry: Path) -> Iterator[Path | None]:
    """Give the file of weights that a run begins with: a version's, one that is named itself, dlib's, or none."""
    from model import registry as models
    from model.plan import FIRST_WEIGHTS

    if named == FIRST_WEIGHTS:
        from emorec.assets.first_weights import write_first_weights

        with tempfile.TemporaryDirectory() as folder:
            typer.echo("downloading dlib's face recognition network (100 MB) …", err=True)
            yield write_first_weights(Path(folder))
    elif not named or Path(named).is_file():
        yield Path(named) if named else None
    else:
        yield models.load_release(named, registry).weights


def _tell_of(splits: Splits) -> None:
    """Say what there is to train with, and what is wrong with it."""
    held = splits.training.dropped.get("held_out_for_validation")
    if held:
        typer.echo(f"there is no validation split: {held} of the training images are held out for it", err=True)
    typer.echo(f"{len(splits.training)} training images; left out: {_counts(splits.training.dropped)}", err=True)
    for split, images in (("validation", splits.validation), ("test", splits.test)):
        again = splits.overlap.get(f"copies_within_{split}")
        if again and images is not None:
            typer.echo(copies_told(again, len(images), split), err=True)


def _counts(dropped: dict[str, int]) -> str:
    return ", ".join(f"{n} {reason.replace('_', ' ')}" for reason, n in dropped.items()) or "nothing"


def _report(epoch: Epoch, epochs: int) -> None:
    votes = f", against votes {epoch['vote_accuracy']:.4f}" if "vote_accuracy" in epoch else ""
    typer.echo(
        f"epoch {epoch['epoch']:.0f}/{epochs}: training {epoch['training_accuracy']:.3f}, validation "
        f"{epoch['validation_accuracy']:.4f}{votes} (loss {epoch['validation_loss']:.3f}), {epoch['seconds']:.0f} s",
        err=True,
    )
