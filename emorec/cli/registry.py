"""`emorec model …`: the versions of the emotion model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emorec.cli.targets import check_target

Registry = Annotated[
    Path | None,
    typer.Option(help="Folder of your own models; by default that of the settings, or models in the store."),
]
Store = Annotated[
    str | None,
    typer.Option(help="Store whose folder of models is meant, where the settings name none.", show_default=False),
]

app = typer.Typer(
    help="The versions of the emotion model: list, card, release, promote, roll back.", no_args_is_help=True
)


def registry_folder(given: Path | None, store: str | None = None) -> Path:
    """The folder of one's own models: the one that was given, or that of the settings, or of a store."""
    from emorec.settings import Settings

    if given and store:
        raise typer.BadParameter("give --registry FOLDER or --store STORE, not both")
    return given or Settings.load().models_folder(store)


@app.command("list")
def list_versions(registry: Registry = None, store: Store = None) -> None:
    """List the versions, the oldest first, with what each reaches; the champion is marked.

    Example: emorec model list
    """
    from model.registry import entries

    typer.echo("  version           made        test n   right   macro F1  calibration error")
    for entry in entries(registry_folder(registry, store)):
        metrics = entry.card.get("metrics", {})
        figures = metrics.get("test", metrics.get("validation", {})).get("one_view")
        told = (
            f"{figures['n']:>6}   {figures['accuracy']:.3f}   {figures['macro_f1']:.3f}     {figures['ece']:.3f}"
            if figures
            else "not evaluated"
        )
        where = "  (came with emorec)" if entry.shipped else ""
        mark = "*" if entry.champion else " "
        typer.echo(f"{mark} {entry.version:<16}  {str(entry.card.get('created', ''))[:10]:<10}  {told}{where}")


@app.command()
def promote(
    version: Annotated[str, typer.Argument(help="One of `emorec model list`.")],
    registry: Registry = None,
    store: Store = None,
    why: Annotated[str, typer.Option(help="Kept with the promotion.")] = "by hand",
) -> None:
    """Make a version the champion: the next analyses use it, running ones keep theirs.

    Example: emorec model promote retrained-3 --why "better on our own faces"
    """
    from model import registry as models

    folder = registry_folder(registry, store)
    models.promote(folder, version, why)
    typer.echo(f"{folder}: the champion is {version}")


@app.command()
def rollback(registry: Registry = None, store: Store = None) -> None:
    """Make the champion before the present one the champion again.

    Example: emorec model rollback
    """
    from model import registry as models

    folder = registry_folder(registry, store)
    typer.echo(f"{folder}: the champion is {models.roll_back(folder)} again")


@app.command()
def card(
    version: Annotated[str, typer.Argument(help="One of `emorec model list`.")] = "champion",
    registry: Registry = None,
    store: Store = None,
    html: Annotated[Path | None, typer.Option(help="Write the card there as a page for people.")] = None,
) -> None:
    """Print a version's card as JSON, after checking its files; or write it as a page.

    Example: emorec model card vgg11-2 --html card.html
    """
    import json

    from model.card import in_present_words, render_card
    from model.registry import load_release

    check_target(html)
    release = load_release(version, registry_folder(registry, store))
    if html is None:
        typer.echo(json.dumps(in_present_words(release.card), indent=1))
    else:
        html.write_text(render_card(release.card), "utf-8")
        typer.echo(html)


@app.command()
def release(
    ctx: typer.Context,
    run: Annotated[Path, typer.Argument(help="Folder of a run of `emorec train`.")],
    version: Annotated[str, typer.Option("--as", help="Name of the version to be.")],
    data: Annotated[Path, typer.Option(help="The data that the run was trained on, with a test split.")],
    votes_share: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Release the last epoch, and weigh what was learnt from FER+ votes by this, not by score.",
        ),
    ] = None,
    promote: Annotated[bool, typer.Option(help="Make it the champion.")] = False,
    registry: Registry = None,
    store: Store = None,
) -> None:
    """Release a run's best weights: convert for CPUs, calibrate, read the test split once, write the card.

    Example: emorec model release runs/july --as vgg11-3 --data fer2013.zip --promote
    """
    import os

    # Only TensorFlow writes LiteRT files; weights are the same for all backends.
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from emorec.cli.native import divert_native_output

    divert_native_output(ctx)
    from emorec.cli.model import make_release
    from model.registry import check_new
    from model.release import load_splits
    from model.runs import check_data
    from model.train import merge_anew

    folder = registry_folder(registry, store)
    check_new(folder, version)
    splits = load_splits(data, for_release=True)
    if votes_share is not None:
        check_data(run, {"train": splits.training, "validation": splits.validation})  # before weights are written
        merge_anew(run, votes_share)
    make_release(run, version, folder, splits, promote)


@app.command()
def retrain(
    ctx: typer.Context,
    data: Annotated[Path | None, typer.Option(help="Folder or zip of the training data.")] = None,
    new: Annotated[Path | None, typer.Option(help="Folder or zip of new labelled images, <class>/*.")] = None,
    test: Annotated[Path | None, typer.Option(help="Folder or zip of the frozen test set.")] = None,
    start: Annotated[str | None, typer.Option(help="champion or scratch: where training begins.")] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Length of the training; 6, or 30 from scratch, without.")
    ] = None,
    least_new: Annotated[int | None, typer.Option(min=1, help="New images that it waits for.")] = None,
    store: Annotated[str | None, typer.Option(help="Whose labelled faces and models are meant.")] = None,
) -> None:
    """Retrain with new labelled images; promote the result only if it is better by more than chance.

    What is not given comes from the settings, area retrain. Killed, the same command goes on where it was.

    Example: emorec model retrain --data fer2013.zip --new our-faces
    """
    from emorec import retraining
    from emorec.cli.native import divert_native_output
    from emorec.settings import Settings

    divert_native_output(ctx)
    outcome = retraining.retrain(
        Settings.load(),
        store,
        tell=lambda line: typer.echo(line, err=True),
        data=data,
        new=new,
        test=test,
        start=start,
        epochs=epochs,
        least_new=least_new,
    )
    made = (
        f"{outcome.version}{' is the champion' if outcome.promoted else ' is a candidate'}: " if outcome.version else ""
    )
    typer.echo(made + outcome.reason)
