"""Dated pages of bench/results/: where a new one goes, and what the tables of one say."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

__all__ = ["RESULTS", "latest_page", "new_page", "table"]

RESULTS = Path(__file__).parent / "results"


def new_page(name: str, folder: Path = RESULTS) -> Path:
    """Where a page of today goes: ``DATE-NAME.md``, or ``DATE-NAME-2.md`` and on.

    A page that is there stays as it is: what was measured by hand may have been added to it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{dt.date.today().isoformat()}-{name}"
    path, number = folder / f"{stem}.md", 1
    while path.exists():
        number += 1
        path = folder / f"{stem}-{number}.md"
    return path


def latest_page(name: str, folder: Path = RESULTS) -> Path:
    """The page of that name that was written last, by its date and number.

    Raises:
        FileNotFoundError: there is none.
    """
    dated = {
        path: re.fullmatch(rf"(\d{{4}}-\d\d-\d\d)-{re.escape(name)}(?:-(\d+))?\.md", path.name)
        for path in folder.iterdir()
    }
    pages = [(match[1], int(match[2] or 1), path) for path, match in dated.items() if match]
    if not pages:
        raise FileNotFoundError(f"no page {name} in {folder}")
    return max(pages)[2]


def table(page: str, heading: str) -> list[dict[str, str]]:
    """The first table under a heading of a page: each row's cells by column, without emphasis.

    Raises:
        ValueError: the page has no such heading, or no table under it.
    """
    _, found, rest = page.partition(f"\n## {heading}\n")
    lines = [line for line in rest.partition("\n## ")[0].splitlines() if line.startswith("|")]
    if not found or len(lines) < 3:
        raise ValueError(f"no table under “{heading}”")
    names, _, *rows = (
        [cell.strip().strip("*") for cell in line.strip().removeprefix("|").removesuffix("|").split("|")]
        for line in lines
    )
    return [dict(zip(names, row, strict=True)) for row in rows]
