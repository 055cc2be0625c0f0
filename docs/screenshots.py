"""The README's pictures, made from the demo session: ``make screenshots``.

The report's charts, the index of the store and the summary for a chat; whose faces the demo has is not to be seen.
Each is a PNG of under 150 kB, which this script sees to.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Final

from emorec.store import Store
from reports import browser, picture
from reports.entries import entries_of
from reports.index import render as index_page
from reports.session import render as report_page
from reports.words import words_in

FOLDER: Final = Path(__file__).parent / "images"
LARGEST_BYTES: Final = 150_000
COLORS: Final = 96


def _with_few_colors(png: bytes) -> bytes:
    """The same picture with a palette: pages have few colours, and so a third of the bytes."""
    from PIL import Image

    small = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").quantize(COLORS).save(small, "PNG", optimize=True)
    return small.getvalue()


def main(store: str) -> None:
    """Make the pictures of the one session in a store."""
    opened = Store(store)
    session = next(opened.sessions(), None)
    if session is None:
        raise SystemExit(f"no session in {store}; `emorec demo` makes one")
    entries, _ = entries_of(opened)
    pages = {
        "report": (report_page(session), 1280, 1500),
        "index": (index_page(entries, words_in("en")), 1280, 520),
        "summary": (picture.render(session), *picture.SIZE_PX),
    }
    FOLDER.mkdir(exist_ok=True)
    for name, (html, width_px, height_px) in pages.items():
        content = _with_few_colors(browser.png(html, width_px, height_px))
        if len(content) > LARGEST_BYTES:
            raise SystemExit(f"{name}.png would have {len(content) // 1000} kB, more than {LARGEST_BYTES // 1000}")
        (FOLDER / f"{name}.png").write_bytes(content)
        sys.stdout.write(f"{FOLDER / name}.png: {len(content) // 1000} kB\n")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "demo/store")
