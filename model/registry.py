"""Released models: immutable folders that load offline, from a clone or a wheel.

    REGISTRY/champion.json                the version that is used unless another is asked for, and those before it
    REGISTRY/rolled-back.json             versions that were the champion until somebody rolled them back
    REGISTRY/<version>/card.json          what it is, how it was made, what it reaches, hashes of the next two
    REGISTRY/<version>/model.weights.h5   weights for Keras, without optimizer state
    REGISTRY/<version>/model.tflite       the same network for CPUs
    REGISTRY/<version>/card.html          the card for people

Two registries lie one over the other: the shipped one, which comes with the package and is only read, and a folder of
one's own, where retraining puts what it makes. A version is looked for in one's own first, and so is the champion; as
long as nothing was promoted there, the shipped champion is used. So nothing is copied, an installation may be
read-only, and a new version of the package brings its new champion to all who promoted none.

Versions are written beside and moved into place, and `champion.json` is replaced in one step: whoever loads a model
sees a whole one. No Keras and no TensorFlow here: inference on a CPU needs neither.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from model import preprocess
from model.data import CLASSES
from model.errors import ChampionChangedError, ModelError, NoSuchModelError
from model.files import read_json, write_whole

log = logging.getLogger("emorec.models")

INSTALLED: Final = Path(__file__).parent / "weights"
"""The registry that comes with the package."""

CHAMPION: Final = "champion"
CHAMPION_FILE: Final = "champion.json"
ROLLED_BACK: Final = "rolled-back.json"
CARD: Final = "card.json"
CARD_PAGE: Final = "card.html"
WEIGHTS: Final = "model.weights.h5"
LITERT: Final = "model.tflite"
NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]*")
"""What a version may be called."""


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


@dataclass(frozen=True)
class Entry:
    """A version in a list: where it lies, whether it is the champion, whether it was shipped, and its card."""

    version: str
    folder: Path
    champion: bool
    shipped: bool
    card: dict[str, Any]


def load_release(
    version: str = CHAMPION, registry: Path | None = None, classes: tuple[str, ...] | None = None
) -> Release:
    """Find a release and verify it.

    version: its name, or "champion". registry: one's own folder of releases, over the shipped one; by default the
    shipped one alone. classes: the order that the caller counts on. Raises ModelError where it is missing, where a file
    is not the one that the card describes, or where its classes or its preprocessing are not those of this code.
    """
    if version == CHAMPION:
        version = champion(registry)
    folder = _folder_of(version, registry)
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
    for root in _layers(registry):
        found = _champions(root)
        if found:
            return str(found["champion"])
    raise ModelError(f"{_layers(registry)[0] / CHAMPION_FILE} is missing: no such model")


def was_champion(registry: Path, version: str) -> bool:
    """Return whether a version was promoted in this registry before, be it the champion now or not."""
    now = _champions(registry) or {}
    return version in [now.get("champion"), *(e["champion"] for e in now.get("earlier", [])), *_rolled_back(registry)]


def entries(registry: Path | None = None) -> list[Entry]:
    """Return all versions, the oldest first; of a version in both registries, one's own. Cards are read, files not.

    A version whose card cannot be read is left out, with a warning in the log.
    """
    first, found = champion(registry), {}
    for root in reversed(_layers(registry)):
        for path in root.glob(f"*/{CARD}"):
            version = path.parent.name
            if not NAME.fullmatch(version):
                continue
            try:
                card = _read_json(path)
            except ModelError as error:
                log.warning("left out: %s", error)
                continue
            found[version] = Entry(version, path.parent, version == first, root == INSTALLED, card)
    return sorted(found.values(), key=lambda e: (str(e.card.get("created", "")), e.version))


def add_release(
    registry: Path,
    version: str,
    card: dict[str, Any],
    weights: Path,
    litert: Path,
    page: Callable[[dict[str, Any]], str] | None = None,
) -> Release:
    """Put a new version into a registry, whole or not at all. Files are copied; their hashes go into the card.

    page: makes the HTML page of the finished card, which is put beside it. Raises ModelError for a version that exists
    already (releases do not change), a name that is not a plain one, or a registry that cannot be written.
    """
    with _writing(registry):
        check_new(registry, version)
        part = Path(tempfile.mkdtemp(prefix=".part-", dir=registry))
        try:
            shutil.copyfile(weights, part / WEIGHTS)
            shutil.copyfile(litert, part / LITERT)
            files = {n: {"sha256": sha256_of(part / n), "bytes": (part / n).stat().st_size} for n in (WEIGHTS, LITERT)}
            whole = {"version": version, **card, "files": files}
            (part / CARD).write_text(json.dumps(whole, indent=1) + "\n", "utf-8")
            if page is not None:
                (part / CARD_PAGE).write_text(page(whole), "utf-8")
            part.chmod(0o755)
            part.rename(registry / version)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
    return load_release(version, registry)


def check_new(registry: Path, version: str) -> None:
    """Raise ModelError where a version of that name cannot be added."""
    if not NAME.fullmatch(version) or version == CHAMPION:
        raise ModelError(f"{version!r} is no name for a version; use lower-case letters, digits, dots and dashes")
    for root in _layers(registry):
        if (root / version).exists():
            raise ModelError(f"{root / version} exists already; releases do not change, choose another version")


def promote(registry: Path, version: str, why: str = "by hand", expected: str | None = None) -> None:
    """Make a version, of this registry or a shipped one, the champion, after verifying it.

    why: kept with it. expected: whose place it takes; ChampionChangedError where another one is the champion. Raises
    ModelError as `load_release` does.
    """
    load_release(version, registry, CLASSES)
    with _writing(registry):
        if expected is not None and (found := champion(registry)) != expected:
            raise ChampionChangedError(
                f"{registry}: the champion is {found}, not {expected}; compare {version} with it"
            )
        now = _champions(registry)
        if now and now["champion"] == version:
            return
        earlier = [*now.get("earlier", []), {k: v for k, v in now.items() if k != "earlier"}] if now else []
        since = datetime.now(UTC).isoformat(timespec="seconds")
        _write_json(registry / CHAMPION_FILE, {"champion": version, "since": since, "why": why, "earlier": earlier})


def roll_back(registry: Path) -> str:
    """Make the champion before the present one the champion again, and return it.

    Where one's own registry has no earlier one, the shipped champion is used again. Raises ModelError where there is
    nothing to go back to.
    """
    with _writing(registry):
        own = _champions(registry)
        earlier = own.get("earlier", []) if own else []
        # Remembered first: whatever comes in between, it is not promoted again by itself.
        if own and earlier:
            back = earlier[-1]
            load_release(back["champion"], registry, CLASSES)
            _remember_rolled_back(registry, own["champion"])
            _write_json(registry / CHAMPION_FILE, {**back, "earlier": earlier[:-1]})
        elif own and not _is_shipped(registry) and (INSTALLED / CHAMPION_FILE).is_file():
            load_release(classes=CLASSES)
            _remember_rolled_back(registry, own["champion"])
            (registry / CHAMPION_FILE).unlink()
        else:
            raise ModelError(f"{registry}: no champion before {champion(registry)}, nothing to roll back to")
    return champion(registry)


def _layers(registry: Path | None) -> list[Path]:
    """Return the registries, the one that is asked first before the other."""
    return [INSTALLED] if registry is None or _is_shipped(registry) else [registry, INSTALLED]


def _is_shipped(registry: Path) -> bool:
    return registry.resolve() == INSTALLED.resolve()


def _folder_of(version: str, registry: Path | None) -> Path:
    layers = _layers(registry)
    return next((root / version for root in layers if (root / version).is_dir()), layers[0] / version)


def _champions(root: Path) -> dict[str, Any] | None:
    """Return champion.json: champion, and, where it was promoted by this code, since, why and the earlier ones.

    None where there is none. It is not looked for before it is read: a rollback may delete it in between.
    """
    try:
        found = _read_json(root / CHAMPION_FILE)
    except NoSuchModelError:
        return None
    if "champion" not in found:
        raise ModelError(f"{root / CHAMPION_FILE} names no champion")
    return found


def _rolled_back(registry: Path) -> list[str]:
    try:
        return list(_read_json(registry / ROLLED_BACK)["versions"])
    except NoSuchModelError:
        return []


def _remember_rolled_back(registry: Path, version: str) -> None:
    _write_json(registry / ROLLED_BACK, {"versions": sorted({*_rolled_back(registry), version})})


def _write_json(path: Path, content: dict[str, Any]) -> None:
    write_whole(path, json.dumps(content, indent=1) + "\n")


@contextmanager
def _writing(registry: Path) -> Iterator[None]:
    """Let one at a time change a registry.

    The lock lies beside it, for the registry may be a folder under git; in it, where nothing can be written beside it,
    as in a volume that is mounted at the root.
    """
    from filelock import FileLock

    try:
        registry.mkdir(parents=True, exist_ok=True)
        lock = FileLock(registry.with_name(f".{registry.name}.lock"))
        try:
            lock.acquire()
        except OSError:
            lock = FileLock(registry / ".lock")
            lock.acquire()
    except OSError as error:
        raise ModelError(f"{registry}: models cannot be written here ({error}); name another folder") from error
    try:
        yield
    finally:
        lock.release()


def sha256_of(path: Path) -> str:
    """Return the hash of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = read_json(path)
    except FileNotFoundError:
        raise NoSuchModelError(f"{path} is missing: no such model") from None
    return content
