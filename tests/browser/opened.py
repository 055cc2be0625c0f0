"""A report opened in a browser, and what is to be seen there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page

__all__ = ["Opened"]

_DRAWN = """() => [...document.querySelectorAll(".plot")].map((plot) => ({
    name: plot.dataset.figure || "card",
    marks: plot.querySelectorAll(".trace .point, .scatterlayer .trace path, .heatmaplayer image").length,
    width: Math.max(0, ...[...plot.querySelectorAll("svg.main-svg")].map((svg) => svg.getBoundingClientRect().width)),
    room: plot.clientWidth,
}))"""


class Opened:
    """Opens HTML from a file; ``requests`` and ``complaints`` gather over all pages."""

    def __init__(self, browser: Browser, folder: Path) -> None:
        self._browser, self._folder = browser, folder
        self._contexts: list[BrowserContext] = []
        self.requests: list[str] = []
        self.complaints: list[str] = []

    def __call__(self, html: str, *, width: int = 1280, dark: bool = False, scripts: bool = True) -> Page:
        """The page, when everything on it has been drawn; without scripts as a viewer shows it that runs none."""
        file = self._folder / "report.html"
        file.write_text(html, encoding="utf-8")
        context = self._browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            offline=True,
            java_script_enabled=scripts,
        )
        self._contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on(
            "console", lambda said: self.complaints.append(said.text) if said.type in ("error", "warning") else None
        )
        # What is drawn says itself when it is done; a page without scripts is done when the browser has read it all.
        page.goto(file.as_uri(), wait_until="commit" if scripts else "load")
        if scripts:
            page.wait_for_selector("html[data-drawn]", timeout=120_000)
        return page

    def from_elsewhere(self) -> list[str]:
        """What was asked for beside the files themselves and what they carry."""
        return [url for url in self.requests if not url.startswith(("file:", "data:", "blob:"))]

    def close(self) -> None:
        """Close all pages."""
        for context in self._contexts:
            context.close()


def plots(page: Page) -> list[dict[str, Any]]:
    """For each figure of a page: ``name``, ``marks`` that it drew, its ``width`` and the ``room`` it has, px."""
    found: list[dict[str, Any]] = page.evaluate(_DRAWN)
    return found


def overflow_px(page: Page) -> int:
    """How far the page's content is wider than the window."""
    return int(page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


def violations(page: Page) -> list[str]:
    """What axe-core finds wrong for people who cannot see, hear, point or tell colours apart: rule and element."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [
        f"{rule['id']}: {node['target']} {node.get('failureSummary', '')}" for rule in found for node in rule["nodes"]
    ]
