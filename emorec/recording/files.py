"""What a file is before FFmpeg sees it, and why one that FFmpeg will not read cannot be used."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

from emorec.errors import InputError

__all__ = ["open_regular", "reason_unreadable", "refuse_what_is_no_media", "shown", "shown_name"]

HEAD_BYTES = 4096
"""How much of a file is looked at to say what it is."""

MAX_BOXES = 10_000
"""Boxes of an MP4 file looked at for its index; fragmented files have one or two per second."""

_GIT_LFS = b"version https://git-lfs.github.com/spec/"
_PLAYLISTS = (b"#extm3u", b"ffconcat version", b"[playlist]", b"<mpd", b"<smoothstreamingmedia", b"<smil", b"v=0\r\n")
_HTML = (b"<!doctype html", b"<html", b"<head", b"<body")
_MP4_FIRST_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"styp")


def shown(path: Path) -> str:
    """The path on one line: control characters and bytes that are no text are written as escapes."""
    text = str(path)
    return text if text.isprintable() else repr(text)[1:-1]


def shown_name(text: str) -> str:
    """A file's name or path as text that can be stored and printed anywhere: bytes that are no UTF-8 become U+FFFD."""
    return "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in text)


def open_regular(path: Path) -> int:
    """A file descriptor of a regular file that is not empty; the caller closes it.

    Raises:
        InputError: there is no such file, it may not be read, or it is a folder, a pipe or a device.
    """
    name = shown(path)
    try:
        # Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise InputError(f"{name}: there is no such file") from error
    except PermissionError as error:
        raise InputError(f"{name}: may not be read; give this user the right to") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{name}: cannot be opened ({getattr(error, 'strerror', None) or error})") from error
    status = os.fstat(descriptor)
    reason = None
    if stat.S_ISDIR(status.st_mode):
        reason = "is a folder; name the recording in it"
    elif not stat.S_ISREG(status.st_mode):
        reason = "is not a regular file (a pipe, a socket or a device); save the recording to a file first"
    elif not status.st_size:
        reason = "is empty (0 bytes); copy or export the recording again"
    if reason:
        os.close(descriptor)
        raise InputError(f"{name}: {reason}")
    return descriptor


def refuse_what_is_no_media(path: Path, descriptor: int) -> None:
    """Refuse by its first bytes what is text, whatever the file is called.

    Raises:
        InputError: a playlist, a Git LFS pointer, a web page, other text, or nothing but zeros.
    """
    head = os.pread(descriptor, HEAD_BYTES, 0)
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    text = start[:512].lower()
    reason = None
    if not head.strip(b"\0"):
        reason = "holds only zeros; the copy or download was not finished"
    elif start.startswith(_GIT_LFS):
        reason = "is a Git LFS pointer, not the recording itself; run 'git lfs pull'"
    elif text.startswith(_PLAYLISTS) or (text.startswith(b"<?xml") and any(p in head.lower() for p in _PLAYLISTS)):
        reason = "is a playlist that points to other files; only a recording that holds its own pictures is read"
    elif text.startswith(_HTML) or (text.startswith(b"<") and b"<html" in head.lower()):
        reason = "is a web page, not a recording; it was probably saved from a link that asks to log in"
    elif _is_text(head):
        reason = "is text, not a recording"
    if reason:
        raise InputError(f"{shown(path)}: {reason}")


def reason_unreadable(path: Path) -> str:
    """Why FFmpeg cannot read a file that looked like media, as far as its first bytes and its boxes tell."""
    with path.open("rb") as file:
        if file.read(8)[4:8] not in _MP4_FIRST_BOXES:
            return (
                "is not a recording in a format that is read (MP4, MOV, MKV, WebM, AVI, MPEG-TS, FLV, WMV, MPEG, OGG)"
            )
        if not _has_index(file):
            return "has no index (moov): recording or copying was not finished; repair it or copy it again"
    return "is damaged; copy or export the recording again"


def _is_text(head: bytes) -> bool:
    try:
        # A multi-byte character may be cut at the end of the head.
        decoded = head.decode("utf-8") if len(head) < HEAD_BYTES else head[:-4].decode("utf-8", "strict")
    except UnicodeDecodeError:
        return False
    return all(character.isprintable() or character in "\t\r\n\f" for character in decoded)


def _has_index(file: BinaryIO) -> bool:
    """Whether an MP4 file's top-level boxes include moov (ISO/IEC 14496-12, 4.2)."""
    size = file.seek(0, os.SEEK_END)
    at = 0
    for _ in range(MAX_BOXES):
        file.seek(at)
        header = file.read(16)
        if len(header) < 8:
            return False
        if header[4:8] == b"moov":
            return True
        length = int.from_bytes(header[:4], "big")
        if length == 1 and len(header) == 16:
            length = int.from_bytes(header[8:16], "big")
        if length < 8 or at + length > size:
            return False
        at += length
    return False
