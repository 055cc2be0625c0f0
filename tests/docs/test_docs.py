"""The documentation is true: it builds without a warning, its commands are understood, first steps and notebook run."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from emorec.amend import Additions, amend
from emorec.cli import app
from emorec.settings import Settings
from emorec.settings.sidecars import SidecarsSettings
from tests.builders import write_session

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
PAGES = [ROOT / "README.md", ROOT / "PRIVACY.md", *sorted((ROOT / "docs").glob("*.md"))]


def commands_in(page: Path, spoken_of: bool = False) -> list[str]:
    """What a page tells its reader to type, of emorec's commands; or what it speaks of, which need not be whole."""
    text = page.read_text()
    blocks = re.findall(r"```(?:text|bash|sh|console)?\n(.*?)```", text, flags=re.DOTALL)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    spoken = re.findall(r"`((?:\.venv/bin/)?emorec [a-z][^`]*)`", text)
    typed = [line for line in lines if re.match(r"(\.venv/bin/)?emorec ", line)]
    return [command.removeprefix(".venv/bin/") for command in (spoken if spoken_of else typed)]


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    done = subprocess.run(
        [BIN / "mkdocs", "build", "--strict", "--quiet", "--site-dir", tmp_path / "site"],
        cwd=ROOT, capture_output=True, text=True, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    settings = (tmp_path / "site" / "settings.html").read_text()
    for area in Settings.model_fields:
        assert area in settings
    formats = (tmp_path / "site" / "formats.html").read_text()
    assert "calibrated probability that the displayed expression is angry" in formats
    for page in (tmp_path / "site").rglob("*.html"):
        outside = re.findall(r'(?:<script[^>]* src|<link[^>]* href)="(https?://[^"]*)"', page.read_text())
        assert outside == [], page.name


def command_of(text: str) -> tuple[Any, list[str]]:
    """The command that a line means, whose options there are, and the words that it is given."""
    words: list[str] = shlex.split(text.replace("…", "").replace("[", "").replace("]", "").split(" #")[0])[1:]
    current: Any = typer.main.get_command(app)
    while words and getattr(current, "commands", None):
        name = words.pop(0)
        assert name in current.commands, f"there is no command {name}"
        current = current.commands[name]
    known = {option for parameter in current.params for option in (*parameter.opts, *parameter.secondary_opts)}
    assert {word.split("=")[0] for word in words if word.startswith("--")} <= known | {"--help"}
    return current, words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_in_the_docs_is_understood(page: Path) -> None:
    for text in commands_in(page, spoken_of=True):
        command_of(text)
    for text in commands_in(page):
        command, words = command_of(text)
        assert command.make_context("emorec", words) is not None, text


@pytest.fixture
def demo_folder(tmp_path: Path) -> Path:
    """A folder in which `make demo` has run, as far as its session goes."""
    made = write_session(tmp_path / "demo" / "store", participants=2, minutes=5)
    (tmp_path / "t.vtt").write_text("WEBVTT\n\n00:00:02.000 --> 00:00:06.000\nAna: Can you hear me?\n")
    amend(made, Additions(files={"transcript": tmp_path / "t.vtt"}), SidecarsSettings())
    return tmp_path


def test_the_first_steps_do_what_they_say(demo_folder: Path) -> None:
    typed = [line for line in commands_in(ROOT / "docs" / "start.md") if "demo/store" in line]
    assert len(typed) == 5
    for command in typed:
        done = subprocess.run(
            ["bash", "-c", command], cwd=demo_folder, capture_output=True, text=True,
            env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"},
        )  # fmt: skip
        assert done.returncode == 0, (command, done.stderr)
    assert len(list((demo_folder / "first-spreadsheet").glob("*.ods"))) == 1
    (report,) = demo_folder.glob("demo/store/sessions/*/report.html")
    assert "My first session" in report.read_text()


def test_the_notebook_runs(demo_folder: Path) -> None:
    shutil.copy(ROOT / "docs" / "notebook.ipynb", demo_folder)
    # In a process of its own: what its kernel does with sockets and events is no warning of ours.
    code = (
        "import nbformat; from nbclient import NotebookClient; n = nbformat.read('notebook.ipynb', 4);"
        "NotebookClient(n, timeout=300, kernel_name='python3', resources={'metadata': {'path': '.'}}).execute();"
        "nbformat.write(n, 'done.ipynb')"
    )
    env = {**os.environ, "IPYTHONDIR": str(demo_folder / "ipython"), "JUPYTER_PLATFORM_DIRS": "1"}
    done = subprocess.run([sys.executable, "-c", code], cwd=demo_folder, capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr[-2000:]
    cells = (demo_folder / "done.ipynb").read_text()
    assert "attention_after" in cells
    assert '"output_type": "error"' not in cells
