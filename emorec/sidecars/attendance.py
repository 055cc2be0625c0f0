"""Attendance: Zoom's participant reports, Teams' attendance reports (old list, new report of three parts), Meet's.

Columns are known by stems of their names in several languages, separators and encodings by what is there. Who joined
several times has several stays.
"""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Sequence
from typing import Final

from emorec.sidecars.rows import Clock, Ledger, Row, Sidecar, Stay
from emorec.sidecars.times import DAY_S, Moment, clock_seconds, day_comes_first, length_seconds, unrolled

__all__ = ["is_attendance", "read_attendance"]

HEAD_LINES: Final = 60
EPOCH: Final = dt.date(1970, 1, 1).toordinal()

# Stems of column names, lower case; the first that fits wins, so that "Name (Original Name)" is no "Email" of sorts.
STEMS: Final = {
    "email": ("mail", "correo", "upn", "courriel", "メール"),
    "action": ("user action", "benutzeraktion", "acción de", "action de l", "ação do", "azione", "actie van", "操作"),
    "stamp": ("timestamp", "zeitstempel", "marca de tiempo", "horodat", "carimbo", "data e ora", "tijdst", "时间戳"),
    "length": ("duration", "dauer", "duraci", "durée", "duraç", "durata", "duur", "時間 (分)", "期間", "时长"),
    "join": (
        "join", "beitritt", "beitret", "ingres", "entrada", "unió", "unión", "unirse", "arriv", "connexion", "rejoin",
        "accesso", "ingresso", "partecipa", "deelname", "toetred", "参加", "加入", "вход", "подключ",
    ),
    "leave": (
        "leave", "left", "exited", "verlass", "austritt", "salida", "abandon", "saída", "départ", "sortie", "uscita",
        "verlat", "vertrek", "退出", "離開", "离开", "выход",
    ),
    "role": ("role", "rolle", "rol", "rôle", "funç", "função", "ruolo", "役割", "角色", "роль"),
    "first name": ("first name", "vorname", "given name", "prénom", "primer nombre"),
    "last name": ("last name", "nachname", "surname", "family name", "apellido", "nom de famille"),
    "name": (
        "name", "nombre", "nom", "nome", "naam", "participant", "teilnehmer", "名前", "氏名", "姓名", "имя", "imię",
    ),
}  # fmt: skip
GUEST_STEMS: Final = ("guest", "gast", "invitado", "invité", "convidado", "ospite", "recording", "id", "waiting")
LEFT_WORDS: Final = ("left", "verlass", "salió", "abandon", "quitté", "saiu", "lasciat", "verlaten", "退出", "离开")
STARTED_STEMS: Final = (
    "start time", "meeting start", "startzeit", "besprechungsstart", "hora de inicio", "heure de début",
    "hora de início", "ora di inizio", "begintijd", "開始時刻", "开始时间",
)  # fmt: skip
ENGLISH_ORDER: Final = frozenset({"name", "full name", "join time", "user action", "first join", "time joined"})

Columns = dict[str, int]


def is_attendance(lines: Sequence[str]) -> bool:
    """Whether a file has a table of names and times of coming, or lengths of stay."""
    separator = _separator(lines)
    return any(_columns(_cells(line, separator)) for line in lines[:HEAD_LINES])


def read_attendance(lines: list[str], encoding: str) -> Sidecar:
    """The stays of everybody in a report."""
    ledger = Ledger(lines)
    separator = _separator(lines)
    cells = [_cells(line, separator) for line in lines]
    tables = _tables(cells)
    texts = [cell for row in cells for cell in row if any(c.isdigit() for c in cell)]
    english = any(cell.casefold() in ENGLISH_ORDER for row in cells[:HEAD_LINES] for cell in row)
    reader = _Reader(ledger, cells, day_comes_first(texts, default=not english))
    # Where a report lists every coming and going, the table of first and last ones says nothing more.
    inside = [columns for columns, _ in tables]
    chosen = max(range(len(tables)), key=lambda i: (_detail(inside[i]), i), default=-1)
    for i, (columns, span) in enumerate(tables):
        if i == chosen:
            (reader.actions if "action" in columns else reader.stays)(columns, span)
        else:
            # The header of a report on the meeting itself has a single row, with its topic.
            ledger.repeat(*span)
    table_rows = {row for _, span in tables for row in span}
    started = reader.started(row for row in range(len(lines)) if row not in table_rows)
    for _, span in tables:
        ledger.structure(span.start - 1)
    format_name = "teams list" if tables and "action" in inside[chosen] else "report"
    return ledger.close("attendance", format_name, reader.clock, reader.rows, encoding, started)


def _detail(columns: Columns) -> int:
    """How much a table says of people: the meeting's own header has a topic, and no leaving of persons."""
    return 4 * ("name" in columns or "first name" in columns) * (1 + ("join" in columns or "action" in columns))


class _Reader:
    """Turns the rows of a table into stays."""

    def __init__(self, ledger: Ledger, cells: list[list[str]], day_first: bool) -> None:
        self.ledger, self.cells, self.day_first = ledger, cells, day_first
        self.rows: list[Row] = []
        self.clock: Clock = "day"

    def stays(self, columns: Columns, span: range) -> None:
        """A row per stay, or per person."""
        found: list[tuple[int, str, Moment | None, Moment | None, str]] = []
        for row in self._complete(columns, span):
            cell = self.cells[row]
            name = self._name(columns, cell)
            join, leave = (self._moment(columns, cell, part) for part in ("join", "leave"))
            length_s = length_seconds(cell[columns["length"]]) if columns.get("length", len(cell)) < len(cell) else None
            wrong = ("join" in columns and join is None) or (
                "leave" in columns and leave is None and bool(cell[columns["leave"]].strip())
            )
            if not name:
                self.ledger.bad("a stay of nobody", row)
            elif wrong or ("join" not in columns and length_s is None):
                self.ledger.bad("times that are none", row)
            else:
                if join and leave is None and length_s is not None:
                    leave = (join[0], join[1] + length_s)
                found.append((row, name, join, leave, self._cell(columns, cell, "role")))
        self._settle([moment for _, _, join, leave, _ in found for moment in (join, leave)])
        for row, name, join, leave, role in found:
            t0_s, t1_s = self._seconds(join), self._seconds(leave)
            if t0_s is not None and t1_s is not None and t1_s < t0_s and self.clock == "day":
                t1_s += DAY_S
            if t0_s is not None and t1_s is not None and t1_s < t0_s:
                self.ledger.bad("a stay that ends before it begins", row)
                continue
            self.ledger.use(row)
            self.rows.append(Stay(name, t0_s, t1_s, role))

    def actions(self, columns: Columns, span: range) -> None:
        """A row per joining or leaving, in order of time for each person."""
        found: list[tuple[int, str, bool, Moment]] = []
        for row in self._complete(columns, span):
            cell = self.cells[row]
            name, moment = self._name(columns, cell), self._moment(columns, cell, "stamp")
            if not name or moment is None:
                self.ledger.bad("a stay of nobody" if not name else "times that are none", row)
                continue
            left = any(word in cell[columns["action"]].casefold() for word in LEFT_WORDS)
            found.append((row, name, left, moment))
            self.ledger.use(row)
        self._settle([moment for _, _, _, moment in found])
        seconds = [self._seconds(moment) or 0.0 for _, _, _, moment in found]
        times_s = unrolled(seconds) if self.clock == "day" else seconds
        since: dict[str, float] = {}
        for (_, name, left, _), t_s in zip(found, times_s, strict=True):
            if left:
                self.rows.append(Stay(name, since.pop(name, None), t_s, ""))
            elif name not in since:
                since[name] = t_s
        self.rows += [Stay(name, t_s, None, "") for name, t_s in since.items()]

    def started(self, rows: object) -> float | None:
        """When the meeting began, of a line "Start time, 1/5/2024 …" before the tables; such lines are the format's."""
        started = None
        for row in rows:  # type: ignore[attr-defined]
            cell = self.cells[row]
            self.ledger.structure(row)
            known = cell[0].strip().casefold().startswith(STARTED_STEMS) if cell else False
            if known and len(cell) > 1 and started is None:
                moment = clock_seconds(cell[1], day_first=self.day_first)
                started = self._seconds(moment) if moment else None
        return started

    def _complete(self, columns: Columns, span: range) -> list[int]:
        """Rows with all the columns that are needed; the others are accounted for."""
        rows = []
        need = max(columns[part] for part in columns if part not in {"role", "email", "length"})
        for row in span:
            if len(self.cells[row]) > need:
                rows.append(row)
            else:
                self.ledger.bad("columns are missing", row)
        return rows

    def _moment(self, columns: Columns, cell: list[str], part: str) -> Moment | None:
        text = self._cell(columns, cell, part)
        return clock_seconds(text, day_first=self.day_first) if text else None

    def _cell(self, columns: Columns, cell: list[str], part: str) -> str:
        at = columns.get(part, len(cell))
        return cell[at].strip() if at < len(cell) else ""

    def _name(self, columns: Columns, cell: list[str]) -> str:
        if "first name" in columns:
            return " ".join(filter(None, (self._cell(columns, cell, part) for part in ("first name", "last name"))))
        return self._cell(columns, cell, "name")

    def _settle(self, moments: list[Moment | None]) -> None:
        known = [moment for moment in moments if moment]
        self.clock = "date" if known and all(moment[0] for moment in known) else "day"

    def _seconds(self, moment: Moment | None) -> float | None:
        if moment is None:
            return None
        if self.clock == "date" and moment[0]:
            return (moment[0].toordinal() - EPOCH) * DAY_S + moment[1]
        return moment[1]


def _separator(lines: Sequence[str]) -> str:
    head = lines[:HEAD_LINES]
    best = [(sum(bool(_columns(_cells(line, mark))) for line in head), mark) for mark in ("\t", ";", ",")]
    return max(best, key=lambda found: found[0])[1]


def _cells(line: str, separator: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=separator), [])]
    except csv.Error:
        return [line]


def _columns(cells: Sequence[str]) -> Columns:
    """Where a table's columns are; empty where the cells are no header of a table of people."""
    columns: Columns = {}
    for at, cell in enumerate(cells):
        text = cell.casefold().strip()
        if not text or len(text) > 60 or text.startswith(GUEST_STEMS):
            continue
        for part, stems in STEMS.items():
            if any(stem in text for stem in stems):
                columns.setdefault(part, at)
                break
    named = "name" in columns or "first name" in columns
    timed = "join" in columns or "length" in columns or ("action" in columns and "stamp" in columns)
    return columns if named and timed and len(cells) > 1 else {}


def _tables(cells: list[list[str]]) -> list[tuple[Columns, range]]:
    """Each table's columns and rows; a table ends at a blank line, a title of one cell, or the next header."""
    found: list[tuple[Columns, range]] = []
    row = 0
    while row < len(cells):
        columns = _columns(cells[row])
        row += 1
        if not columns:
            continue
        first = row
        while row < len(cells) and any(cells[row]) and not _columns(cells[row]) and not _is_title(cells[row]):
            row += 1
        found.append((columns, range(first, row)))
    return found


def _is_title(cells: list[str]) -> bool:
    """A line like "3. In-Meeting Activities"."""
    return sum(bool(cell) for cell in cells) == 1 and cells[0][:1].isdigit() and "." in cells[0][:3]
