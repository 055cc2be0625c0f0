"""A server of the reports in a store, for browsers on this machine; it reads, and does nothing else.

Prefect's pages come by http, and no browser follows a link from there to a file.
"""

from __future__ import annotations

import sys
from html import escape
from typing import TYPE_CHECKING, Any, Final

from emorec import pages
from emorec.errors import StoreError
from emorec.store import Store

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

__all__ = ["application", "main", "report_url"]

LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")

HEADERS: Final = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: blob:; font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}
"""Reports carry all that they show; whatever else they asked for would be somebody else's."""

_PAGE: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>emorec: sessions</title>
<style>body{{font:1rem/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem;color:#1b1f24}}
td,th{{text-align:left;padding:.25rem 1rem .25rem 0}}</style>
<h1>Sessions</h1>
{body}
</html>
"""


def report_url(pages_url: str, session: str) -> str:
    """Where a session's report is to be seen."""
    return f"{pages_url.rstrip('/')}/sessions/{session}/report.html"


def application(store: str, hosts: tuple[str, ...] = LOOPBACK) -> Starlette:
    """The server's application.

    Args:
        store: folder or URL of all sessions.
        hosts: names that it answers to; a page elsewhere that points a name of its own here gets nothing.
    """
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware
    from starlette.responses import HTMLResponse, PlainTextResponse
    from starlette.routing import Route

    def page(content: str | bytes) -> Response:
        return HTMLResponse(content, headers=HEADERS)

    def index(_request: Request) -> Response:
        opened = Store(store)
        return page(pages.page(opened, pages.INDEX) or _PAGE.format(body=_table(opened)))

    def course(request: Request) -> Response:
        opened, name = Store(store), f"index-{request.path_params['course']}.html"
        if name not in pages.page_names(opened, "index-*.html"):
            return PlainTextResponse("there is no such page", 404, headers=HEADERS)
        return page(pages.page(opened, name))

    def report(request: Request) -> Response:
        try:
            return page(Store(store).open(request.path_params["session"]).read_report())
        except StoreError as error:
            return PlainTextResponse(str(error), 404, headers=HEADERS)

    def health(_request: Request) -> Response:
        return PlainTextResponse("ok", headers=HEADERS)

    async def unexpected(_request: Request, _error: Exception) -> Response:
        return PlainTextResponse("the store cannot be read", 503, headers=HEADERS)

    routes = [
        Route("/", index),
        Route("/index.html", index),
        Route("/index-{course}.html", course),
        Route("/health", health),
        Route("/sessions/{session}/report.html", report),
    ]
    handlers: dict[Any, Any] = {OSError: unexpected, StoreError: unexpected}
    allowed = Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))
    return Starlette(routes=routes, middleware=[allowed], exception_handlers=handlers)


def _table(store: Store) -> str:
    rows = []
    for session in sorted(store.sessions(), key=lambda s: s.metadata["date"], reverse=True):
        title, course, date = (escape(str(session.metadata[key])) for key in ("title", "course", "date"))
        link = f'<a href="/sessions/{session.id}/report.html">{title}</a>' if session.has_report else title
        rows.append(f"<tr><td>{date}<td>{course}<td>{link}")
    if not rows:
        return "<p>There is none yet. Put a recording into the inbox.</p>"
    return f"<table><tr><th>Date<th>Course<th>Session{''.join(rows)}</table>"


def main() -> int:
    """Serve the store of the settings until told to end; for a process of its own."""
    import uvicorn

    from emorec.settings import Settings

    settings = Settings.load()
    operations = settings.operations
    hosts = LOOPBACK if operations.host in LOOPBACK else ("*",)
    app = application(settings.store, hosts)
    uvicorn.run(app, host=operations.host, port=operations.pages_port, log_level="warning", server_header=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
