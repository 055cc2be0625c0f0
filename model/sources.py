"""Where pictures come from: a folder, links in it followed, or a zip, whatever system packed it."""

from __future__ import annotations

import lzma
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from model.errors import ModelError


@dataclass(frozen=True)
class Source:
    """What is inside a folder or a zip: paths of its files and of its folders, with slashes, and how to read a file.

    Hidden ones and what macOS adds are not in it. read: gives no bytes for a file that is damaged in the zip, or whose
    link leads nowhere; raises ModelError where the zip as a whole cannot be read.
    """

    files: frozenset[str]
    folders: frozenset[str]
    read: Callable[[str], bytes]


def open_source(path: Path) -> Source:
    """Look into a folder or a zip. Raises ModelError where it is neither."""
    if path.is_dir():
        return _open_folder(path)
    if not path.is_file():
        raise ModelError(f"{path}: no such folder or zip")
    try:
        return _open_zip(path, zipfile.ZipFile(path))
    except zipfile.BadZipFile as error:
        raise ModelError(f"{path}: not a folder and not a zip") from error


def _open_folder(root: Path) -> Source:
    def read(name: str) -> bytes:
        try:
            return (root / name).read_bytes()
        except FileNotFoundError:
            return b""

    inside = list(_walk(root, ()))
    return Source(frozenset(n for n, d in inside if not d), frozenset(n for n, d in inside if d), read)


def _walk(folder: Path, above: tuple[Path, ...], before: str = "") -> Iterator[tuple[str, bool]]:
    """Paths below a folder, and which of them are folders. above: the real folders on the way to it.

    People link splits and classes into place instead of copying them; a link back to a folder above is not followed.
    """
    real = folder.resolve()
    if real in above:
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if _is_passed_over(entry.name):
                continue
            name, is_folder = before + entry.name, entry.is_dir()
            yield name, is_folder
            if is_folder:
                yield from _walk(Path(entry.path), (*above, real), name + "/")


def _open_zip(path: Path, archive: zipfile.ZipFile) -> Source:
    # Some programs of Windows put backslashes into a zip.
    members = {m.filename.replace("\\", "/"): m for m in archive.infolist()}
    members = {name: m for name, m in members.items() if not any(map(_is_passed_over, name.split("/")))}

    def read(name: str) -> bytes:
        try:
            return archive.read(members[name])
        except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError):
            return b""
        except OSError as error:
            if error.errno is not None:
                raise
            return b""  # so bz2 says that it is damaged
        except NotImplementedError as error:
            raise ModelError(f"{path}: packed in a way that cannot be read ({error}); pack it anew") from error
        except RuntimeError as error:
            raise ModelError(f"{path}: the zip is encrypted; unpack it, and name the folder") from error

    folders = frozenset(n.rstrip("/") for n in members if n.endswith("/"))
    return Source(frozenset(n for n in members if not n.endswith("/")), folders, read)


def _is_passed_over(name: str) -> bool:
    return name.startswith((".", "__MACOSX"))
