"""Released models: immutable folders that load offline, from a clone or a wheel.

    REGISTRY/champion.json                the version that is used unless another is asked for
    REGISTRY/<version>/card.json          what it is, how it was made, what it reaches, hashes of the other two
    REGISTRY/<version>/model.weights.h5   weights for Keras, without optimizer state
    REGISTRY/<version>/model.tflite       the same network for CPUs

No Keras and no TensorFlow here: inference on a CPU needs neither.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from model import preprocess
from model.errors import ModelError

INSTALLED: Final = Path(__file__).parent / "weights"
"""The registry that comes with the package."""

CHAMPION: Final = "champion"
CARD: Final = "card.json"
WEIGHTS: Final = "model.weights.h5"
LITERT: Final = "model.tflite"


@dataclass(frozen=True)
class Release:
    """A released model whose files are the ones that its card describes.

    version: its name. card: all of card.json. weights, litert: its files. classes: names, in the order of the
    outputs. temperature: what logits are divided by before the softmax.
    """

    version: str
    card: dict[str, Any]
    weights: Path
    litert: Path
    classes: tuple[str, ...]
    temperature: float

    def sha256(self) -> dict[str, str]:
        """Return the hash of each file by its name."""
        return {name: entry["sha256"] for name, entry in self.card["files"].items()}


def load_release(
    version: str = CHAMPION, registry: Path | None = None, classes: tuple[str, ...] | None = None
) -> Release:
    """Find a release and verify it.

    version: its name, or "champion". registry: folder of releases; by default the installed one. classes: the order
    that the caller counts on. Raises ModelError where it is missing, where a file is not the one that the card
    describes, or where its classes or its preprocessing are not those of this code.
    """
    root = registry or INSTALLED
    if version == CHAMPION:
        version = champion(root)
    folder = root / version
    card = _read_json(folder / CARD)
    try:
        files = {name: (folder / name, card["files"][name]["sha256"]) for name in (WEIGHTS, LITERT)}
        found_classes, temperature = tuple(card["classes"]), float(card["temperature"])
        preprocessing = card["preprocessing"]
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{folder / CARD}: not a complete model card ({error!r})") from error
    for path, expected in files.values():
        if not path.is_file():
            raise ModelError(f"{path} is missing; install emorec again or choose another version")
        if sha256_of(path) != expected:
            raise ModelError(f"{path} is not the file that its card describes; install emorec again")
    if classes is not None and found_classes != classes:
        raise ModelError(f"model {version} has the classes {', '.join(found_classes)}; needed: {', '.join(classes)}")
    if preprocessing != preprocess.describe():
        raise ModelError(f"model {version} was made for another preprocessing of faces; choose another version")
    return Release(version, card, files[WEIGHTS][0], files[LITERT][0], found_classes, temperature)


def champion(registry: Path | None = None) -> str:
    """Return the version that is used by default. Raises ModelError where none is released."""
    path = (registry or INSTALLED) / "champion.json"
    try:
        return str(_read_json(path)["champion"])
    except KeyError as error:
        raise ModelError(f"{path} names no champion") from error


def add_release(registry: Path, version: str, card: dict[str, Any], weights: Path, litert: Path) -> Release:
    """Put a new version into a registry, whole or not at all. Files are copied; their hashes go into the card.

    Raises ModelError for a version that exists already (releases do not change) or a name that is not a plain one.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", version) or version == CHAMPION:
        raise ModelError(f"{version!r} is no name for a version; use lower-case letters, digits, dots and dashes")
    if (registry / version).exists():
        raise ModelError(f"{registry / version} exists already; releases do not change, choose another version")
    registry.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=".part-", dir=registry))
    try:
        shutil.copyfile(weights, part / WEIGHTS)
        shutil.copyfile(litert, part / LITERT)
        files = {n: {"sha256": sha256_of(part / n), "bytes": (part / n).stat().st_size} for n in (WEIGHTS, LITERT)}
        (part / CARD).write_text(json.dumps({"version": version, **card, "files": files}, indent=1) + "\n")
        part.chmod(0o755)
        part.rename(registry / version)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return load_release(version, registry)


def promote(registry: Path, version: str) -> None:
    """Make a version the champion, after verifying it."""
    load_release(version, registry)
    part = registry / ".champion.part"
    part.write_text(json.dumps({"champion": version}) + "\n")
    part.replace(registry / "champion.json")


def sha256_of(path: Path) -> str:
    """Return the hash of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        raise ModelError(f"{path} is missing: no such model") from None
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read: {error}") from error
    return content
