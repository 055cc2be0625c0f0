"""Telling people, by Prefect's blocks or by mail."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from emorec.settings import Settings
from flows.mail import Mail
from flows.notify import tell


class Post(socketserver.StreamRequestHandler):
    """As much of SMTP as it takes to be handed a message."""

    letters: list[str]

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        lines: list[str] | None = None
        for raw in self.rfile:
            line = raw.decode().rstrip("\r\n")
            if lines is not None:
                if line == ".":
                    self.letters.append("\n".join(lines))
                    lines = None
                    self.wfile.write(b"250 kept\r\n")
                else:
                    lines.append(line)
            elif line.upper() == "DATA":
                lines = []
                self.wfile.write(b"354 go on\r\n")
            elif line.upper() == "QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            else:
                self.wfile.write(b"250 yes\r\n")


@contextmanager
def post_office() -> Iterator[tuple[int, list[str]]]:
    letters: list[str] = []
    handler = type("Handler", (Post,), {"letters": letters})
    with socketserver.TCPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.server_address[1], letters
        finally:
            server.shutdown()
            thread.join()


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
