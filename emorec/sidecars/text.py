"""From a file's bytes to its lines, whatever program on whatever system wrote it."""

from __future__ import annotations

import codecs
import re
import unicodedata
from typing import Final

__all__ = ["decode", "is_question", "is_reaction", "name_key", "names_alike", "word_count"]

_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LIKELY: Final = ("cp1252", "cp1250", "cp1251", "shift_jis", "gb18030", "cp949", "big5", "cp1254", "cp1253", "cp1255")
"""Encodings that programs on Windows still write; others are mistaken for these far more often than met."""

HEAD_BYTES: Final = 4096
QUESTION_MARKS: Final = "?？؟⁇¿"
_WORDS = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f]"  # scripts without spaces: a character counts
    r"|[^\W_]+(?:['’\-.][^\W_]+)*"
)
_EMOJI_ONLY = re.compile(r"(?:[\U0001f000-\U0001faff\u2190-\u2bff\u3030\u303d\ufe0f\u200d\u20e3]|\s)+")
_REACTION = re.compile(
    r"(?:reacted to|removed an? .{1,12} reaction|reagierte auf|hat (?:mit .{1,12} )?auf .* reagiert|reaccion[oó] a"
    r"|a réagi (?:à|avec)|reagiu a|ha reagito a|reageerde op)\b",
    re.IGNORECASE,
)
_ASIDE = re.compile(r"\([^)]*\)|\[[^\]]*\]|#.*$")


def decode(data: bytes) -> tuple[list[str], str]:
    """The lines of a text without their ends, and its encoding.

    A byte order mark decides; then zeros in every second byte (UTF-16 without a mark); then UTF-8 where it fits; then
    charset-normalizer's guess among what Windows writes. Never fails: what no encoding explains becomes U+FFFD.
    """
    text, encoding = _decoded(data)
    # Not str.splitlines: it also cuts at characters that occur inside messages (U+2028, vertical tabs).
    return re.split(r"\r\n|\n|\r", text.removeprefix("\ufeff")), encoding


def _decoded(data: bytes) -> tuple[str, str]:
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace"), encoding
    head = data[:HEAD_BYTES]
    even, odd = head[::2], head[1::2]
    if odd and odd.count(0) > 0.4 * len(odd) and even.count(0) < 0.1 * len(even):
        return data.decode("utf-16-le", "replace"), "utf-16-le"
    if even and even.count(0) > 0.4 * len(even) and odd.count(0) < 0.1 * len(odd):
        return data.decode("utf-16-be", "replace"), "utf-16-be"
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        pass
    from charset_normalizer import from_bytes

    found = list(from_bytes(data, cp_isolation=list(_LIKELY)))
    if not found:
        return data.decode("utf-8", "replace"), "utf-8"
    # Western and central European text of a few words look alike to it; then the one that is met more often is taken.
    best = min(found, key=lambda match: (round(match.chaos, 2), _LIKELY.index(match.encoding)))
    return str(best), best.encoding


def word_count(text: str) -> int:
    """How many words; in scripts without spaces, how many characters."""
    return len(_WORDS.findall(text))


def is_question(text: str) -> bool:
    """Whether there is a question mark, of whatever script, outside an address."""
    return any(mark in re.sub(r"\w+://\S+", "", text) for mark in QUESTION_MARKS)


def is_reaction(text: str) -> bool:
    """Whether a chat message reacts to another one, or is emoji alone."""
    text = text.strip()
    return bool(text) and bool(_EMOJI_ONLY.fullmatch(text) or _REACTION.match(text))


def name_key(name: str) -> tuple[str, ...]:
    """A person's name as the words by which names are compared: without accents, case, order, or what stands in
    brackets ("(Guest)", "(she/her)"); "Hopper, Grace" and "Grace Hopper" are the same."""
    plain = unicodedata.normalize("NFKD", _ASIDE.sub(" ", name))
    plain = "".join(c for c in plain if not unicodedata.combining(c)).casefold()
    return tuple(sorted(re.findall(r"[^\W_]+", plain)))


def names_alike(a: str, b: str) -> bool:
    """Whether two names mean the same person: the same words, or all words of one of at least two in the other."""
    first, second = name_key(a), name_key(b)
    if not first or not second:
        return False
    if first == second:
        return True
    short, long = sorted((set(first), set(second)), key=len)
    return len(short) >= 2 and short <= long
