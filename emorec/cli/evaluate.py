"""`emorec evaluate`: how well a model reads labelled faces."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emorec.cli.registry import Registry, Store, registry_folder
from emorec.cli.targets import check_target

if TYPE_CHECKING:
    from model.data import LabelledImages


def evaluate(
    ctx: typer.Context,
    data: Annotated[Path, typer.Option(help="Folder or zip of labelled faces: [images/][<split>/]<class>/*.")],
    split: Annotated[str | None, typer.Option(help="train, validation or test; by default all there is.")] = None,
    classes: Annotated[str | None, typer.Option(help="Some of the classes, as a,b,…; by default all seven.")] = None,
    model: Annotated[str, typer.Option(help="Version of the model; see `emorec model list`.")] = "champion",
    against: Annotated[str | None, typer.Option(help="Another version, compared on the same images.")] = None,
    registry: Registry = None,
    store: Store = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all figures there as JSON.")] = None,
) -> None:
    """Say how well a model reads labelled faces, as the product runs it on a CPU: each face once.

    Example: emorec evaluate --data fer2013.zip --split test --classes angry,happy,neutral,sad --json figures.json
    """
    from emorec.cli.native import divert_native_output
    from model.compare import compare
    from model.data import CLASSES, OTHER_NAMES, load_images, repeated
    from model.evaluate import check_classes, figures
    from model.registry import load_release
    from model.runtime import LiteRtNetwork

    check_target(json_file)
    divert_native_output(ctx)
    named = CLASSES if classes is None else [c.strip() for c in classes.lower().split(",")]
    chosen = tuple(OTHER_NAMES.get(c, c) for c in named)
    check_classes(chosen)
    folder = registry_folder(registry, store)
    release = load_release(model, folder, CLASSES)
    other = load_release(against, folder, CLASSES) if against else None
    images = load_images(data, split)
    if split is None:
        _tell_what_is_mixed(data)
    again = int(repeated(images).sum())
    if again:
        typer.echo(copies_told(again, len(images), split or "given"), err=True)
    network = LiteRtNetwork(release.litert)
    found = figures(network, images, release.temperature, chosen, _copies_in_train(data, split, images))
    result: dict[str, Any] = {
        "model": release.version,
        "model_version": release.version,
        **found.pop("one_view"),
        **found,
        "temperature": release.temperature,
        "left_out": images.dropped,
        "copies_within": again,
        "data": {"source": str(data), "split": split, "images": len(images), "fingerprint": images.fingerprint()},
    }
    if other:
        compared = compare(network, LiteRtNetwork(other.litert), images, chosen)
        result["compared"] = {"model": release.version, "against": other.version, **compared.to_dict()}
    if json_file:
        json_file.write_text(json.dumps(result, indent=1) + "\n")
    for line in _told(result):
        typer.echo(line)


def _tell_what_is_mixed(data: Path) -> None:
    """Say which splits are read together where none is named: figures of train say little of new faces."""
    from model.data import splits_of

    there = splits_of(data)
    mixed = [split for split in ("train", "validation", "test") if split in there]
    if len(mixed) > 1:
        typer.echo(f"no --split is named: {' and '.join(mixed)} are read together", err=True)
    if "train" in mixed:
        typer.echo("warning: train is among the images, and a model reads what it was trained on too well", err=True)


def copies_told(again: int, images: int, split: str) -> str:
    """What a person is told of images that are counted more than once: a few are so in FER2013, many are a mistake."""
    told = f"{again} of the {images} {split} images are copies of others of them and count again"
    return f"warning: {told}; is a folder there twice, as images/images?" if again * 10 > images else told


def _copies_in_train(data: Path, split: str | None, images: LabelledImages) -> Any:
    """Which of the images of a held-out split have a copy in the training split beside it, if there is one."""
    from model.data import SPLITS, copies, load_images, splits_of

    if split is None or SPLITS[split.lower()] == "train" or "train" not in splits_of(data):
        return None
    return copies(images, load_images(data, "train"))


def _told(result: dict[str, Any]) -> list[str]:
    """What a person reads of the figures."""
    lines = [
        f"{result['model']} on {result['n']} faces: {_figures(result)}",
        *(f"  left out: {n} {reason.replace('_', ' ')}" for reason, n in result["left_out"].items()),
        f"  calibration error before temperature scaling {result['ece_before_temperature']:.3f}",
    ]
    for name, recall in result["recall"].items():
        low, high = result["recall_intervals"][name]
        lines.append(f"  {name:<9} recall {recall:.3f} ({low:.3f} to {high:.3f})")
    sizes = ", ".join(f"{size} px {view['accuracy']:.3f}" for size, view in result["by_face_size"].items())
    lines.append(f"by size of the face: {sizes}")
    views = {
        "with_flip": "mean with the mirrored view",
        "four_classes": "four classes (angry, happy, neutral, sad)",
        "classes_present": "over the classes that the images have",
        "ferplus_majority": "against the majority of FER+ votes, where there is one",
        "ferplus_favourite": "against the favourite of FER+ votes, be they few",
        "without_copies": "without images that have a copy in train",
    }
    lines += [f"{told}, {result[v]['n']} faces: {_figures(result[v])}" for v, told in views.items() if v in result]
    if "compared" in result:
        c = result["compared"]
        lines.append(
            f"against {c['against']} on the same {c['n']} faces: {c['only_first']} right that it reads wrong, "
            f"{c['only_second']} wrong that it reads right; McNemar p = {c['p']:.3g}"
        )
    return lines


def _figures(view: dict[str, Any]) -> str:
    low, high = view["intervals"]["accuracy"]
    return (
        f"accuracy {view['accuracy']:.3f} ({low:.3f} to {high:.3f}), macro F1 {view['macro_f1']:.3f}, "
        f"calibration error {view['ece']:.3f}"
    )
