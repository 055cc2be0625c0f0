"""The command line: what it prints, where, and with which exit code."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import emorec
from tests.commands import EMOREC, Done, run_emorec

COMMANDS = ["analyze", "report", "set", "export", "query", "demo", "assets", "train", "evaluate"]


def test_json_prints_one_line_and_nothing_else(analyzed: Done) -> None:
    assert analyzed.err == ""
    assert analyzed.out.count("\n") == 1
    result = analyzed.result
    assert list(result) == ["session", "folder", "report", "participants", "duration_s", "seconds"]
    assert Path(result["report"]).is_file()


def test_a_broken_recording_is_one_line_and_the_others_are_done(analyzed: Done, demo: Any, tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_text("this is no film")
    store = Path(analyzed.result["folder"]).parents[1]
    done = run_emorec(
        "analyze", broken, demo.recording, tmp_path / "missing.mp4", "--store", store, "--json", "--quiet"
    )
    assert done.code == 1
    assert json.loads(done.out)["session"] == analyzed.result["session"]
    lines = done.err.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("emorec: ") for line in lines)
    assert "broken.mp4" in lines[0]
    assert "missing.mp4" in lines[1]
    assert "Traceback" not in done.err


def test_debug_shows_where_it_failed(tmp_path: Path) -> None:
    done = run_emorec("--debug", "analyze", tmp_path / "missing.mp4", "--store", tmp_path)
    assert done.code == 1
    assert "Traceback" in done.err


@pytest.mark.parametrize("args", [["analyze"], ["analyse", "a.mp4"], ["analyze", "a.mp4", "--fast"]])
def test_wrong_usage_ends_with_2(args: list[str]) -> None:
    assert run_emorec(*args).code == 2


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_an_example(command: str) -> None:
    done = run_emorec(command, "--help")
    assert done.code == 0
    assert f"emorec {command}" in done.out
    assert "Example:" in done.out


def test_a_missing_model_says_which_command_brings_it(demo: Any, tmp_path: Path) -> None:
    done = run_emorec(
        "analyze", demo.recording, "--store", tmp_path / "s", env={"EMOREC_ASSETS": str(tmp_path / "none")}
    )
    assert done.code == 1
    assert "emorec assets" in done.err
    assert str(tmp_path / "none") in done.err


def test_a_wrong_setting_is_one_line(demo: Any, tmp_path: Path) -> None:
    done = run_emorec("analyze", demo.recording, cwd=tmp_path, env={"EMOREC_RECORDING__RATE_HZ": "0"})
    assert done.code == 1
    assert done.err.splitlines() == [done.err.strip()]
    assert "recording.rate_hz" in done.err


def test_emotions_asked_for_by_name_are_read_whatever_the_settings_say(demo: Any, tmp_path: Path) -> None:
    settings = {"EMOREC_PRIVACY__EMOTIONS": "false", "EMOREC_EMOTION__MODEL": "no-such-model"}
    done = run_emorec("analyze", demo.recording, "--emotions", "--store", tmp_path / "s", env=settings)
    assert done.code == 1
    assert "no-such-model" in done.err


def test_ctrl_c_says_that_the_work_is_kept(demo: Any, tmp_path: Path) -> None:
    def let_interrupts_through() -> None:
        # Tests that run in the background of a shell would pass on that they ignore it.
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    running = subprocess.Popen(
        [EMOREC, "analyze", demo.recording, "--store", tmp_path],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=let_interrupts_through,
    )
    try:
        deadline_s = time.monotonic() + 60
        while not list(tmp_path.glob("work/*/")):
            assert running.poll() is None, running.communicate()
            assert time.monotonic() < deadline_s
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)
    finally:
        running.kill()
    assert running.returncode == 130
    assert out == ""
    assert err == "emorec: stopped; the same command goes on where it was\n"
    assert list(tmp_path.glob("work/*/"))


def test_a_report_can_be_rendered_again_from_the_session_alone(analyzed: Done) -> None:
    report = Path(analyzed.result["report"])
    before = report.read_bytes()
    report.unlink()
    done = run_emorec("report", analyzed.result["folder"])
    assert done.code == 0, done.err
    assert done.out.strip() == str(report)
    assert report.read_bytes() == before


def test_a_report_comes_in_the_language_that_is_asked_for(analyzed: Done, demo: Any, tmp_path: Path) -> None:
    store = tmp_path / "store"
    shutil.copytree(Path(analyzed.result["folder"]).parents[1], store)

    spanish = run_emorec("analyze", demo.recording, "--store", store, "--lang", "es", "--json", "--quiet")

    assert spanish.code == 0, spanish.err
    page = Path(spanish.result["report"]).read_text(encoding="utf-8")
    assert '<html lang="es">' in page
    assert "Reporte de involucramiento" in page
    english = run_emorec("report", spanish.result["session"], "--store", store, "--lang", "en")
    assert '<html lang="en">' in Path(english.out.strip()).read_text(encoding="utf-8")


def test_help_takes_less_than_half_a_second_of_cpu() -> None:
    def cpu_s() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    taken = []
    for _ in range(3):
        before = cpu_s()
        subprocess.run([EMOREC, "--help"], check=True, capture_output=True, env={**os.environ})
        taken.append(cpu_s() - before)
    assert min(taken) < 0.5


def test_the_command_line_loads_no_numpy_before_a_command_runs() -> None:
    loaded = "import emorec.cli, sys; sys.exit('numpy' in sys.modules)"
    subprocess.run([sys.executable, "-c", loaded], check=True)


def test_files_beside_a_recording_are_added_later_without_looking_at_it_again(
    analyzed: Done, demo: Any, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    shutil.copytree(Path(analyzed.result["folder"]).parents[1], store)
    recording = shutil.copy(demo.recording, tmp_path / "call.mp4")
    (tmp_path / "call.chat.txt").write_text("00:00:14\t Sam Rivera:\tWhich page is it?\n")
    done = run_emorec("analyze", recording, "--store", store, "--keep-names")
    assert done.code == 0, done.err
    assert "now with its chat" in done.err
    session = emorec.load(done.out.strip())
    assert session.chat.author.tolist() == ["Sam Rivera"]
    assert session.metadata["seconds"] == emorec.load(analyzed.result["folder"]).metadata["seconds"]

    changed = run_emorec(
        "set", session.id, "--store", store, "--title", "Week 7", "--label", "P01=Grace Hopper", "--instructor", "P01"
    )
    assert changed.code == 0, changed.err
    assert Path(changed.out.strip()).is_file()
    again = emorec.load(session.folder)
    assert (again.metadata["title"], again.metadata["instructor"]) == ("Week 7", "P01")
    assert again.participants.label[0] == "Grace Hopper"
    assert len(again.chat) == 1


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["set", "0123456789abcdef"], 2, "say what to change"),
        (["set", "0123456789abcdef", "--label", "P01"], 2, "is no P01=NAME"),
        (["set", "0123456789abcdef", "--remove", "video"], 2, "video is none of"),
        (["set", "0123456789abcdef", "--title", "x"], 1, "no session 0123456789abcdef"),
        (["analyze", "a.mp4", "b.mp4", "--chat", "c.txt"], 2, "belongs to a single recording"),
        (["analyze", "a.mp4", "--chat", "missing.txt"], 1, "missing.txt: there is no such file"),
    ],
)
def test_what_cannot_be_set_is_said(args: list[str], code: int, said: str, tmp_path: Path) -> None:
    done = run_emorec(*args, cwd=tmp_path)
    assert done.code == code, done.err
    assert said in re.sub(r"[│\s]+", " ", done.err)
