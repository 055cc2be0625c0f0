"""Look of the reports: a style sheet, a script, a Plotly template, a palette; an institution may replace each."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

__all__ = ["palette", "plotly_template", "text"]


@cache
def text(name: str) -> str:
    """A file of the theme."""
    return resources.files(__name__).joinpath(name).read_text(encoding="utf-8")


@cache
def palette() -> Any:
    """Colours and patterns by what they stand for: a pattern beside each colour, so that neither is needed alone."""
    return json.loads(text("palette.json"))


@cache
def plotly_template() -> Any:
    """The template of every figure."""
    return json.loads(text("plotly.json"))
