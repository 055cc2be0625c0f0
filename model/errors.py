"""The one error that `model` raises for a fact the caller can act on."""

from __future__ import annotations


class ModelError(Exception):
    """Data, settings or a release that cannot be used; the message says what is wrong, where, and what to do."""
