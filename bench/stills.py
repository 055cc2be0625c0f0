"""Recordings made of a subject's labelled photographs, and what a session of them says of each photograph.

Used by ``bench.engagement``: photographs become a recording, the whole product analyses it, and what it says is joined
with the labels by time. Nothing of the product knows of labels.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from emorec.types import EMOTIONS

if TYPE_CHECKING:
    import pandas as pd

    from emorec.store import Session

LEVELS = ("not_engaged", "partially_engaged", "engaged")
FPS = 10
WALL = 96
"""Grey level around a photograph."""
ENCODER = {"preset": "veryfast", "crf": "20", "g": str(FPS)}


@dataclass(frozen=True)
class Photograph:
    """A labelled photograph in a zip: ``label`` is an index into LEVELS."""

    name: str
    subject: str
    label: int


@dataclass(frozen=True)
class Staging:
    """How photographs become a recording: seconds of each, size of the picture, width of the photograph in it, whether
    each subject's photographs come as numbered, shuffled, or by label in whole windows."""

    seconds: float = 1.0
    width_px: int = 640
    height_px: int = 480
    side_px: int = 300
    order: str = "numbered"
    grey: bool = True
    window_s: float = 10.0

    def __str__(self) -> str:
        colour = "grey" if self.grey else "as is"
        return f"{self.side_px} px in {self.width_px}×{self.height_px}, {self.seconds:g} s each, {self.order}, {colour}"


def photographs(source: Path) -> list[Photograph]:
    """All photographs of the zip, by subject and number."""
    with zipfile.ZipFile(source) as archive:
        names = [PurePosixPath(name) for name in archive.namelist() if name.endswith(".jpg")]
    found = [Photograph(str(n), n.name.partition("_")[0], LEVELS.index(n.parent.name)) for n in names]
    return sorted(found, key=lambda p: (p.subject, PurePosixPath(p.name).name))


def ordered(chosen: Sequence[Photograph], staging: Staging, seed: int = 0) -> list[Photograph]:
    """One subject's photographs in the order of the recording.

    By label in whole windows means: of each label, runs that fill a window; the last run of a label is filled up with
    photographs of that label again. The windows are shuffled, so that nobody is engaged first and tired later.
    """
    rng = np.random.default_rng(seed)
    if staging.order == "numbered":
        return list(chosen)
    mixed = [chosen[i] for i in rng.permutation(len(chosen))]
    if staging.order == "shuffled":
        return mixed
    each = round(staging.window_s / staging.seconds)
    runs = []
    for label in range(len(LEVELS)):
        own = [p for p in mixed if p.label == label]
        own = (own * each)[: -(-len(own) // each) * each]
        runs += [own[i : i + each] for i in range(0, len(own) - each + 1, each)]
    return [p for i in rng.permutation(len(runs)) for p in runs[i]]


def write_recording(path: Path, source: Path, shown: Sequence[Photograph], staging: Staging) -> None:
    """Write the recording that shows one photograph after the other, in the middle of a grey picture."""
    with av.open(str(path), "w") as output, zipfile.ZipFile(source) as archive:
        stream: Any = output.add_stream("libx264", rate=FPS, options=ENCODER)
        stream.width, stream.height, stream.pix_fmt = staging.width_px, staging.height_px, "yuv420p"
        stream.codec_context.thread_count = 1
        count = 0
        for k, photograph in enumerate(shown):
            picture = _staged(archive.read(photograph.name), staging)
            while count < round((k + 1) * staging.seconds * FPS):
                frame = av.VideoFrame.from_ndarray(picture, "rgb24")
                frame.pts, frame.time_base = count, Fraction(1, FPS)
                output.mux(stream.encode(frame))
                count += 1
        output.mux(stream.encode(None))


def _staged(jpeg: bytes, staging: Staging) -> NDArray[np.uint8]:
    rgb = cv2.cvtColor(np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)), cv2.COLOR_BGR2RGB)
    if staging.grey:
        rgb = cv2.cvtColor(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    side = staging.side_px
    method = cv2.INTER_AREA if rgb.shape[0] > side else cv2.INTER_LINEAR
    picture = np.full((staging.height_px, staging.width_px, 3), WALL, np.uint8)
    x, y = (staging.width_px - side) // 2, (staging.height_px - side) // 2
    picture[y : y + side, x : x + side] = cv2.resize(rgb, (side, side), interpolation=method)
    return picture


def by_photograph(session: Session, shown: Sequence[Photograph], staging: Staging) -> pd.DataFrame:
    """One row per photograph: its label, how many participants were visible, means over its samples, and as
    ``window_engagement`` the engagement of the window that it lies in; NaN where the session has none."""
    import pandas as pd

    timeline, windows = session.timeline, session.windows
    rows = pd.DataFrame(
        {
            "subject": [p.subject for p in shown],
            "label": [p.label for p in shown],
            "t0": np.arange(len(shown)) * staging.seconds,
        }
    )
    place = np.floor(timeline.t / staging.seconds + 1e-6).astype(int)
    means = timeline.groupby(place)[["attention", "engagement", *EMOTIONS]]
    rows = rows.join(means.mean())
    seen = timeline[timeline.state == "visible"]
    rows["visible"] = seen.groupby(np.floor(seen.t / staging.seconds + 1e-6).astype(int)).participant.nunique()
    window = windows.groupby("t0").engagement.mean()
    rows["window_engagement"] = window.reindex((rows.t0 // staging.window_s) * staging.window_s).to_numpy()
    return rows
