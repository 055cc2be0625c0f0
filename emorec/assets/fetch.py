"""Brings pinned packages through pip, as pip is set up on this machine, and takes single files out of them."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import IO

from emorec.assets.pins import Member, Package
from emorec.errors import AssetError

__all__ = ["download", "extract", "sha256_of"]

_BLOCK_BYTES = 1 << 20


def sha256_of(path: Path) -> str:
    """Sha256 of a file's content, as hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def download(package: Package, folder: Path) -> Path:
    """The package's archive, brought into ``folder`` by ``pip download``.

    pip checks the hash before it opens the archive (a source package's setup is run to learn its name and version),
    and it is checked here once more.

    Raises:
        AssetError: pip could not bring it, or it is not the pinned file.
    """
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{package.requirement} --hash=sha256:{package.sha256}\n")
    # The version is exact and nothing else is installed, so a constraint can only be in the way: the environment that
    # emorec runs in holds mediapipe to a newer version.
    constraints = folder / "constraints.txt"
    constraints.touch()
    target = folder / package.requirement.partition("==")[0]
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes", "--quiet"]
    command += ["--disable-pip-version-check", "--no-input", *package.pip_options]
    command += ["--dest", str(target), "--requirement", str(requirements)]
    environment = {**os.environ, "PIP_CONSTRAINT": str(constraints)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)  # noqa: S603
    found = sorted(target.iterdir()) if target.is_dir() else []
    if done.returncode != 0 or len(found) != 1:
        raise AssetError(f"pip could not download {package.requirement}: {_reason(done.stderr)}")
    if sha256_of(found[0]) != package.sha256:
        raise AssetError(f"{package.requirement} as downloaded by pip is not the pinned file (sha256 differs)")
    return found[0]


def extract(member: Member, archive: Path, target: Path) -> None:
    """Writes one file of a wheel or a source archive to ``target``, which appears whole or not at all.

    Raises:
        AssetError: it is not in the archive, or is not the pinned file.
    """
    partial = target.with_name(target.name + ".part")
    digest = hashlib.sha256()
    try:
        with _open_member(member, archive) as source, partial.open("wb") as out:
            while block := source.read(_BLOCK_BYTES):
                digest.update(block)
                out.write(block)
    except (KeyError, OSError, tarfile.TarError, zipfile.BadZipFile) as error:
        partial.unlink(missing_ok=True)
        raise AssetError(f"{member.path} cannot be taken out of {member.package.requirement}: {error}") from error
    if digest.hexdigest() != member.sha256:
        partial.unlink()
        raise AssetError(f"{member.path} in {member.package.requirement} is not the pinned file (sha256 differs)")
    partial.replace(target)


def _open_member(member: Member, archive: Path) -> IO[bytes]:
    """The member, opened for reading; in a source archive it lies below a folder with the package's name."""
    if zipfile.is_zipfile(archive):
        return zipfile.ZipFile(archive).open(member.path)
    tar = tarfile.open(archive)  # noqa: SIM115
    for info in tar:
        if info.name.partition("/")[2] == member.path and (file := tar.extractfile(info)):
            return file
    raise KeyError(member.path)


def _reason(stderr: str) -> str:
    """The line of pip's complaints that says most."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return (errors or lines or ["it gave no reason"])[0]
