"""The server of reports: it reads, for this machine, and nothing else."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest

from emorec.store import Store
from flows.pages import application, report_url
from tests.builders import write_session


class Client:
    """A browser on ``host``."""

    def __init__(self, root: str, host: str = "127.0.0.1") -> None:
        self._application, self._base = application(root), f"http://{host}"

    def get(self, path: str) -> httpx.Response:
        return self.request("GET", path)

    def request(self, method: str, path: str) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self._application)
            async with httpx.AsyncClient(transport=transport, base_url=self._base) as client:
                return await client.request(method, path)

        return asyncio.run(ask())


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("store")
    session = write_session(folder, participants=1, minutes=1, metadata={"title": "<b>Álgebra</b>"})
    session.write_report("<html>the report</html>")
    (folder / "secret.html").write_text("not a report")
    return Store(folder)


@pytest.fixture
def client(store: Store) -> Client:
    return Client(store.root)


def test_a_report_is_served_under_its_session(store: Store, client: Client) -> None:
    [session] = store.ids()
    answer = client.get(report_url("", session))
    assert (answer.status_code, answer.text) == (200, "<html>the report</html>")
    assert answer.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_the_first_page_lists_the_sessions_and_escapes_their_names(store: Store, client: Client) -> None:
    [session] = store.ids()
    text = client.get("/").text
    assert f'href="/sessions/{session}/report.html"' in text
    assert "&lt;b&gt;Álgebra&lt;/b&gt;" in text


def test_an_index_that_was_made_is_shown_instead(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<html>all sessions</html>")
    client = Client(str(tmp_path), "localhost")
    assert client.get("/").text == "<html>all sessions</html>"


@pytest.mark.parametrize(
    "path",
    [
        "/sessions/0123456789abcdef/report.html",
        "/sessions/../../etc/passwd",
        "/sessions/%2e%2e/report.html",
        "/sessions/..%2f..%2fsecret/report.html",
        "/secret.html",
        "/sessions/0123456789abcdef/session.json",
        "/sessions/0123456789abcdef/timeline.parquet",
        "/work",
    ],
)
def test_nothing_but_reports_is_served(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_it_only_reads(store: Store, client: Client, method: str) -> None:
    [session] = store.ids()
    assert client.request(method, report_url("", session)).status_code == 405


def test_a_name_that_somebody_points_at_this_machine_gets_nothing(store: Store) -> None:
    client = Client(store.root, "evil.example")
    assert client.get("/").status_code == 400


def test_a_store_that_is_away_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    client = Client(str(tmp_path / "file"))
    assert client.get("/").status_code == 503
