"""Logs as lines of JSON, with the session that they speak of."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, Final

__all__ = ["JsonLines", "log_as_json"]

_OWN: Final = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
_RUN: Final = {"flow_run_id": "run", "flow_run_name": "run_name", "task_run_name": "task"}
"""What Prefect adds to a record, and what it is called here."""


class JsonLines(logging.Formatter):
    """One JSON object a line: ``time`` (UTC), ``level``, ``logger``, ``message``, and what was given as ``extra``,
    such as ``session``, ``run``, ``recording``."""

    def __init__(self, *_: Any, **__: Any) -> None:
        super().__init__()

    def format(self, record: logging.LogRecord) -> str:
        """The record's line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        for name, value in record.__dict__.items():
            if name in _RUN:
                line[_RUN[name]] = value
            elif name in {"session", "run", "recording", "part", "seconds", "kind"} and name not in _OWN:
                line[name] = value
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def log_as_json(level: int = logging.INFO) -> None:
    """From now on emorec's logs go to stderr as lines of JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logger = logging.getLogger("emorec")
    logger.handlers[:] = [handler]
    logger.setLevel(level)
    logger.propagate = False
