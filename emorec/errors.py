"""The errors that emorec raises on purpose.

EmorecError
├── InputError      a recording or another file given by the user cannot be used
├── AssetError      a third-party model file is missing or is not the pinned one
├── LimitError      an analysis took more time or memory than the settings allow
├── ServiceError    a server or a part of emorec that runs by itself cannot be started or reached
├── StoreError      a session or its store cannot be read or written
└── SettingsError   a setting has no meaning

Each message is one line for a person: what is wrong, where, and what to do about it.
"""

from __future__ import annotations

__all__ = ["AssetError", "EmorecError", "InputError", "LimitError", "ServiceError", "SettingsError", "StoreError"]


class EmorecError(Exception):
    """Base of everything that emorec raises on purpose; its text is one line for a person."""


class InputError(EmorecError):
    """A recording, or another file that a user gave, cannot be used."""


class AssetError(EmorecError):
    """A third-party model file is missing, or is not the one that is pinned."""


class LimitError(EmorecError):
    """An analysis took more time or memory than the settings allow."""


class ServiceError(EmorecError):
    """A server, or a part of emorec that runs by itself, cannot be started or reached."""


class StoreError(EmorecError):
    """A session, or the store that holds it, cannot be read or written."""


class SettingsError(EmorecError):
    """A setting is unknown, out of range, or contradicts another."""
