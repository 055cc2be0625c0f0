"""A model card for people: card.json → an HTML page with charts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from model.charts import Bar, bars, diagonal
from model.curves import curve_charts
from model.pages import render_page


@dataclass(frozen=True)
class _Row:
    name: str
    n: int
    accuracy: float
    macro_f1: float
    ece: float
    interval: tuple[float, float] | None


_VIEWS = {
    "one_view": "as emorec runs it: each face once",
    "with_flip": "mean with the mirrored view",
    "four_classes": "four classes: angry, happy, neutral, sad",
    "classes_present": "only the classes that the images have",
    "ferplus_majority": "against the majority of FER+ votes, where there is one",
    "ferplus_majority_with_flip": "likewise, mean with the mirrored view",
    "ferplus_favourite": "against the favourite of FER+ votes, be they few",
    "ferplus_favourite_with_flip": "likewise, mean with the mirrored view",
    "without_copies": "without images that have a copy in the training split",
}


def in_present_words(card: Mapping[str, Any]) -> dict[str, Any]:
    """Return a card as this code would have written it; versions do not change, but what their figures are called did.

    What cards called FER+'s majority before they knew a favourite was the favourite.
    """
    metrics = {split: _figures_in_present_words(figures) for split, figures in card.get("metrics", {}).items()}
    return {**card, **({"metrics": metrics} if metrics else {})}


def _figures_in_present_words(figures: Mapping[str, Any]) -> dict[str, Any]:
    if "ferplus_favourite" in figures:
        return dict(figures)
    return {name.replace("ferplus_majority", "ferplus_favourite"): figure for name, figure in figures.items()}


def render_card(card: Mapping[str, Any]) -> str:
    """Return the page of a release. card: all of card.json."""
    card = in_present_words(card)
    measured_on = "test" if "test" in card["metrics"] else "validation"
    figures = card["metrics"][measured_on]
    rows = _rows(figures)
    if f"{measured_on}_float32" in card["metrics"]:
        whole = card["metrics"][f"{measured_on}_float32"]
        rows.append(_row("the network before conversion (float32), each face once", whole["one_view"]))
    if measured_on == "test":
        rows.append(_row("on validation, each face once", card["metrics"]["validation"]["one_view"]))
    training = card.get("training", {})
    plan = training.get("plan", {})
    architecture = card["architecture"]
    return render_page(
        "card.html",
        card=card,
        architecture=f"{architecture['name'].upper()}, {architecture['width']:g} × width",
        measured_on=measured_on,
        rows=rows,
        one_view=figures["one_view"],
        before=figures.get("ece_before_temperature"),
        decision=card.get("decision"),
        settings=_flat(plan),
        **_charts(figures),
        **curve_charts(training.get("epochs", [])),
    )


def _flat(plan: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return a plan's settings with those of its parts, named after the part, at the end."""
    parts = [(f"{name}: {k}", v) for name, part in plan.items() if isinstance(part, Mapping) for k, v in part.items()]
    whole = [(name, value) for name, value in plan.items() if not isinstance(value, Mapping)]
    return [(k, ", ".join(v) or "none" if isinstance(v, list | tuple) else v) for k, v in whole] + parts


def _rows(figures: Mapping[str, Any]) -> list[_Row]:
    return [_row(name, figures[view]) for view, name in _VIEWS.items() if view in figures]


def _row(name: str, metrics: Mapping[str, Any]) -> _Row:
    interval = metrics.get("intervals", {}).get("accuracy")
    return _Row(name, metrics["n"], metrics["accuracy"], metrics["macro_f1"], metrics["ece"], interval)


def _charts(figures: Mapping[str, Any]) -> dict[str, Any]:
    one_view = figures["one_view"]
    intervals = one_view.get("recall_intervals", {})
    recall = [Bar(name, value, intervals.get(name)) for name, value in one_view["recall"].items()]
    sizes = [
        Bar(f"{size} px", view["accuracy"], view["intervals"]["accuracy"])
        for size, view in figures.get("by_face_size", {}).items()
    ]
    points = [(b["confidence"], b["accuracy"], int(b["n"])) for b in one_view.get("reliability", [])]
    return {
        "recall_chart": bars(recall, "share of each class's images that were found"),
        "size_chart": bars(sizes, "share of right answers by size of the face") if sizes else None,
        "reliability_chart": diagonal(
            points, "share of right answers by probability given", "probability given", "share right"
        )
        if points
        else None,
    }
