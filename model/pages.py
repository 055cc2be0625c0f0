"""Pages of the model, from templates/: self-contained, without scripts or network."""

from __future__ import annotations

from functools import cache
from typing import Any

import jinja2


def render_page(template: str, **context: Any) -> str:
    """Render a template of templates/ as HTML; what it is given is escaped."""
    return _environment().get_template(template).render(**context)


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("model"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
