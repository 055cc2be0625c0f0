"""CSV files and an OpenDocument spreadsheet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from emorec.schemas import SCHEMAS

if TYPE_CHECKING:
    import pandas as pd

    from emorec.store import Session

__all__ = ["frame_of", "overview", "write_csv", "write_ods"]

SHEETS: Final = ("participants", "group_windows", "chapters", "moments", "speech", "chat", "left_out")
"""Tables of the spreadsheet; rows per sample, or per participant and window, are more than a person reads there."""
FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


def write_csv(session: Session, folder: Path) -> list[Path]:
    """A CSV file per table that has rows, and ``columns.csv`` with the unit and meaning of every column.

    UTF-8 with a byte order mark, without which Excel takes it for another encoding. Text that a spreadsheet would take
    for a formula gets an apostrophe in front.
    """
    written = []
    for name in SCHEMAS:
        frame = frame_of(session, name)
        if len(frame):
            path = folder / f"{name}.csv"
            _without_formulas(frame).to_csv(path, index=False, encoding="utf-8-sig")
            written.append(path)
    path = folder / "columns.csv"
    _columns([path.stem for path in written]).to_csv(path, index=False, encoding="utf-8-sig")
    return [*written, path]


def write_ods(session: Session, folder: Path) -> list[Path]:
    """One spreadsheet with a sheet per table, after an overview."""
    import pandas as pd

    path = folder / f"{session.id}.ods"
    with pd.ExcelWriter(path, engine="odf") as writer:
        pd.DataFrame(overview(session), columns=["what", "value"]).to_excel(writer, sheet_name="session", index=False)
        shown = [name for name in SHEETS if len(session.table(name))]
        for name in shown:
            frame_of(session, name).drop(columns="session").to_excel(writer, sheet_name=name, index=False)
        _columns(shown).to_excel(writer, sheet_name="columns", index=False)
    return [path]


def frame_of(session: Session, name: str) -> pd.DataFrame:
    """A table whose cells are numbers, text and yes or no: lists become text, float32 keeps its digits."""
    import pandas as pd
    import pyarrow as pa

    table = session.table(name)
    for at, field in enumerate(table.schema):
        if pa.types.is_list(field.type):
            joined = [None if cell is None else "; ".join(cell) for cell in table.column(at).to_pylist()]
            table = table.set_column(at, field.name, pa.array(joined, pa.string()))
        elif pa.types.is_float32(field.type):
            # As the shortest text that gives the same float32, not with the digits of its float64.
            numbers = [None if cell is None else float(f"{cell:.7g}") for cell in table.column(at).to_pylist()]
            table = table.set_column(at, field.name, pa.array(numbers, pa.float64()))
    frame: pd.DataFrame = table.to_pandas(types_mapper=pd.ArrowDtype)
    return frame


def overview(session: Session) -> list[tuple[str, Any]]:
    """What a session is, in lines."""
    about = session.metadata
    recording = about["recording"]
    return [
        ("session", session.id),
        ("title", about["title"]),
        ("course", about["course"]),
        ("date", about["date"]),
        ("recording", recording["name"]),
        ("duration, s", recording["duration_s"]),
        ("participants", about["counts"]["participants"]),
        ("privacy mode", about["privacy"]["mode"]),
        ("displayed expressions", "yes" if about["privacy"]["emotions"] else "no"),
        ("emorec", about["emorec"]),
        *(("warning", text) for text in about["warnings"]),
    ]


def _columns(names: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    rows = [
        (name, field.name, field.metadata[b"unit"].decode(), field.metadata[b"meaning"].decode())
        for name in names
        for field in SCHEMAS[name]
    ]
    return pd.DataFrame(rows, columns=["table", "column", "unit", "meaning"])


def _without_formulas(frame: pd.DataFrame) -> pd.DataFrame:
    safe = frame.copy()
    for name in safe.columns:
        if str(safe[name].dtype).startswith("string"):
            text = safe[name].astype(object)
            safe[name] = [
                f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) else cell for cell in text
            ]
    return safe
