"""When a file that somebody copies, downloads or renames into a folder is whole."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from flows.inbox import Entry

__all__ = ["Settling"]


@dataclass
class Settling:
    """Remembers from look to look how long each file has stood still; times are of any clock that never goes back.

    ``settle_s``: how long is long enough. A file that appears by a rename from a temporary name (``.part``) has been
    finished by the one who wrote it, and need not wait.
    """

    settle_s: float
    _seen: dict[Path, tuple[object, float]] = field(default_factory=dict)
    _unfinished: dict[tuple[int, int], int] = field(default_factory=dict)

    def look(self, entries: Iterable[Entry], temporary: Iterable[Entry], now_s: float) -> list[tuple[Entry, float]]:
        """The files that are settled, each with the seconds since then; what is not there any more is forgotten."""
        seen: dict[Path, tuple[object, float]] = {}
        settled = []
        for entry in entries:
            look, since_s = self._seen.get(entry.path, (None, now_s))
            if look != entry.look:
                renamed = look is None and self._unfinished.get(entry.inode) == entry.size
                since_s = now_s - self.settle_s if renamed else now_s
            seen[entry.path] = (entry.look, since_s)
            if now_s - since_s >= self.settle_s:
                settled.append((entry, now_s - since_s - self.settle_s))
        self._seen = seen
        self._unfinished = {entry.inode: entry.size for entry in temporary}
        return settled
