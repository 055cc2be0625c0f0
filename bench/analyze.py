"""Speed and memory of ``emorec analyze``, as ratios: to real time, to decoding alone, and of long to short recordings.

    python -m bench.analyze [RECORDING…] [--device cpu|gpu] [--times N] [--write]

Without recordings: the demo and, where the corpus is (../shared/corpus or EMOREC_CORPUS), its galleries. Each figure is
of a process of its own, started anew. Wants the ffmpeg program, on an otherwise idle machine. ``--write`` adds a dated
page to bench/results/.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
CORPUS = Path(os.environ.get("EMOREC_CORPUS", ROOT.parent / "shared" / "corpus"))
EMOREC = Path(sys.executable).with_name("emorec")
# Runs one analysis and says when the first sample had been processed, counted from the start of the process.
FIRST_SAMPLE = """
import json, psutil, sys, time
from pathlib import Path
from emorec import app
from emorec.settings import Settings
start, first = psutil.Process().create_time(), []
def progress(step):
    if step.samples and not first:
        first.append(time.time() - start)
app.analyze(Path(sys.argv[1]), settings=Settings.load(), store=sys.argv[2], progress=progress)
print(json.dumps(first[0]))
"""


@dataclass(frozen=True)
class Figures:
    """What one analysis took; ``first_s``: from the start of the process to the first processed sample."""

    name: str
    duration_s: float
    participants: int
    wall_s: float
    cpu_s: float
    first_s: float
    decode_wall_s: float
    decode_cpu_s: float
    peak_mb: float
    stages: dict[str, dict[str, float]]

    @property
    def speed(self) -> float:
        """Times real time, start-up apart."""
        return self.duration_s / (self.wall_s - self.first_s)


def main() -> int:
    """Measure, print, and write on request."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recordings", nargs="*", type=Path)
    parser.add_argument("--device", choices=["cpu", "gpu"], default="cpu")
    parser.add_argument("--times", type=int, default=5, help="how much longer the long recording of the memory test is")
    parser.add_argument("--write", action="store_true", help="add a dated page to bench/results/")
    args = parser.parse_args()
    if shutil.which("ffmpeg") is None:
        print("bench: the ffmpeg program is needed (apt-get install ffmpeg)", file=sys.stderr)
        return 2
    os.environ["EMOREC_EMOTION__DEVICE"] = args.device
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        recordings = args.recordings or default_recordings(work)
        figures = [measure(recording, work) for recording in recordings]
        long = looped(recordings[-1], args.times, work)
        page = render(figures, measure(long, work), args.times, help_seconds(), args.device)
    print(page)
    if args.write:
        path = ROOT / "bench" / "results" / f"{dt.date.today().isoformat()}-analyze-{args.device}.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text(page)
        print(f"written to {path.relative_to(ROOT)}", file=sys.stderr)
    return 0


def default_recordings(work: Path) -> list[Path]:
    """The demo, and the corpus' galleries where they are."""
    from emorec import demo

    galleries = [CORPUS / "recordings" / name for name in ("gallery-9.mp4", "gallery-25.mp4")]
    return [demo.compose(work / "demo").recording, *(path for path in galleries if path.exists())]


def measure(recording: Path, work: Path) -> Figures:
    """Decode alone, analyse from the command line, and once more for the time of the first sample."""
    with tempfile.TemporaryDirectory(dir=work) as store:
        done = _run([str(EMOREC), "analyze", str(recording), "--store", store, "--json", "--quiet"])
        result = json.loads(done.output)
        session = json.loads((Path(result["folder"]) / "session.json").read_text())
    with tempfile.TemporaryDirectory(dir=work) as store:
        first = float(_run([sys.executable, "-c", FIRST_SAMPLE, str(recording), store]).output)
    decode = _run(["ffmpeg", "-loglevel", "error", "-i", str(recording), "-an", "-f", "null", "-"])
    return Figures(
        recording.name,
        result["duration_s"],
        result["participants"],
        done.wall_s,
        done.cpu_s,
        first,
        decode.wall_s,
        decode.cpu_s,
        session["peak_memory_mb"],
        session["stages"],
    )


def looped(recording: Path, times: int, work: Path) -> Path:
    """The same recording several times over, in one file, without encoding it again."""
    path = work / f"{recording.stem}-x{times}{recording.suffix}"
    command = [
        "ffmpeg",
        "-loglevel",
        "error",
        "-stream_loop",
        str(times - 1),
        "-i",
        str(recording),
        "-c",
        "copy",
        str(path),
    ]
    subprocess.run(command, check=True)
    return path


def help_seconds() -> float:
    """Median wall seconds of ``emorec --help``."""
    return statistics.median(_run([str(EMOREC), "--help"]).wall_s for _ in range(7))


def render(figures: list[Figures], long: Figures, times: int, help_s: float, device: str) -> str:
    """The page: what was measured, on what, and the figures."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=ROOT
    ).stdout.strip()
    lines = [
        f"# emorec analyze on {'a GPU' if device == 'gpu' else 'a CPU'}, {dt.date.today().isoformat()}",
        "",
        f"`python -m bench.analyze --device {device}` at commit {commit}; {_machine()}.",
        "",
        "| recording | s | people | times real time | wall s | CPU s | first sample s | wall over decoding | peak MB |",
        "|---|---|---|---|---|---|---|---|---|",
        *(_row(f) for f in [*figures, long]),
        "",
        f"Times real time leaves out the time to the first sample. `emorec --help`: {help_s:.2f} s. "
        f"Peak memory of a recording {times} times as long: {long.peak_mb / figures[-1].peak_mb:.2f} times.",
        "",
        "CPU seconds by stage per minute of recording:",
        "",
        "| recording | " + " | ".join(figures[-1].stages) + " |",
        "|---" * (len(figures[-1].stages) + 1) + "|",
        *(_stages(f, list(figures[-1].stages)) for f in figures),
    ]
    return "\n".join(lines) + "\n"


def _row(f: Figures) -> str:
    return (
        f"| {f.name} | {f.duration_s:.0f} | {f.participants} | {f.speed:.1f} | {f.wall_s:.1f} | {f.cpu_s:.1f} "
        f"| {f.first_s:.1f} | {f.wall_s / f.decode_wall_s:.1f} | {f.peak_mb:.0f} |"
    )


def _stages(f: Figures, names: list[str]) -> str:
    cells = (f"{f.stages.get(name, {}).get('cpu_s', 0) / f.duration_s * 60:.2f}" for name in names)
    return f"| {f.name} | " + " | ".join(cells) + " |"


@dataclass(frozen=True)
class _Done:
    output: str
    wall_s: float
    cpu_s: float


def _run(command: list[str]) -> _Done:
    """Run to the end; the operating system's own account of the process."""
    started = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdout=output)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"bench: {' '.join(command)} ended with {process.returncode}")
        wall_s = time.perf_counter() - started
        output.seek(0)
        text = output.read().decode()
    return _Done(text, wall_s, usage.ru_utime + usage.ru_stime)


def _machine() -> str:
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.processor(),
    )
    return f"{os.cpu_count()} cores of {model}, Python {platform.python_version()}, {platform.system()}"


if __name__ == "__main__":
    sys.exit(main())
