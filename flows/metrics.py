"""Figures for Prometheus: what this machine's runs have done since its home was made, and how long the queue is.

Runs end with their processes, so each adds its figures to one small file; the worker shows them.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from emorec.files import make_private

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from prometheus_client import Metric

__all__ = ["Figures", "count", "of_failure", "of_session", "serve"]

QUEUE_SECONDS: Final = 10.0
"""How long an answer of the server is shown before it is asked again."""

COUNTERS: Final = {
    "emorec_sessions": ("Sessions that were committed.", ()),
    "emorec_recording_seconds": ("Length of what was analysed, s.", ()),
    "emorec_samples": ("Samples that were looked at.", ()),
    "emorec_faces": ("Faces in them.", ()),
    "emorec_stage_seconds": ("Time that each stage took, s.", ("stage",)),
    "emorec_failures": ("Runs that failed, by kind of error.", ("kind",)),
}


def of_session(metadata: Mapping[str, Any]) -> list[tuple[str, str, float]]:
    """What a session.json adds: name, value of the label, amount."""
    counts, stages = metadata["counts"], metadata["stages"]
    rows = [
        ("emorec_sessions", "", 1.0),
        ("emorec_recording_seconds", "", float(metadata["recording"]["duration_s"])),
        ("emorec_samples", "", float(counts.get("samples") or 0)),
    ]
    if metadata["privacy"]["mode"] != "aggregate":
        # A small group's number of people is told nowhere.
        faces = counts.get("faces") or stages.get("observe", {}).get("faces")
        rows.append(("emorec_faces", "", float(faces or 0)))
    return rows + [("emorec_stage_seconds", stage, float(figures["wall_s"])) for stage, figures in stages.items()]


def of_failure(error: BaseException) -> list[tuple[str, str, float]]:
    """What a failed run adds."""
    return [("emorec_failures", type(error).__name__, 1.0)]


def count(home: Path, rows: Iterable[tuple[str, str, float]]) -> None:
    """Add to the figures of this machine; a home that cannot be written costs figures, and no run."""
    from filelock import FileLock

    with contextlib.suppress(OSError):
        make_private(home)
        with FileLock(home / "metrics.lock", mode=0o600):
            totals = _read(home)
            for name, label, amount in rows:
                of_name = totals.setdefault(name, {})
                of_name[label] = of_name.get(label, 0.0) + amount
            beside = home / "metrics.json.new"
            beside.write_text(json.dumps(totals))
            beside.chmod(0o600)
            beside.replace(_path(home))


class Figures:
    """A collector of ``prometheus_client``."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._queue: tuple[float, int, float] = (-QUEUE_SECONDS, 0, 0.0)

    def collect(self) -> Iterator[Metric]:
        """All figures, those that nothing was added to yet as 0."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        totals = _read(self._home)
        for name, (meaning, labels) in COUNTERS.items():
            family = CounterMetricFamily(name, meaning, labels=labels)
            for label, amount in totals.get(name, {} if labels else {"": 0.0}).items():
                family.add_metric([label] if labels else [], amount)
            yield family
        waiting, age_s = self._of_queue()
        yield GaugeMetricFamily("emorec_queue_runs", "Runs that wait for a worker.", value=waiting)
        yield GaugeMetricFamily("emorec_queue_age_seconds", "How long the first of them has waited, s.", value=age_s)

    def _of_queue(self) -> tuple[int, float]:
        from flows.runs import connected

        asked_s, waiting, age_s = self._queue
        if time.monotonic() - asked_s < QUEUE_SECONDS:
            return waiting, age_s
        try:
            with connected() as runs:
                waits = runs.waits_s(datetime.now(UTC))
            waiting, age_s = len(waits), max(waits, default=0.0)
        except Exception:
            # The server is away: what it said last stands.
            return waiting, age_s
        self._queue = (time.monotonic(), waiting, age_s)
        return waiting, age_s


def serve(home: Path, host: str, port: int) -> None:
    """Answer Prometheus at ``/metrics``, in a thread of its own."""
    from prometheus_client import CollectorRegistry, start_http_server

    registry = CollectorRegistry()
    registry.register(Figures(home))
    start_http_server(port, addr=host, registry=registry)


def _path(home: Path) -> Path:
    return home / "metrics.json"


def _read(home: Path) -> dict[str, dict[str, float]]:
    try:
        totals: dict[str, dict[str, float]] = json.loads(_path(home).read_text())
    except (OSError, ValueError):
        return {}
    return totals
