"""Lines of logs."""

from __future__ import annotations

import json
import logging

from flows.logs import JsonLines


def test_a_record_is_one_line_of_json_with_its_session() -> None:
    record = logging.makeLogRecord(
        {
            "name": "emorec.watcher",
            "levelname": "INFO",
            "msg": "taken: %s",
            "args": ("two\nlines.mp4",),
            "session": "0123456789abcdef",
            "flow_run_id": "7",
        }
    )
    line = JsonLines().format(record)
    assert "\n" not in line
    said = json.loads(line)
    assert (said["message"], said["session"], said["run"]) == ("taken: two\nlines.mp4", "0123456789abcdef", "7")
    assert said["level"] == "info"
    assert said["time"].endswith("+00:00")


def test_a_failure_brings_its_traceback() -> None:
    try:
        raise ValueError("why")
    except ValueError as error:
        record = logging.makeLogRecord({"msg": "failed", "exc_info": (type(error), error, error.__traceback__)})
    assert "ValueError: why" in json.loads(JsonLines().format(record))["traceback"]
