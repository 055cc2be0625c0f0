"""The tables of a session: their columns, types, units and meanings.

Every table carries ``session`` as its first column, so that ``sessions/*/timeline.parquet`` reads as one dataset.
Numbers are float32 where not said otherwise; what is not known is null, never 0 or a guess.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa

from emorec.errors import StoreError
from emorec.types import EMOTIONS
from emorec.version import __version__

__all__ = ["SCHEMAS", "SCHEMA_VERSION", "empty_table", "refuse_personal"]

SCHEMA_VERSION: Final = 1
AGGREGATE_TABLES: Final = frozenset({"group_windows", "moments", "chapters"})
AGGREGATE_COUNTS: Final = frozenset({"participants", "samples", "seen_percent"})
"""All that a session in privacy mode aggregate may hold and say; what is added must tell of nobody, either."""

_TEXT, _TIME, _NUMBER, _COUNT, _FLAG = pa.string(), pa.float64(), pa.float32(), pa.int32(), pa.bool_()


def _column(name: str, kind: pa.DataType, unit: str, meaning: str) -> pa.Field:
    return pa.field(name, kind, metadata={"unit": unit, "meaning": meaning})


def _schema(*columns: pa.Field) -> pa.Schema:
    session = _column("session", _TEXT, "", "the first 16 hex digits of the recording's SHA-256")
    return pa.schema([session, *columns], metadata={"emorec": __version__, "emorec.schema": str(SCHEMA_VERSION)})


def _emotions(meaning: str) -> list[pa.Field]:
    return [_column(name, _NUMBER, "0-1", meaning.format(emotion=name)) for name in EMOTIONS]


def _box(meaning: str) -> list[pa.Field]:
    parts = {"x": "left", "y": "top", "w": "width", "h": "height"}
    return [_column(name, _NUMBER, "px", f"{part} of {meaning}, as displayed") for name, part in parts.items()]


_PARTICIPANT = _column("participant", _TEXT, "", "P01, P02, … by first appearance")
_T = _column("t", _TIME, "s", "time in the recording")
_T0 = _column("t0", _TIME, "s", "start in the recording")
_T1 = _column("t1", _TIME, "s", "end in the recording")

_GROUP_MEANS = [
    *_emotions("mean probability that the displayed expression is {emotion}, over visible participants"),
    _column("attention", _NUMBER, "0-1", "mean attention of visible participants"),
    _column("attention_lo", _NUMBER, "0-1", "lower end of its 95 % bootstrap band over participants"),
    _column("attention_hi", _NUMBER, "0-1", "upper end of that band"),
    _column("synchrony", _NUMBER, "-1-1", "inter-subject correlation of displayed expressions around this time"),
    _column("synchrony_lo", _NUMBER, "-1-1", "lower end of the 95 % band that chance makes of it (circular shifts)"),
    _column("synchrony_hi", _NUMBER, "-1-1", "upper end of that band; synchrony above it is more than chance"),
]

SCHEMAS: Final[dict[str, pa.Schema]] = {
    "timeline": _schema(
        _PARTICIPANT,
        _T,
        _column("state", _TEXT, "", "visible, camera_off or absent"),
        _column("track", _COUNT, "", "number of the track that the face belongs to"),
        *_box("the face box"),
        _column("score", _NUMBER, "0-1", "score of the face detection"),
        *_emotions("calibrated probability that the displayed expression is {emotion}"),
        _column("emotion", _TEXT, "", "the most probable displayed emotion"),
        _column("emotion_margin", _NUMBER, "0-1", "its probability less that of the next"),
        _column("yaw", _NUMBER, "deg", "head turn, > 0 to the picture's right"),
        _column("pitch", _NUMBER, "deg", "head nod, > 0 up"),
        _column("roll", _NUMBER, "deg", "head lean, > 0 the top to the picture's right"),
        _column("gaze_x", _NUMBER, "-1-1", "gaze relative to the head, > 0 to the picture's right"),
        _column("gaze_y", _NUMBER, "-1-1", "gaze relative to the head, > 0 up"),
        _column("eyes_open", _NUMBER, "ratio", "lid opening over eye width, mean of both eyes"),
        _column("mouth_open", _NUMBER, "ratio", "lip opening over mouth width"),
        _column("speaking", _NUMBER, "0-1", "how much the mouth moves as when speaking"),
        _column("attention", _NUMBER, "0-1", "is the face turned and open to the screen"),
        _column("engagement", _NUMBER, "0-1", "the engagement index of this sample alone; levels are of windows"),
        _column("quality", _NUMBER, "0-1", "how well the face could be read: size, blur, pose"),
        _column(
            "skipped",
            _FLAG,
            "",
            "nothing moved around the face; all values repeated (eyes or mesh alone held: not marked)",
        ),
    ),
    "windows": _schema(
        _PARTICIPANT,
        _T0,
        _T1,
        _column("coverage", _NUMBER, "0-1", "share of the window's samples with a visible face"),
        *_emotions("mean probability that the displayed expression is {emotion}"),
        _column("valence", _NUMBER, "-1-1", "mean pleasantness of the displayed expression"),
        _column("attention", _NUMBER, "0-1", "mean attention"),
        _column("perclos", _NUMBER, "0-1", "share of the last minute with eyes at least 80 % closed"),
        _column("speaking", _NUMBER, "0-1", "mean of speaking"),
        _column("engagement", _NUMBER, "0-1", "the engagement index; null where attention is known of under half"),
        _column("level", _TEXT, "", "low, medium or high; null (not enough data) where engagement is"),
    ),
    "group": _schema(
        _T,
        _column("present", _COUNT, "people", "participants whose tile or face is in the picture"),
        _column("visible", _COUNT, "people", "participants whose face is seen"),
        _column("visible_share", _NUMBER, "0-1", "visible ones of those present"),
        *_GROUP_MEANS,
        _column("screen_change", _FLAG, "", "a large part that is not a face changed (a slide)"),
    ),
    "group_windows": _schema(
        _T0,
        _T1,
        _column("present", _NUMBER, "people", "mean number of participants in the picture"),
        _column("visible", _NUMBER, "people", "mean number of participants whose face is seen"),
        _column("visible_share", _NUMBER, "0-1", "mean share of visible ones of those present"),
        _column("engagement", _NUMBER, "0-1", "mean engagement of participants with enough data"),
        _column("engagement_lo", _NUMBER, "0-1", "lower end of its 95 % bootstrap band over participants"),
        _column("engagement_hi", _NUMBER, "0-1", "upper end of that band"),
        _column("low", _NUMBER, "0-1", "share of participants with enough data whose level is low"),
        _column("medium", _NUMBER, "0-1", "share whose level is medium"),
        _column("high", _NUMBER, "0-1", "share whose level is high"),
        *_GROUP_MEANS,
    ),
    "participants": _schema(
        _PARTICIPANT,
        _column("label", _TEXT, "", "the participant's name on request, else as participant"),
        _column("first_seen", _TIME, "s", "first time that their tile or face was seen"),
        _column("last_seen", _TIME, "s", "last time that their tile or face was seen"),
        _column("visible_s", _NUMBER, "s", "time with a visible face"),
        _column("camera_off_s", _NUMBER, "s", "time with a tile but no face in it"),
        _column("absent_s", _NUMBER, "s", "time not in the picture, between first and last seen"),
        _column("attention", _NUMBER, "0-1", "mean attention"),
        _column("engagement", _NUMBER, "0-1", "mean engagement over windows with enough data"),
        *_emotions("mean probability that the displayed expression is {emotion}"),
        _column("resting_yaw", _NUMBER, "deg", "the participant's resting head turn, taken as facing the screen"),
        _column("resting_pitch", _NUMBER, "deg", "the participant's resting head nod"),
    ),
    "left_out": _schema(
        _column("track", _COUNT, "", "number of the track"),
        _T0,
        _T1,
        *_box("the track's median face box"),
        _column("reason", _TEXT, "", "why it is not taken as a participant"),
    ),
    "moments": _schema(
        _T0,
        _T1,
        _column("kind", _TEXT, "", "what kind of moment it is"),
        _column("strength", _NUMBER, "", "how far beyond chance it is, in standard deviations of chance"),
        _column("participants", pa.list_(_TEXT), "", "who took part, where that can be said"),
        _column("detail", _TEXT, "", "a sentence for a person"),
    ),
    "speech": _schema(
        _T0,
        _T1,
        _PARTICIPANT,
        _column("speaker", _TEXT, "", "the speaker's name on request, else participant, or S01, S02, … for others"),
        _column("words", _COUNT, "words", "number of words"),
        _column("question", _FLAG, "", "whether it is a question"),
        _column("text", _TEXT, "", "the utterance itself, only on request"),
    ),
    "chat": _schema(
        _T,
        _PARTICIPANT,
        _column("author", _TEXT, "", "the author's name on request, else participant, or A01, A02, … for others"),
        _column("length", _COUNT, "characters", "length of the message"),
        _column("question", _FLAG, "", "whether it is a question"),
        _column("reaction", _FLAG, "", "whether it is a reaction"),
        _column("text", _TEXT, "", "the message itself, only on request"),
    ),
    "chapters": _schema(
        _T0,
        _T1,
        _column("chapter", _COUNT, "", "number of the chapter, from 1 on"),
        _column("title", _TEXT, "", "its title, where a file says it"),
        _column("source", _TEXT, "", "file, or screen where it begins with a change of the shared screen"),
    ),
}
"""Schema of each table of a session, by the name of its file without ``.parquet``."""


def empty_table(name: str) -> pa.Table:
    """The table of that name without rows."""
    return SCHEMAS[name].empty_table()


def refuse_personal(session: str, tables: Mapping[str, pa.Table | None], metadata: Mapping[str, Any]) -> None:
    """Refuse what a session in privacy mode aggregate may not hold, whoever made it.

    Raises:
        StoreError: there is something of single people in it.
    """
    if metadata.get("privacy", {}).get("mode") != "aggregate":
        return
    extra = {
        *(f"table {name}" for name in tables.keys() - AGGREGATE_TABLES),
        *(f"count {name}" for name in metadata.get("counts", {}).keys() - AGGREGATE_COUNTS),
        *(f"stage {name}" for name in metadata.get("stages", {})),
    }
    moments = tables.get("moments")
    if moments is not None and moments["participants"].null_count < len(moments):
        extra.add("participants of moments")
    if extra:
        raise StoreError(f"session {session} is in privacy mode aggregate and may not hold {', '.join(sorted(extra))}")
