"""The wheel works outside the checkout: code, weights, templates and deployment are in it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    # From a copy, so that the build leaves nothing in this checkout and takes nothing from an earlier one.
    source = folder / "source"
    for name in ("emorec", "flows", "reports", "model"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, source / name)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel alone; what it depends on is seen from here, this checkout's emorec is not."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=False)
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python")]
    subprocess.run([*pip, "install", "--quiet", "--no-deps", str(wheel)], check=True, capture_output=True)
    site = next(folder.glob("lib/python*/site-packages"))
    (site / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return folder / "bin"


def test_the_wheel_holds_all_that_is_needed_to_run(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for suffix in (
        ".tflite",
        ".weights.h5",
        "templates/session.html",
        ".css",
        "prefect.yaml",
        "licenses/NOTICE",
        "py.typed",
    ):
        assert any(name.endswith(suffix) for name in names), f"no {suffix} in the wheel"
    assert not any(name.startswith(("tests/", "bench/")) for name in names)


def test_an_installed_wheel_analyses_the_demo(installed: Path, demo: Any, tmp_path: Path) -> None:
    where = subprocess.run(
        [installed / "python", "-c", "import emorec; print(emorec.__file__)"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert str(installed.parent) in where
    done = subprocess.run(
        [installed / "emorec", "analyze", str(demo.recording), "--json", "--quiet"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert Path(result["report"]).is_file()
    assert Path(result["folder"]).is_relative_to(tmp_path / "emorec-store")
