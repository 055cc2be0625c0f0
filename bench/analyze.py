"""Speed and memory of ``emorec analyze``, as ratios: to real time, to decoding alone, of long to short recordings.

    python -m bench.analyze [RECORDING…] [--device cpu|gpu] [--quick] [--hours H] [--write]

Without recordings: meetings of 1, 9, 25 and 49 people, composed anew, and the real and composed recordings of the
corpus where it is (../shared/corpus or EMOREC_CORPUS). Then: a long recording against a short one, the grid of chunks
against one pass, chunks in threads and in processes, workers on cores of their own, and each optimisation off against
on. Each figure of a whole analysis is of processes of its own, started anew, without a warm-up. Wants an otherwise idle
machine. ``--write`` adds a dated page to bench/results/; what is there stays.
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib.metadata
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench import optimisations
from bench.meetings import CORPUS, Meeting, compose
from bench.pages import new_page
from bench.processes import Done, allowed_cores, machine, run

ROOT = Path(__file__).parents[1]
EMOREC = Path(sys.executable).with_name("emorec")
MEETINGS = (
    Meeting(1, (1280, 720), 120),
    Meeting(9, (1280, 720), 60),
    Meeting(25, (1920, 1080), 60),
    Meeting(49, (1920, 1080), 40),
    # The others grow in people and resolution at once: this one tells what the resolution costs.
    Meeting(1, (1920, 1080), 60),
)
QUICK = (Meeting(1, (1280, 720), 30), Meeting(9, (1280, 720), 20))
SHORT_S, LONG_S = 600, 2400
"""Lengths of the recordings whose memory is compared; ``--hours`` makes the longer one longer."""
VERSIONS = ("ai-edge-litert", "av", "numpy", "opencv-contrib-python", "pyarrow", "tensorflow")
# Decodes every picture and does nothing else, in one thread as emorec does: the floor of any analysis.
DECODE = """
import sys, av
with av.open(sys.argv[1]) as file:
    stream = file.streams.video[0]
    stream.thread_count = 1
    for frame in file.decode(stream):
        pass
"""


@dataclass(frozen=True)
class Figures:
    """What one analysis took; ``decode``: decoding alone, in the same run."""

    name: str
    duration_s: float
    participants: int
    done: Done
    decode: Done
    stages: dict[str, dict[str, float]]

    @property
    def speed(self) -> float:
        """Times real time, start-up and report included."""
        return self.duration_s / self.done.wall_s


def main() -> int:
    """Measure, print, and write on request."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recordings", nargs="*", type=Path)
    parser.add_argument("--device", choices=["cpu", "gpu"], default="cpu")
    parser.add_argument("--quick", action="store_true", help="two short meetings and nothing else: does it all work?")
    parser.add_argument("--hours", type=float, default=LONG_S / 3600, help="length of the memory test's long recording")
    parser.add_argument("--write", action="store_true", help="add a dated page to bench/results/")
    args = parser.parse_args()
    os.environ["EMOREC_EMOTION__DEVICE"] = args.device
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        lines = head(args.device, sys.argv[1:])
        recordings = args.recordings or default_recordings(work, args.quick)
        figures = [measured(recording, work) for recording in recordings]
        lines += speed_table(figures) + stage_table(figures)
        if not args.quick and not args.recordings:
            lines += memory_lines(recordings[0], args.hours * 3600, work)
            if args.device == "cpu":
                lines += worker_lines(recordings[1], work)
            lines += optimisations.lines(compose(Meeting(25, (1920, 1080), 24, seed=2, still=5), work))
        lines += ["", f"All of this took {time.perf_counter() - started:.0f} s."]
    page = "\n".join(lines) + "\n"
    print(page)
    if args.write:
        path = new_page(f"analyze-{args.device}")
        path.write_text(page)
        print(f"written to {path.relative_to(ROOT)}", file=sys.stderr)
    return 0


def default_recordings(work: Path, quick: bool) -> list[Path]:
    """Composed meetings, then the corpus' recordings where they are."""
    if quick:
        return [compose(meeting, work) for meeting in QUICK]
    return [*(compose(meeting, work) for meeting in MEETINGS), *sorted((CORPUS / "recordings").glob("*.mp4"))]


def measured(recording: Path, work: Path) -> Figures:
    """Decode alone, analyse from the command line, decode again: a shared machine's speed wanders."""
    print(f"bench: {recording.name}", file=sys.stderr)
    before = run([sys.executable, "-c", DECODE, str(recording)])
    done, session = analysed([recording], work)
    after = run([sys.executable, "-c", DECODE, str(recording)])
    decode = replace(before, wall_s=(before.wall_s + after.wall_s) / 2, cpu_s=(before.cpu_s + after.cpu_s) / 2)
    return Figures(
        recording.name,
        session["recording"]["duration_s"],
        session["counts"]["participants"],
        done,
        decode,
        session["stages"],
    )


def analysed(
    recordings: Sequence[Path], work: Path, *options: str, cores: Sequence[int] | None = None
) -> tuple[Done, dict[str, Any]]:
    """Run ``emorec analyze``; what that took, and the last session's metadata."""
    with tempfile.TemporaryDirectory(dir=work) as store:
        command = [str(EMOREC), "analyze", *map(str, recordings), "--store", store, "--json", "--quiet", *options]
        done = run(command, cores)
        folder = json.loads(done.output.splitlines()[-1])["folder"]
        return done, json.loads((Path(folder) / "session.json").read_text())


def looped(recording: Path, seconds: float, work: Path) -> Path:
    """The same recording over and over in one file of that length, without encoding it again."""
    import av

    path = work / f"{recording.stem}-for-{seconds:.0f}s.mp4"
    with av.open(str(recording)) as file, av.open(str(path), "w") as out:
        stream = file.streams.video[0]
        packets = [packet for packet in file.demux(stream) if packet.dts is not None]
        target = out.add_stream_from_template(stream)
        assert stream.time_base is not None
        length = max((p.pts or 0) + (p.duration or 0) for p in packets)
        for turn in range(int(seconds / float(length * stream.time_base))):
            file.seek(0)
            for packet in file.demux(stream):
                if packet.dts is None or packet.pts is None:
                    continue
                packet.pts, packet.dts, packet.stream = packet.pts + turn * length, packet.dts + turn * length, target
                out.mux(packet)
    return path


def memory_lines(recording: Path, long_s: float, work: Path) -> list[str]:
    """A long recording against a short one of the same, and of the short one the grid of chunks and runners."""
    print("bench: memory", file=sys.stderr)
    minutes = looped(recording, SHORT_S, work)
    short, _ = analysed([minutes], work)
    long, _ = analysed([looped(recording, long_s, work)], work)
    os.environ["EMOREC_RECORDING__CHUNK_S"] = str(SHORT_S)
    try:
        one_pass, _ = analysed([minutes], work)
    finally:
        del os.environ["EMOREC_RECORDING__CHUNK_S"]
    runs = [
        (f"{SHORT_S / 60:.0f} min", SHORT_S, short),
        (f"{long_s / 60:.0f} min", long_s, long),
        (f"{SHORT_S / 60:.0f} min, one chunk", SHORT_S, one_pass),
    ]
    # A GPU takes one worker.
    for runner in () if os.environ.get("EMOREC_EMOTION__DEVICE") == "gpu" else ("threads", "processes"):
        done, _ = analysed([minutes], work, "--runner", runner, "--workers", "2")
        runs.append((f"{SHORT_S / 60:.0f} min, --runner {runner} --workers 2", SHORT_S, done))
    rows = [
        f"| {name} | {seconds / done.wall_s:.1f} | {done.cpu_s / seconds * 60:.2f} | {done.peak_mb:.0f} |"
        for name, seconds, done in runs
    ]
    return [
        "",
        "## Length",
        "",
        "| the first recording, looped | speed | CPU s per minute | peak MB, all processes |",
        "|---|---|---|---|",
        *rows,
        "",
        f"Peak of {long_s / SHORT_S:.0f} times the length: {long.peak_mb / short.peak_mb:.2f} times. "
        f"Chunks of two minutes against one pass: {100 * (short.cpu_s / one_pass.cpu_s - 1):+.1f} % CPU, "
        f"{100 * (short.wall_s / one_pass.wall_s - 1):+.1f} % wall.",
    ]


def worker_lines(recording: Path, work: Path) -> list[str]:
    """A list of recordings by one worker on one core and by two on two; and where there are more cores, one on each."""
    cores = allowed_cores()
    lines = ["", "## Workers", ""]
    if len(cores) < 2:
        return [*lines, "Not measured: there is one core."]
    print("bench: workers", file=sys.stderr)
    # Not the same recording twice: that would be analysed once.
    minutes = (1, 2, 3, 4)
    parts = [looped(recording, 60 * each, work) for each in minutes]
    one, _ = analysed(parts, work, cores=cores[:1])
    with tempfile.TemporaryDirectory(dir=work) as store:
        two_s = together([(cores[0], parts[1:3], store), (cores[1], [parts[0], parts[3]], store)])
    lines.append(
        f"Four recordings of 9 people, {sum(minutes)} min in all: one worker on one core {one.wall_s:.1f} s, two "
        f"workers on a core each {two_s:.1f} s: **{one.wall_s / two_s:.2f} times** as fast."
    )
    if len(cores) > 2:
        alone, _ = analysed(parts[1:3], work, cores=cores[:1])
        with tempfile.TemporaryDirectory(dir=work) as stores:
            all_s = together([(core, parts[1:3], f"{stores}/{core}") for core in cores])
        lines.append(
            f"One worker on each of {len(cores)} cores, each with two of these recordings: {all_s:.1f} s, one worker "
            f"alone {alone.wall_s:.1f} s: **{len(cores) * alone.wall_s / all_s:.1f} times** as fast as one."
        )
    return lines


def together(shares: Sequence[tuple[int, Sequence[Path], str]]) -> float:
    """Analyse at the same time: each worker on a core, its recordings into a store. Wall seconds until all are done.

    Raises:
        SystemExit: one of them failed.
    """
    started = time.perf_counter()
    workers = [
        subprocess.Popen(
            ["taskset", "-c", str(core), str(EMOREC), "analyze", *map(str, share), "--store", store, "--quiet"],
            stdout=subprocess.DEVNULL,
        )
        for core, share, store in shares
    ]
    codes = [worker.wait() for worker in workers]
    if any(codes):
        raise SystemExit(f"bench: workers ended with {codes}")
    return time.perf_counter() - started


def head(device: str, arguments: Sequence[str]) -> list[str]:
    """What was measured, on what, with which versions."""
    described = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, cwd=ROOT)
    commit = described.stdout.strip() or "unknown"
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in VERSIONS)
    help_s = statistics.median(run([str(EMOREC), "--help"]).wall_s for _ in range(5))
    return [
        f"# emorec analyze on {'a GPU' if device == 'gpu' else 'a CPU'}, {dt.date.today().isoformat()}",
        "",
        f"`python -m bench.analyze {' '.join(arguments)}` at commit {commit}; {machine(device)}; {versions}. "
        f"`emorec --help`: {help_s:.2f} s.",
    ]


def speed_table(figures: Sequence[Figures]) -> list[str]:
    """A row per recording."""
    lines = [
        "",
        "## Speed",
        "",
        "Whole runs of the command line: start-up, analysis, report. Decoding: every picture, by PyAV in one "
        "thread, the mean of once before and once after.",
        "",
        "| recording | s | people | **times real time** | wall s | CPU s | **wall over decoding** | CPU over decoding "
        "| samples per s | faces per s | peak MB |",
        "|---" * 11 + "|",
    ]
    for f in figures:
        seen = f.stages["observe"]
        lines.append(
            f"| {f.name} | {f.duration_s:.0f} | {f.participants} | {f.speed:.1f} | {f.done.wall_s:.1f} "
            f"| {f.done.cpu_s:.1f} | {f.done.wall_s / f.decode.wall_s:.2f} | {f.done.cpu_s / f.decode.cpu_s:.2f} "
            f"| {seen['samples'] / f.done.wall_s:.1f} | {seen['faces'] / f.done.wall_s:.0f} | {f.done.peak_mb:.0f} |"
        )
    return lines


def stage_table(figures: Sequence[Figures]) -> list[str]:
    """CPU and wall seconds by stage per minute of recording; threads overlap, so the wall seconds do not add up."""
    names = list(dict.fromkeys(name for f in figures for name in f.stages))
    lines = [
        "",
        "## Stages",
        "",
        "CPU seconds / wall seconds per minute of recording. Stages overlap: wall seconds do not add up.",
        "",
        "| recording | " + " | ".join(names) + " |",
        "|---" * (len(names) + 1) + "|",
    ]
    for f in figures:
        per = 60 / f.duration_s
        stages = [f.stages.get(name, {}) for name in names]
        cells = [f"{s.get('cpu_s', 0) * per:.2f} / {s.get('wall_s', 0) * per:.2f}" for s in stages]
        lines.append(f"| {f.name} | " + " | ".join(cells) + " |")
    return lines


if __name__ == "__main__":
    sys.exit(main())
