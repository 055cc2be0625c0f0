"""ELAN's annotation format (.eaf): tiers of moments, chapters, speech, and of each participant's state and level."""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emorec.exports.stretches import chapter_title, levels, states

if TYPE_CHECKING:
    from emorec.store import Session

__all__ = ["write_elan"]


def write_elan(session: Session, folder: Path) -> list[Path]:
    """``<name of the recording>.eaf``, which ELAN opens beside the recording."""
    from pympi import Eaf

    recording = session.metadata["recording"]
    eaf = Eaf(author=f"emorec {session.metadata['emorec']}")
    eaf.remove_tier("default")
    eaf.add_linked_file(
        Path(recording["path"]).as_uri() if Path(recording["path"]).is_absolute() else recording["name"],
        relpath=f"./{recording['name']}",
        mimetype=mimetypes.guess_type(recording["name"])[0] or "video/mp4",
    )
    for moment in session.table("moments").to_pylist():
        _add(eaf, "moments", moment["t0"], moment["t1"], f"{moment['kind']}: {moment['detail'] or ''}".rstrip(": "))
    for chapter in session.table("chapters").to_pylist():
        _add(eaf, "chapters", chapter["t0"], chapter["t1"], chapter_title(chapter))
    for said in session.table("speech").to_pylist():
        who = said["participant"] or said["speaker"]
        _add(eaf, f"speech {who}" if who else "speech", said["t0"], said["t1"], said["text"] or _summary(said))
    for message in session.table("chat").to_pylist():
        who = message["participant"] or message["author"] or ""
        text = message["text"] or _summary(message)
        _add(eaf, "chat", message["t"], message["t"] + 1.0, f"{who}: {text}".lstrip(": "))
    for tier, found in (("state", states(session)), ("level", levels(session))):
        for participant, stretches in found.items():
            for t0_s, t1_s, value in stretches:
                _add(eaf, f"{participant} {tier}", t0_s, t1_s, value)
    path = folder / f"{Path(recording['name']).stem or session.id}.eaf"
    eaf.to_file(str(path))
    return [path]


def _summary(row: dict[str, Any]) -> str:
    """What is known of an utterance or message whose text was not kept."""
    size = f"{row['words']} words" if "words" in row else f"{row['length']} characters"
    return f"{size}, question" if row["question"] else size


def _add(eaf: Any, tier: str, t0_s: float, t1_s: float, value: str) -> None:
    """An annotation, in whole milliseconds. Those of a tier may not overlap: where people talk at once, the next one
    begins after the one before."""
    if tier not in eaf.get_tier_names():
        eaf.add_tier(tier)
    begin, end = round(t0_s * 1000), round(t1_s * 1000)
    last = max((interval[1] for interval in eaf.get_annotation_data_for_tier(tier)[-1:]), default=0)
    begin = max(begin, last)
    eaf.add_annotation(tier, begin, max(end, begin + 1), value)
