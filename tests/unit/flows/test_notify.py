"""Telling people, by Prefect's blocks or by mail."""

from __future__ import annotations

import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from emorec.settings import Settings
from flows.mail import Mail
from flows.notify import tell
from tests.post_office import post_office


def test_a_report_is_told_of_by_mail() -> None:
    with post_office() as (port, letters):
        mail = Mail(
            host="127.0.0.1", port=port, security="none", sender="emorec@localhost", to=["a@localhost", "b@localhost"]
        )
        mail.notify("http://127.0.0.1/report", "emorec: the report of two\nlines.mp4 is ready")
    [letter] = letters
    assert "Subject: emorec: the report of two lines.mp4 is ready" in letter
    assert "To: a@localhost, b@localhost" in letter
    assert "http://127.0.0.1/report" in letter


def test_where_nobody_is_to_be_told_nothing_happens(caplog: pytest.LogCaptureFixture) -> None:
    tell(Settings(), "subject", "body")
    assert caplog.records == []


def test_a_block_that_cannot_be_used_costs_a_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    # Set in the environment they would come too late: Prefect has read it, and would start a server of its own.
    nobody_there = {PREFECT_API_URL: "http://127.0.0.1:9/api", PREFECT_CLIENT_MAX_RETRIES: 0}
    with temporary_settings(nobody_there):
        tell(Settings(operations={"notify": "no-such-block"}), "subject", "body")
    assert [
        "nobody could be told" in record.message for record in caplog.records if record.name == "emorec.notify"
    ] == [True]
