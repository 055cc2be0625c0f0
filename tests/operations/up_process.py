"""`emorec up` in a process, and the folder that it runs in."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import psutil
from prefect_processes import END_SECONDS, RUN_SECONDS, START_SECONDS, Prefect, environment, free_port, wait_for

from tests.commands import EMOREC

SETTINGS = """
store = "emorec-store"
[recording]
chunk_s = 5
[operations]
port = {port}
pages_port = {pages}
metrics_port = {metrics}
poll_s = 0.5
settle_s = 1
patience_s = 2
{more}
"""


@dataclass
class Up:
    """A running `emorec up`: ``site`` is its folder."""

    site: Path
    prefect: Prefect
    pages: str
    metrics: str
    process: psutil.Popen

    @property
    def home(self) -> Path:
        return self.site / "emorec-home"

    @property
    def store(self) -> Path:
        return self.site / "emorec-store"

    def folder(self, state: str) -> Path:
        return self.site / "recordings" / state

    def drop(self, recording: Path, name: str) -> None:
        """Put a recording into the inbox as a browser does: under another name first."""
        target = self.folder("inbox") / name
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(target.name + ".part")
        shutil.copyfile(recording, part)
        part.rename(target)

    def outcome(self, name: str) -> tuple[str, str]:
        """``done`` or ``failed``, once a recording is there, and the text beside it."""

        def look() -> tuple[str, str] | None:
            for state in ("done", "failed"):
                note = self.folder(state) / f"{name}.{state}.txt"
                if note.exists():
                    return state, note.read_text()
            return None

        return wait_for(look, RUN_SECONDS, f"what becomes of {name}", self.home / "logs" / "runs.log")

    def child(self, *words: str) -> psutil.Process:
        """The process below it whose command line holds these words."""

        def look() -> psutil.Process | None:
            for process in self.process.children(recursive=True):
                try:
                    line = " ".join(process.cmdline())
                except psutil.Error:
                    continue
                if all(word in line for word in words):
                    return process
            return None

        return wait_for(look, RUN_SECONDS, f"a process with {words}")

    def stop(self) -> int:
        """Ctrl-C, and the exit code."""
        family = self.process.children(recursive=True)
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(2 * END_SECONDS)
        _, left = psutil.wait_procs(family, timeout=END_SECONDS)
        assert not left, left
        return int(code)


def fetch(url: str) -> str:
    with urlopen(url, timeout=30) as answer:
        return str(answer.read().decode())


@contextmanager
def started(
    site: Path, *arguments: str, env: dict[str, str] | None = None, settings: str = "", prefix: Sequence[str] = ()
) -> Iterator[Up]:
    """Start it in a folder, wait until it says where things are, and stop it with all that it started."""
    port, pages, metrics = free_port(), free_port(), free_port()
    config = site / "emorec.toml"
    if not config.exists():
        config.write_text(SETTINGS.format(port=port, pages=pages, metrics=metrics, more=settings))
    found = {
        line.split(" = ")[0]: line.split(" = ")[1] for line in config.read_text().splitlines() if "port = " in line
    }
    api = (env or {}).get("PREFECT_API_URL") or f"http://127.0.0.1:{found['port']}/api"
    clean = environment(site / "emorec-home" / "prefect", api)
    prefect = Prefect(api, dict(clean), site)
    clean.pop("PREFECT_API_URL")
    clean["PREFECT_WORKER_QUERY_SECONDS"] = "1"
    with (site / "up.out").open("wb") as out, (site / "up.err").open("wb") as err:
        process = psutil.Popen(
            [*prefix, EMOREC, "up", *arguments],
            cwd=site,
            env={**clean, **(env or {})},
            stdout=out,
            stderr=err,
            stdin=subprocess.DEVNULL,
        )
        try:
            wait_for(
                lambda: "Ctrl-C" in (site / "up.out").read_text() or process.poll() is not None,
                START_SECONDS,
                "emorec up",
                site / "up.err",
            )
            assert process.poll() is None, (site / "up.err").read_text()
            yield Up(
                site,
                prefect,
                f"http://127.0.0.1:{found['pages_port']}",
                f"http://127.0.0.1:{found['metrics_port']}",
                process,
            )
        finally:
            family = [process, *process.children(recursive=True)] if process.is_running() else []
            if process.poll() is None:
                process.terminate()
            _, left = psutil.wait_procs(family, timeout=END_SECONDS)
            for survivor in left:
                survivor.kill()
            psutil.wait_procs(left, timeout=END_SECONDS)
