"""What `model` raises for a fact the caller can act on."""

from __future__ import annotations


class ModelError(Exception):
    """Data, settings or a release that cannot be used; the message says what is wrong, where, and what to do."""


class ChampionChangedError(ModelError):
    """Somebody else promoted a version meanwhile."""


class NoSuchModelError(ModelError):
    """There is no such version, or nothing that names one."""
