"""Faces of a session that a person is to label: those that the model is least sure of, cut from the recording.

The only place, besides a debug video, where emorec keeps face images; nobody calls it but who was asked for consent.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from emorec.errors import InputError
from model.errors import ModelError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from emorec.settings import Settings
    from emorec.settings.recording import RecordingSettings
    from emorec.store import Session
    from emorec.types import RecordingInfo

__all__ = ["collect", "least_certain"]

LEAST_QUALITY: Final = 0.3
"""Faces that could not be read well teach nobody anything, the one who labels them included."""

APART_S: Final = 3.0
"""Two faces of a participant are at least so far apart: neighbouring ones show the same."""

SAME_TIME_S: Final = 1e-6
"""Times of a timeline are those of the samples, but for rounding."""


def collect(session: Session, recording: Path, settings: Settings, folder: Path, count: int, consent: str) -> Path:
    """Cut the least certain faces of a session out of its recording and write the page to label them.

    Args:
        recording: the file that the session was made from.
        folder: the folder to be; see ``model.labels``.
        count: how many faces at most.
        consent: who agreed to it and when, in words; kept beside the faces.

    Returns:
        Where the page is.

    Raises:
        InputError: it is another recording, the session tells nothing of single faces, or the folder exists.
    """
    from emorec import recording as media
    from model.labels import write_labelling

    info = media.probe(recording, settings.recording)
    if info.sha256 != session.metadata["recording"]["sha256"]:
        raise InputError(f"{recording} is not the recording of session {session.id}")
    if session.metadata["privacy"]["mode"] != "participant" or not session.metadata["privacy"]["emotions"]:
        raise InputError(
            f"session {session.id} tells no expressions of single faces; analyse it in privacy mode participant, "
            "with emotions"
        )
    chosen = least_certain(session.timeline, count)
    if not len(chosen):
        raise InputError(f"session {session.id} has no face that was seen well enough to be labelled")
    sampled = settings.recording.model_copy(update=session.metadata["settings"].get("recording", {}))
    crops = _cut(info, sampled, chosen)
    try:
        return write_labelling(folder, session.id, crops, consent)
    except ModelError as error:
        raise InputError(str(error)) from error


def least_certain(timeline: pd.DataFrame, count: int) -> pd.DataFrame:
    """The rows of the faces with the smallest margin between the two most probable emotions, by time.

    Faces that were skipped or seen badly are passed over, and so are those within 3 s of another of the same
    participant. No participant has more than twice an equal share, so that one hard face is not all there is.
    """
    seen = timeline[(timeline.state == "visible") & ~timeline.skipped.fillna(True).astype(bool)]
    seen = seen[(seen.quality >= LEAST_QUALITY) & seen.emotion_margin.notna() & seen.w.notna()]
    seen = seen.sort_values(["emotion_margin", "t", "participant"], kind="stable")
    share = 2 * -(-count // max(seen.participant.nunique(), 1))
    taken: dict[str, list[float]] = {}
    rows = []
    columns = (seen[name].tolist() for name in ("participant", "t"))
    for index, participant, t_s in zip(seen.index.tolist(), *columns, strict=True):
        times = taken.setdefault(participant, [])
        if len(times) >= share or any(abs(t_s - other_s) < APART_S for other_s in times):
            continue
        times.append(t_s)
        rows.append(index)
        if len(rows) == count:
            break
    return timeline.loc[rows].sort_values(["t", "participant"], kind="stable")


def _cut(info: RecordingInfo, sampled: RecordingSettings, chosen: pd.DataFrame) -> NDArray[np.uint8]:
    """The crops of some rows of a timeline, uint8 [n, 48, 48]; only the chunks that hold them are read."""
    from emorec.recording import SampleReader, plan_chunks
    from model.preprocess import crop_faces

    crops: list[NDArray[np.uint8]] = []
    for chunk in plan_chunks(info, sampled):
        rows = chosen[(chosen.t >= chunk.t0_s) & (chosen.t < chunk.t1_s)]
        if not len(rows):
            continue
        last_s = rows.t.max()
        with SampleReader(info, chunk, sampled) as reader:
            for sample in reader:
                boxes = rows.loc[(rows.t - sample.t_s).abs() < SAME_TIME_S, ["x", "y", "w", "h"]]
                crops.extend(crop_faces(sample.rgb, boxes.to_numpy(np.float64)))
                if sample.t_s >= last_s:
                    break
    return np.array(crops, np.uint8)
