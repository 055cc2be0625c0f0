"""Size of reports and how long a browser takes to open them.

    python -m bench.reports [--times N] [--write]

Of synthetic sessions, each opened from a file, offline, in a new chromium at 1280 × 900. Wants an idle machine for
its wall times; CPU seconds are those of the page's own process. ``--write`` adds a dated page to bench/results/.
"""

from __future__ import annotations

import argparse
import datetime as dt
import gzip
import os
import platform
import shutil
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.pages import new_page
from reports.session import render
from tests.builders import write_session

ROOT: Final = Path(__file__).parents[1]
CASES: Final[dict[str, dict[str, Any]]] = {
    "25 people, an hour": {"participants": 25, "minutes": 60},
    "8 people, 5 minutes": {"participants": 8, "minutes": 5},
    "100 people, 4 hours": {"participants": 100, "minutes": 240, "rate_hz": 0.5},
    "1 person, 20 minutes": {"participants": 1, "minutes": 20},
    "nobody, 5 minutes": {"participants": 0, "minutes": 5},
    "25 people, an hour, aggregate": {"participants": 25, "minutes": 60, "mode": "aggregate"},
}
FLAGS: Final = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")
WATCH: Final = """
window.seen = {};
new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.seen[entry.name] = entry.startTime;
}).observe({ type: "paint", buffered: true });
new MutationObserver(() => {
    if (!window.seen.chart && document.querySelector(".plot .main-svg")) window.seen.chart = performance.now();
    if (!window.seen.drawn && document.documentElement.dataset.drawn) window.seen.drawn = performance.now();
}).observe(document, { subtree: true, childList: true, attributes: true });
"""


@dataclass(frozen=True)
class Opened:
    """Opening one report once: s to the first words, to the first chart, to the last one, and CPU s of the page."""

    words_s: float
    chart_s: float
    drawn_s: float
    cpu_s: float


def _open(browser: Any, file: Path) -> Opened:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True)
    try:
        page = context.new_page()
        page.add_init_script(WATCH)
        page.goto(file.as_uri(), wait_until="commit")
        page.wait_for_selector("html[data-drawn]", timeout=300_000)
        page.wait_for_timeout(200)
        seen = page.evaluate("window.seen")
        cpu_s = _page_cpu_s()
    finally:
        context.close()
    drawn_ms = seen["drawn"]
    return Opened(
        seen.get("first-contentful-paint", drawn_ms) / 1000, seen.get("chart", drawn_ms) / 1000, drawn_ms / 1000, cpu_s
    )


def _page_cpu_s() -> float:
    """CPU seconds of the one page that is open: of the newest process that renders."""
    import psutil

    newest = (0.0, 0.0)
    for process in psutil.Process().children(recursive=True):
        try:
            if "--type=renderer" in process.cmdline():
                times = process.cpu_times()
                newest = max(newest, (times.user + times.system, process.create_time()))
        except psutil.Error:
            continue
    return newest[0]


def _measure(times: int) -> list[str]:
    """A row of the table for each case."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("bench.reports wants chromium on the path (Debian: apt-get install chromium)")
    rows = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        for name, wanted in CASES.items():
            session = write_session(Path(folder) / "store", **wanted)
            started = time.process_time()
            html = render(session).encode()
            render_s = time.process_time() - started
            file = Path(folder) / "report.html"
            file.write_bytes(html)
            opened = []
            for _ in range(times):
                # A browser of its own each time: nothing of Plotly is compiled yet.
                browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
                opened.append(_open(browser, file))
                browser.close()
            middle = [statistics.median(values) for values in zip(*(vars(o).values() for o in opened), strict=True)]
            sizes = f"{len(html) / 1e6:.2f} | {len(gzip.compress(html)) / 1e6:.2f}"
            rows.append(
                f"| {name} | {sizes} | {render_s:.2f} | " + " | ".join(f"{value:.1f}" for value in middle) + " |"
            )
            print(rows[-1], flush=True)
    return rows


def _page(rows: list[str], times: int) -> str:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=ROOT, check=False
    )
    load = os.getloadavg()[0]
    return "\n".join(
        [
            f"# Reports: size and opening, {dt.date.today():%Y-%m-%d}",
            "",
            f"`python -m bench.reports --times {times}` at commit {commit.stdout.strip()}; {os.cpu_count()} cores, "
            f"Python {platform.python_version()}, {platform.system()}; medians of {times}, synthetic sessions, "
            f"each in a new browser. Load of the machine at the end: {load:.1f}"
            + (", so that wall times say little: read the CPU seconds." if load > 1.5 else "."),
            "",
            "| session | MB | MB gzipped | render CPU s | words s | first chart s | all charts s | browser CPU s |",
            "|---|---|---|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


def main() -> None:
    """Measure, print, and write if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--write", action="store_true")
    wanted = parser.parse_args()
    text = _page(_measure(wanted.times), wanted.times)
    print(text)
    if wanted.write:
        file = new_page("reports")
        file.write_text(text, encoding="utf-8")
        print(f"written: {file.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
