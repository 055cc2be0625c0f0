"""The learning curves of a run as a page: RUN/history.jsonl → RUN/curves.html."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from markupsafe import Markup

from model.charts import lines
from model.errors import ModelError
from model.pages import render_page

PAGE: Final = "curves.html"

Epochs = Sequence[Mapping[str, float]]


def write_curves(run: Path) -> Path:
    """Write the page of a run's learning curves into its folder, whole or not at all; return where it is.

    It works while the run goes on, and may be called after every epoch. Raises ModelError where there is no run.
    """
    if not (run / "plan.json").is_file():
        raise ModelError(f"{run} holds no run: it has no plan.json")
    plan = json.loads((run / "plan.json").read_text())
    history = run / "history.jsonl"
    epochs = [json.loads(line) for line in history.read_text().splitlines()] if history.is_file() else []
    page, part = run / PAGE, run / f".{PAGE}.part"
    part.write_text(render_curves(run.resolve().name, epochs, plan.get("epochs")), "utf-8")
    part.replace(page)
    return page


def render_curves(name: str, epochs: Epochs, planned: int | None = None) -> str:
    """Return the page as HTML. epochs: the lines of history.jsonl. planned: length of the run, if it is known."""
    return render_page(
        "curves.html",
        name=name,
        epochs=list(epochs),
        planned=planned,
        best=best_epoch(epochs),
        duration=_duration(sum(e.get("seconds", 0) for e in epochs)),
        columns=list(dict.fromkeys(key for epoch in epochs for key in epoch)),
        **curve_charts(epochs),
    )


def curve_charts(epochs: Epochs) -> dict[str, Markup | None]:
    """Return accuracy_chart and loss_chart of a run's epochs, None where there are none."""
    best = best_epoch(epochs)
    return {
        f"{figure}_chart": _chart(epochs, figure, best["epoch"]) if best else None for figure in ("accuracy", "loss")
    }


def best_epoch(epochs: Epochs) -> Mapping[str, Any] | None:
    """Return the first epoch with the best score on validation, whose weights a run keeps; older runs have but one."""
    return max(epochs, key=lambda e: e.get("score", e["validation_accuracy"]), default=None)


def _chart(epochs: Epochs, figure: str, marked: float) -> Markup:
    series = {
        split: [(e["epoch"], e[f"{split}_{figure}"]) for e in epochs if f"{split}_{figure}" in e]
        for split in ("training", "validation")
    }
    title = f"{figure} by epoch, training and validation"
    return lines({k: v for k, v in series.items() if v}, title, "epoch", figure, marked)


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
