"""A page as paper or picture, by an installed Chromium, Chrome or Edge: headless and without network."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from emorec.errors import AssetError

__all__ = ["find", "pdf", "png"]

NAMES: Final = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "msedge",
)
PLACES: Final = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
)
"""Where macOS keeps what is on nobody's path."""
TIMEOUT_S: Final = 180
FLAGS: Final = (
    "--headless",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--hide-scrollbars",
    "--virtual-time-budget=30000",
    "--no-first-run",
    "--no-default-browser-check",
    "--no-proxy-server",
    # The page forbids the network by its policy; the browser's own services find nobody, either.
    "--host-resolver-rules=MAP * ~NOTFOUND",
)


def find() -> str:
    """The browser to use.

    Raises:
        AssetError: none is installed.
    """
    for name in NAMES:
        if path := shutil.which(name):
            return path
    for path in PLACES:
        if Path(path).is_file():
            return path
    raise AssetError(
        "no browser was found to print with: install Chromium or Chrome (Debian: apt-get install chromium), "
        "or open the HTML report in a browser and print it there"
    )


def pdf(html: str) -> bytes:
    """A page on paper.

    Raises:
        AssetError: no browser is installed, or it cannot print.
    """
    return _made(html, "page.pdf", lambda file: ["--no-pdf-header-footer", f"--print-to-pdf={file}"])


def png(html: str, width_px: int, height_px: int) -> bytes:
    """A page as a picture of so many pixels, what is below cut off.

    Raises:
        AssetError: as :func:`pdf`.
    """
    size = f"--window-size={width_px},{height_px}"
    return _made(html, "page.png", lambda file: [size, "--force-device-scale-factor=1", f"--screenshot={file}"])


def _made(html: str, name: str, options: Callable[[Path], Sequence[str]]) -> bytes:
    browser = find()
    # mkdtemp's folder is its owner's alone, as is a session.
    with tempfile.TemporaryDirectory(prefix="emorec-", ignore_cleanup_errors=True) as folder:
        page, made = Path(folder, "page.html"), Path(folder, name)
        page.write_text(html, encoding="utf-8")
        # Chromium's sandbox refuses to run as root; what it opens is our own page.
        root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        profile = f"--user-data-dir={Path(folder, 'profile')}"
        command = [browser, *FLAGS, *root, profile, *options(made), page.as_uri()]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)  # noqa: S603
        except (OSError, subprocess.TimeoutExpired) as error:
            raise AssetError(f"{browser} could not print the page: {error}") from error
        if not made.is_file():
            last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise AssetError(f"{browser} could not print the page: {last}")
        return made.read_bytes()
