"""A session in the formats of other people's tools.

An exporter takes a committed session and a new folder, writes into it and gives the files that a person opens; adding
one is adding it to :data:`EXPORTERS` (docs/extend.md).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from emorec.errors import InputError
from emorec.exports.bids import write_bids
from emorec.exports.elan import write_elan
from emorec.exports.rocrate import write_rocrate
from emorec.exports.sheets import write_csv, write_ods
from emorec.files import make_private

if TYPE_CHECKING:
    from emorec.store import Session

__all__ = ["EXPORTERS", "export"]

Exporter = Callable[["Session", Path], list[Path]]

EXPORTERS: Final[dict[str, Exporter]] = {
    "csv": write_csv,
    "ods": write_ods,
    "elan": write_elan,
    "bids": write_bids,
    "ro-crate": write_rocrate,
}


def export(session: Session, to: str, folder: Path) -> list[Path]:
    """Write a session into a folder of its own; gives the files that a person opens.

    Raises:
        InputError: there is no such format, the folder holds something already, or it cannot be written.
    """
    if to not in EXPORTERS:
        raise InputError(f"{to!r} is no format of emorec export; there are {', '.join(EXPORTERS)}")
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise InputError(f"{folder} is there already and not empty; name another folder with --out")
        make_private(folder)
        return EXPORTERS[to](session, folder)
    except OSError as error:
        raise InputError(f"{folder} cannot be written: {error}") from error
