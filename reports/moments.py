"""The moments of a session: those of the group, marked in the charts by number, and those of single people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from reports.context import Context
from reports.figures import at_ms
from reports.spoken import around
from reports.stored import said
from reports.words import known

if TYPE_CHECKING:
    from emorec.store import Session

__all__ = ["MOMENTS_MARKED", "moment_marks", "moment_rows", "moments_in_order", "personal_moment_rows"]

MOMENTS_MARKED: Final = 12


def moments_in_order(session: Session) -> list[dict[str, Any]]:
    """The moments of the group by time; when there are too many to mark, the strongest.

    A moment without a strength is that of a single person, like a long absence.
    """
    measured = [moment for moment in session.table("moments").to_pylist() if known(moment["strength"])]
    strongest = sorted(measured, key=lambda moment: (-moment["strength"], moment["t0"]))[:MOMENTS_MARKED]
    return sorted(strongest, key=lambda moment: float(moment["t0"]))


def moment_rows(context: Context) -> list[dict[str, Any]]:
    """The group's moments that the charts mark, by number, in order of time."""
    return _rows(context, moments_in_order(context.session))


def personal_moment_rows(context: Context) -> list[dict[str, Any]]:
    """The moments of single people, like a long absence, in order of time."""
    moments = context.session.table("moments").to_pylist()
    alone = [moment for moment in moments if not known(moment["strength"])]
    return _rows(context, sorted(alone, key=lambda moment: float(moment["t0"])))


def moment_marks(context: Context) -> dict[str, Any]:
    """A shaded stretch with a number for each moment; the numbers are those of the list on the page."""
    colors = context.theme.palette
    shapes, notes = [], []
    for number, moment in enumerate(moments_in_order(context.session), start=1):
        shapes.append(
            {
                "type": "rect",
                "xref": "x",
                "yref": "paper",
                "x0": at_ms(moment["t0"]),
                "x1": at_ms(moment["t1"]),
                "y0": 0,
                "y1": 1,
                "fillcolor": colors["moment"],
                "line": {"width": 1, "color": colors["moment_edge"], "dash": "dot"},
                "layer": "above",
            }
        )
        notes.append(
            {
                "xref": "x",
                "yref": "paper",
                "x": at_ms((moment["t0"] + moment["t1"]) / 2),
                "y": 1,
                "yanchor": "top",
                "text": f"<b>{number}</b>",
                "showarrow": False,
                "font": {"size": 13, "color": "#ffffff"},
                "bgcolor": colors["moment_number"],
                "borderpad": 2,
            }
        )
    return {"shapes": shapes, "annotations": notes}


def _rows(context: Context, moments: list[dict[str, Any]]) -> list[dict[str, Any]]:
    people, words = context.session.participants, context.words
    labels = dict(zip(people["participant"], people["label"], strict=True))
    return [
        {
            "number": number,
            "t0": moment["t0"],
            "t1": moment["t1"],
            "time": f"{words.clock(moment['t0'])}–{words.clock(moment['t1'])}",
            "kind": words.moment(str(moment["kind"])),
            "detail": said(moment["detail"] or "", words),
            "around": around(context.session, moment["t0"], moment["t1"], words),
            "who": ", ".join(str(labels.get(name, name)) for name in moment["participants"] or []),
        }
        for number, moment in enumerate(moments, start=1)
    ]
