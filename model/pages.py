"""Pages of the model, from templates/: self-contained, without network, with no script but our own."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup


def render_page(template: str, **context: Any) -> str:
    """Render a template of templates/ as HTML; what it is given is escaped."""
    return _environment().get_template(template).render(**context)


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("model"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"script": _script, "script_hash": _script_hash}
    return environment


def _script(name: str) -> Markup:
    """Return a script of templates/, which is ours, to be inlined."""
    text = resources.files("model").joinpath("templates", name).read_text("utf-8")
    return Markup(text.replace("\r\n", "\n"))  # noqa: S704


def _script_hash(name: str) -> str:
    """Return what the page's policy allows a script by."""
    return base64.b64encode(hashlib.sha256(_script(name).encode()).digest()).decode()
