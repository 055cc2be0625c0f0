"""What was seen of a recording, drawn on it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from emorec.debug_video import draw_debug_video
from emorec.errors import InputError
from emorec.settings import Settings
from emorec.store import Session
from tests.commands import Done, run_emorec

AT_S = 5.0


def picture_at(path: Path, t_s: float) -> NDArray[np.int16]:
    with av.open(str(path)) as container:
        frame = next(
            frame for frame in container.decode(video=0) if frame.time is not None and frame.time >= t_s - 0.01
        )
        return frame.to_ndarray(format="rgb24").astype(np.int16)


def test_a_debug_video_shows_boxes_on_the_faces_and_leaves_the_rest_as_it_was(
    analyzed: Done, session: Session, demo: Any, tmp_path: Path
) -> None:
    out = tmp_path / "debug.mp4"
    store = Path(analyzed.result["folder"]).parents[1]
    done = run_emorec("analyze", demo.recording, "--store", store, "--debug-video", out, "--quiet")
    assert done.code == 0, done.err
    with av.open(str(out)) as container:
        duration_s = float(container.duration or 0) / av.time_base
    assert duration_s == pytest.approx(session.metadata["recording"]["duration_s"], abs=0.3)
    changed = np.abs(picture_at(out, AT_S) - picture_at(demo.recording, AT_S)).max(axis=2)
    seen = session.timeline[(session.timeline.t == AT_S) & (session.timeline.state == "visible")]
    assert len(seen)
    for row in seen.itertuples():
        x, y, w, h = (round(float(v)) for v in (row.x, row.y, row.w, row.h))
        edge = changed[y + h // 4 : y + h * 3 // 4, x - 2 : x + 3].max(axis=1)
        middle = changed[y + h // 4 : y + h * 3 // 4, x + w // 4 : x + w * 3 // 4]
        assert np.median(edge) > 40
        assert np.median(middle) < 20


def test_what_cannot_be_drawn_is_refused_and_leaves_nothing(session: Session, demo: Any, tmp_path: Path) -> None:
    out = tmp_path / "debug.mp4"
    other = tmp_path / "other.mp4"
    other.write_bytes(Path(demo.recording).read_bytes() + b"\0" * 8)
    with pytest.raises(InputError, match="is not the recording"):
        draw_debug_video(session, other, out, Settings())
    group = replace(session, metadata={**session.metadata, "privacy": {"mode": "aggregate"}})
    with pytest.raises(InputError, match="aggregate"):
        draw_debug_video(group, demo.recording, out, Settings())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.mp4"]
