"""The text of a page as a reader sees it."""

from __future__ import annotations

import html
import re

__all__ = ["prose"]


def prose(page: str) -> str:
    """The page's text without scripts, styles, tags."""
    bare = re.sub(r"<(script|style)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", bare)).split())
