"""Sessions as emorec would write them, without any recording: for tests of what reads sessions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from emorec.schemas import SCHEMA_VERSION, SCHEMAS
from emorec.store import Session, Store
from emorec.types import EMOTIONS, STATES

Array = NDArray[Any]

WINDOW_S = 10
VISIBLE, CAMERA_OFF, ABSENT = range(3)
SMALLEST_GROUP = 5


def write_session(
    root: Path,
    *,
    participants: int = 8,
    minutes: float = 20,
    seed: int = 0,
    rate_hz: float = 2.0,
    mode: str = "participant",
    emotions: bool = True,
    cameras: bool = True,
    moments: int = 3,
    labels: Sequence[str] | None = None,
    left_out: Sequence[str] = ("still while its surroundings move; outside every tile", "seen for 0.5 s only"),
    metadata: Mapping[str, Any] | None = None,
) -> Session:
    """Commit a plausible session: attention that falls at 60 %, smiles in bursts, late joiners, cameras off.

    Args:
        mode: ``participant`` or ``aggregate``, as in the privacy settings.
        emotions: without them the columns of emotions are null.
        cameras: without them every participant's camera is off throughout.
        labels: names of the participants instead of P01, P02, …
        left_out: the reason of each track that is not a participant.
        metadata: entries of session.json that replace those made here.
    """
    rng = np.random.default_rng(seed)
    duration_s = minutes * 60
    t_s = np.arange(0, duration_s, 1 / rate_hz)
    session = f"{seed + 1:04x}{participants:04x}{int(duration_s):08x}"
    state = _states(rng, participants, t_s, cameras)
    attention, probabilities = _behaviour(rng, state, t_s, emotions)
    people = _People(session, state, t_s, attention, probabilities, [f"P{i + 1:02d}" for i in range(participants)])
    tables = {
        "timeline": people.timeline(rng),
        "windows": people.windows(duration_s),
        "group": people.group(),
        "group_windows": people.group_windows(duration_s),
        "participants": people.participants(labels),
        "left_out": _left_out(session, left_out),
        "moments": _moments(session, duration_s, moments if participants and cameras else 0, people.names, mode),
    }
    if mode == "aggregate":
        tables = {name: tables[name] for name in ("group_windows", "moments")}
        if participants < SMALLEST_GROUP:
            tables = {name: table.slice(0, 0) for name, table in tables.items()}
    return Store(root).commit(tables, _metadata(session, people, duration_s, mode, emotions) | dict(metadata or {}))


def _states(rng: np.random.Generator, n: int, t_s: Array, cameras: bool) -> Array:
    """State of each participant at each sample, [n, T]."""
    end_s = t_s[-1] if len(t_s) else 0.0
    state = np.full((n, len(t_s)), VISIBLE, np.int8)
    for row in state:
        joins, leaves = end_s * max(0, rng.beta(1, 12) - 0.06), end_s * min(1, 1.05 - rng.beta(1, 15))
        for _ in range(rng.poisson(1.2)):
            begin = rng.uniform(0, end_s)
            row[(t_s >= begin) & (t_s < begin + rng.exponential(end_s / 12))] = CAMERA_OFF
        if rng.random() < 0.2:
            begin = rng.uniform(0, end_s)
            row[(t_s >= begin) & (t_s < begin + end_s / 15)] = ABSENT
        row[(t_s < joins) | (t_s > leaves)] = ABSENT
    if not cameras:
        state[state == VISIBLE] = CAMERA_OFF
    # Participants are numbered by first appearance.
    return state[np.argsort((state != ABSENT).argmax(axis=1), kind="stable")] if n else state


def _behaviour(rng: np.random.Generator, state: Array, t_s: Array, emotions: bool) -> tuple[Array, Array]:
    """Attention [n, T] and probabilities of emotions [n, T, 7]; NaN where no face is seen."""
    n, end_s = len(state), max(t_s[-1], 1.0) if len(t_s) else 1.0
    shared = np.where(t_s < 0.6 * end_s, 0.74, 0.58) + 0.03 * np.sin(2 * np.pi * t_s / 300)
    slow = np.cumsum(rng.normal(0, 0.02, state.shape), axis=1)
    slow -= slow.mean(axis=1, keepdims=True)
    person = rng.normal(0, 0.07, (n, 1))
    attention = np.clip(shared + person + 0.1 * np.tanh(slow) + rng.normal(0, 0.05, state.shape), 0, 1)
    joke = sum(np.exp(-(((t_s - at * end_s) / 20) ** 2)) for at in (0.2, 0.45, 0.8))
    logits = np.zeros((*state.shape, len(EMOTIONS)))
    base = {"angry": -1.0, "disgust": -2.5, "fear": -1.5, "happy": 0.2, "neutral": 2.2, "sad": 0.3, "surprise": -1.2}
    for i, emotion in enumerate(EMOTIONS):
        drift = np.repeat(rng.normal(0, 0.7, (n, len(t_s) // 40 + 1)), 40, axis=1)[:, : len(t_s)]
        logits[..., i] = base[emotion] + rng.normal(0, 0.4, (n, 1)) + drift + (3 * joke if emotion == "happy" else 0)
    probabilities = np.exp(logits)
    probabilities /= probabilities.sum(axis=2, keepdims=True)
    attention[state != VISIBLE] = np.nan
    probabilities[state != VISIBLE] = np.nan
    if not emotions:
        probabilities[:] = np.nan
    return attention, probabilities


class _People:
    """The tables of one session from its participants' states, attention and emotions."""

    def __init__(
        self, session: str, state: Array, t_s: Array, attention: Array, probabilities: Array, names: list[str]
    ) -> None:
        self.session, self.state, self.t_s, self.names = session, state, t_s, names
        self.attention, self.probabilities = attention, probabilities
        self.step_s = float(t_s[1] - t_s[0]) if len(t_s) > 1 else 1.0

    def timeline(self, rng: np.random.Generator) -> pa.Table:
        rows, columns = [], []
        for i, state in enumerate(self.state):
            seen = np.flatnonzero(state != ABSENT)
            if len(seen):
                columns.append(np.arange(seen[0], seen[-1] + 1))
                rows.append(np.full(len(columns[-1]), i))
        who = np.concatenate(rows) if rows else np.zeros(0, int)
        when = np.concatenate(columns) if columns else np.zeros(0, int)
        visible = self.state[who, when] == VISIBLE
        width = np.where(visible, 70 + 15 * np.sin(who) + rng.normal(0, 6, len(who)), np.nan)
        emotions = self.probabilities[who, when]
        ordered = np.sort(emotions, axis=1) if len(who) else emotions
        known = visible & np.isfinite(emotions).all(axis=1)
        best = np.array(EMOTIONS, object)[np.argmax(np.nan_to_num(emotions), axis=1)] if len(who) else []
        return self._table(
            "timeline",
            participant=np.array(self.names, object)[who],
            t=self.t_s[when],
            state=np.array(STATES, object)[self.state[who, when]],
            track=pa.array(who, pa.int32(), mask=~visible),
            x=width * 3,
            y=width * 2,
            w=width,
            h=width * 1.2,
            score=np.where(visible, 0.93, np.nan),
            **{name: emotions[:, i] for i, name in enumerate(EMOTIONS)},
            emotion=pa.array(best, pa.string(), mask=~known) if len(who) else None,
            emotion_margin=ordered[:, -1] - ordered[:, -2] if len(who) else None,
            yaw=np.where(visible, rng.normal(0, 8, len(who)), np.nan),
            attention=self.attention[who, when],
            quality=np.where(visible, rng.beta(8, 2, len(who)), np.nan),
            skipped=pa.array(rng.random(len(who)) < 0.3, pa.bool_(), mask=~visible),
        )

    def windows(self, duration_s: float) -> pa.Table:
        coverage, attention, emotions, engagement, level, t0 = self._windows(duration_s)
        n, count = coverage.shape
        keep = (~self._cut(self.state == ABSENT).all(axis=2)).reshape(-1)
        flat = {name: emotions[..., i].reshape(-1)[keep] for i, name in enumerate(EMOTIONS)}
        return self._table(
            "windows",
            participant=np.repeat(np.array(self.names, object), count)[keep],
            t0=np.tile(t0, n)[keep],
            t1=np.minimum(np.tile(t0, n)[keep] + WINDOW_S, duration_s),
            coverage=coverage.reshape(-1)[keep],
            **flat,
            valence=flat["happy"] - flat["sad"] - flat["angry"],
            attention=attention.reshape(-1)[keep],
            engagement=engagement.reshape(-1)[keep],
            level=level.reshape(-1)[keep],
        )

    def group(self) -> pa.Table:
        change = np.zeros(len(self.t_s), bool)
        change[:: max(1, round(150 / self.step_s))] = True
        change[:1] = False
        return self._table(
            "group",
            t=self.t_s,
            present=(self.state != ABSENT).sum(axis=0),
            visible=(self.state == VISIBLE).sum(axis=0),
            **_means(self.attention, self.probabilities),
            **self._synchrony(),
            screen_change=change,
        )

    def group_windows(self, duration_s: float) -> pa.Table:
        _, attention, emotions, engagement, level, t0 = self._windows(duration_s)
        known = (level != None).sum(axis=0)  # noqa: E711 - elementwise
        shares = {
            name: np.divide((level == name).sum(axis=0), known, where=known > 0, out=np.full(len(t0), np.nan))
            for name in ("low", "medium", "high")
        }
        mean, lo, hi = _band(engagement)
        return self._table(
            "group_windows",
            t0=t0,
            t1=np.minimum(t0 + WINDOW_S, duration_s),
            present=self._cut(self.state != ABSENT).mean(axis=2).sum(axis=0),
            visible=self._cut(self.state == VISIBLE).mean(axis=2).sum(axis=0),
            engagement=mean,
            engagement_lo=lo,
            engagement_hi=hi,
            **shares,
            **_means(attention, emotions),
            **{
                name: _nanmean(self._cut(values[None]), axis=2)[0] if values is not None else None
                for name, values in self._synchrony().items()
            },
        )

    def participants(self, labels: Sequence[str] | None) -> pa.Table:
        seen = [np.flatnonzero(row != ABSENT) for row in self.state]
        first = np.array([self.t_s[rows[0]] if len(rows) else np.nan for rows in seen])
        last = np.array([self.t_s[rows[-1]] if len(rows) else np.nan for rows in seen])
        visible, camera_off = ((self.state == s).sum(axis=1) * self.step_s for s in (VISIBLE, CAMERA_OFF))
        emotions = _nanmean(self.probabilities, axis=1)
        attention = _nanmean(self.attention, axis=1)
        return self._table(
            "participants",
            participant=self.names,
            label=list(labels or self.names),
            first_seen=first,
            last_seen=last,
            visible_s=visible,
            camera_off_s=camera_off,
            absent_s=last - first + self.step_s - visible - camera_off,
            attention=attention,
            engagement=attention * 0.9,
            **{name: emotions[:, i] for i, name in enumerate(EMOTIONS)},
            resting_yaw=np.zeros(len(self.names)),
            resting_pitch=np.zeros(len(self.names)),
        )

    def _windows(self, duration_s: float) -> tuple[Array, Array, Array, Array, Array, Array]:
        coverage = self._cut(self.state == VISIBLE).mean(axis=2)
        attention = _nanmean(self._cut(self.attention), axis=2)
        emotions = np.stack(
            [_nanmean(self._cut(self.probabilities[..., i]), axis=2) for i in range(len(EMOTIONS))], axis=2
        )
        engagement = np.where(coverage >= 0.5, np.clip(attention * 0.9, 0, 1), np.nan)
        level = np.select(
            [np.isnan(engagement), engagement > 0.65, engagement > 0.45],
            [np.array(None, object), np.array("high", object), np.array("medium", object)],
            np.array("low", object),
        )
        return coverage, attention, emotions, engagement, level, np.arange(coverage.shape[1]) * float(WINDOW_S)

    def _synchrony(self) -> dict[str, Array | None]:
        """How far expressions went together, with the band that chance makes of it: above it in each joke, else within
        it; nothing without emotions, of one person, and of less than two minutes."""
        known = np.isfinite(self.probabilities).all(axis=2).sum(axis=0)
        end_s = len(self.t_s) * self.step_s
        if not (known > 1).any() or end_s < 120:
            return dict.fromkeys(("synchrony", "synchrony_lo", "synchrony_hi"))
        half = 0.2 / np.sqrt(np.maximum(known * (known - 1) / 2, 1))
        wander = 0.6 * half * np.sin(2 * np.pi * self.t_s / 47)
        joke = sum(np.exp(-(((self.t_s - at * end_s) / 20) ** 2)) for at in (0.2, 0.45, 0.8))
        values = (wander + 0.5 * joke, -half, half)
        return {
            name: np.where(known > 1, value, np.nan)
            for name, value in zip(("synchrony", "synchrony_lo", "synchrony_hi"), values, strict=True)
        }

    def _cut(self, values: Array) -> Array:
        """[n, T] as [n, windows, samples per window]; the last window repeats its last sample where it is short."""
        size = max(1, round(WINDOW_S / self.step_s))
        count = -(-values.shape[1] // size)
        index = np.minimum(np.arange(count * size), values.shape[1] - 1)
        return values[:, index].reshape(len(values), count, size)

    def _table(self, name: str, **columns: Any) -> pa.Table:
        schema = SCHEMAS[name]
        length = next(len(values) for values in columns.values() if values is not None)
        arrays = []
        for field in schema:
            values = [self.session] * length if field.name == "session" else columns.get(field.name)
            if values is None:
                arrays.append(pa.nulls(length, field.type))
            elif isinstance(values, pa.Array):
                arrays.append(values.cast(field.type))
            else:
                arrays.append(pa.array(values, from_pandas=True).cast(field.type))
        return pa.Table.from_arrays(arrays, schema=schema)


def _nanmean(values: Array, axis: int) -> Array:
    known = np.isfinite(values).sum(axis=axis)
    total = np.nansum(values, axis=axis)
    mean: Array = np.divide(total, known, where=known > 0, out=np.full(total.shape, np.nan))
    return mean


def _band(values: Array) -> tuple[Array, Array, Array]:
    """Mean over participants and its 95 % band; the band is NaN for fewer than two."""
    mean = _nanmean(values, axis=0)
    known = np.isfinite(values).sum(axis=0)
    spread = np.sqrt(_nanmean((values - mean) ** 2, axis=0) / np.maximum(known - 1, 1))
    half = np.where(known > 1, 1.96 * spread, np.nan)
    return mean, np.clip(mean - half, 0, 1), np.clip(mean + half, 0, 1)


def _means(attention: Array, probabilities: Array) -> dict[str, Array]:
    emotions = _nanmean(probabilities, axis=0)
    mean, lo, hi = _band(attention)
    named = {name: emotions[:, i] for i, name in enumerate(EMOTIONS)}
    return named | {"attention": mean, "attention_lo": lo, "attention_hi": hi}


def _left_out(session: str, reasons: Sequence[str]) -> pa.Table:
    rows = [
        {"session": session, "track": 900 + i, "t0": 2.0, "t1": 2.5, "w": 22.0, "reason": reason}
        for i, reason in enumerate(reasons)
    ]
    return pa.Table.from_pylist(rows, SCHEMAS["left_out"])


def _moments(session: str, duration_s: float, count: int, names: list[str], mode: str) -> pa.Table:
    known = [
        ("shared_laughter", 0.20, 4.1, f"3 of {len(names)} visible participants smiled or laughed at once."),
        (
            "attention_drop",
            0.60,
            5.2,
            f"The group's attention fell to 0.57 (usually 0.68), {len(names)} participants together.",
        ),
        ("shared_laughter", 0.80, 3.4, f"4 of {len(names)} visible participants smiled or laughed at once."),
    ]
    rows = [
        {
            "session": session,
            "t0": at * duration_s,
            "t1": at * duration_s + 40,
            "kind": kind,
            "strength": strength,
            "participants": names[:3] if mode == "participant" else None,
            "detail": detail,
        }
        for kind, at, strength, detail in known[:count]
    ]
    return pa.Table.from_pylist(rows, SCHEMAS["moments"])


def _metadata(session: str, people: _People, duration_s: float, mode: str, emotions: bool) -> dict[str, Any]:
    models = {"face_detection_short_range.tflite": "bb" * 32, "face_landmark.tflite": "10" * 32}
    return {
        "session": session,
        "schema": SCHEMA_VERSION,
        "emorec": "0.1.0",
        "recording": {
            "name": "lecture.mp4",
            "path": "/recordings/lecture.mp4",
            "sha256": session * 4,
            "duration_s": duration_s,
            "read_until_s": duration_s,
            "size_bytes": 48_000_000,
            "width_px": 1920,
            "height_px": 1080,
            "fps": 30.0,
            "codec": "h264",
            "container": "mov,mp4,m4a,3gp,3g2,mj2",
        },
        "course": "statistics",
        "title": "Lecture 7: sampling",
        "date": "2026-11-03",
        "privacy": {"mode": mode, "emotions": emotions},
        "settings": {},
        "models": models | ({"emotion champion": "e0" * 32} if emotions else {}),
        "counts": _counts(people, mode),
        "stages": {}
        if mode == "aggregate"
        else {"decode": {"wall_s": 61.2, "cpu_s": 58.0}, "faces": {"wall_s": 120.5, "cpu_s": 118.9, "faces": 9}},
        "seconds": 240.5,
        "peak_memory_mb": 812,
        "warnings": [],
    }


def _counts(people: _People, mode: str) -> dict[str, int | None]:
    n, seen = len(people.names), int((people.state == VISIBLE).sum())
    if mode == "participant":
        return {"participants": n, "samples": len(people.t_s), "faces": seen}
    counts: dict[str, int | None] = {"participants": n if n == 0 or n >= SMALLEST_GROUP else None}
    if n >= SMALLEST_GROUP:
        counts["seen_percent"] = round(100 * seen / max(1, int((people.state != ABSENT).sum())))
    return counts | {"samples": len(people.t_s)}
