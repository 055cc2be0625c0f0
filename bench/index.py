"""What the index of a store costs: CPU seconds to rebuild it, its size, and how long a browser takes to open it.

    python -m bench.index [--write]

Of stores of synthetic sessions of two kinds (8 people and 20 minutes, 25 people and 50 minutes in privacy mode
aggregate) in seven courses. Rebuilding and opening are CPU seconds of the process itself and of the page's own; the
wall times want an idle machine. ``--write`` adds a dated page to bench/results/.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from bench.pages import new_page
from emorec.app import update_index
from tests.builders import write_session

ROOT: Final = Path(__file__).parents[1]
COUNTS: Final = (1, 12, 100, 1000)
COURSES: Final = 7
FLAGS: Final = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")
KINDS: Final[tuple[dict[str, Any], ...]] = (
    {"participants": 8, "minutes": 20, "rate_hz": 0.5},
    {"participants": 25, "minutes": 50, "rate_hz": 0.5, "mode": "aggregate"},
)


def _fill(store: Path, count: int, kinds: list[Path]) -> None:
    """Copies of the kinds, each a session of its own."""
    for k in range(count):
        session, day = f"{k + 1:016x}", dt.date(2025, 9, 1) + dt.timedelta(days=k // 3)
        folder = store / "sessions" / session
        folder.mkdir(parents=True)
        source = kinds[k % len(kinds)]
        for name in ("group_windows.parquet", "moments.parquet"):
            shutil.copy(source / name, folder / name)
        text = (source / "session.json").read_text("utf-8").replace(source.name, session)
        text = text.replace('"course": "statistics"', f'"course": "course {k % COURSES}"')
        text = text.replace('"date": "2026-11-03"', f'"date": "{day.isoformat()}"')
        (folder / "session.json").write_text(text, "utf-8")
        (folder / "report.html").write_text("", "utf-8")


def _open(page: Path) -> tuple[float, float]:
    """Seconds of wall until every row is laid out, and until a search has been answered, in a browser of its own."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("bench.index wants chromium on the path (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        opened = browser.new_page(viewport={"width": 1280, "height": 900})
        opened.goto(page.as_uri())
        opened.wait_for_selector("html[data-drawn]")
        drawn_s = float(opened.evaluate("performance.now()")) / 1000
        search_ms = opened.evaluate(
            """() => {
                const start = performance.now(), box = document.getElementById("search");
                box.value = "lecture 7";
                box.dispatchEvent(new Event("input"));
                document.body.getBoundingClientRect();
                return performance.now() - start;
            }"""
        )
        browser.close()
    return drawn_s, float(search_ms) / 1000


def _measure() -> list[str]:
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        kinds = [Path(write_session(Path(folder, "kinds"), seed=k, **kind).folder) for k, kind in enumerate(KINDS)]
        update_index(Path(folder, "empty"))  # imports are not the index's
        for count in COUNTS:
            store = Path(folder, str(count))
            _fill(store, count, kinds)
            started = time.process_time()
            page = Path(update_index(store))
            cpu_s = time.process_time() - started
            drawn_s, search_s = _open(page)
            size_kb = page.stat().st_size / 1000
            rows.append(f"| {count:,} | {cpu_s:.2f} | {size_kb:,.0f} | {drawn_s:.2f} | {search_s:.2f} |")
            print(rows[-1], flush=True)
    return rows


def _page(rows: list[str]) -> str:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=ROOT, check=False
    )
    load = os.getloadavg()[0]
    return "\n".join(
        [
            f"# The index of a store, {dt.date.today():%Y-%m-%d}",
            "",
            f"`python -m bench.index` at commit {commit.stdout.strip()}; {os.cpu_count()} cores, Python "
            f"{platform.python_version()}, {platform.system()}; synthetic sessions. Load of the machine at the end: "
            f"{load:.1f}" + (", so that wall times say little." if load > 1.5 else "."),
            "",
            "| sessions | rebuild, CPU s | page, kB | open, wall s | search, wall s |",
            "|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


def main() -> None:
    """Measure, print, and write if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    wanted = parser.parse_args()
    text = _page(_measure())
    print(text)
    if wanted.write:
        file = new_page("index")
        file.write_text(text, encoding="utf-8")
        print(f"written: {file.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
