"""What a platform puts beside a recording, for the demo: transcript, chat, attendance and chapters, as Zoom does."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import numpy.typing as npt

from emorec.demo.scenario import PEOPLE

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["INSTRUCTOR", "STARTED", "names_by_truth", "write_beside"]

INSTRUCTOR: Final = "Grace Hopper"
STARTED: Final = "10:00:00"
"""When the recording began on the clock of its attendance file."""
NEAR_S: Final = 0.1

SPOKEN: Final = (
    (1.0, 4.5, "Grace Hopper", "Good morning, everybody. Can you all hear me?"),
    (5.0, 6.5, "Sam Rivera", "Yes, we can."),
    (11.0, 14.0, "Eileen Collins", "Good morning. Sorry that I am late."),
    (15.0, 22.5, "Grace Hopper", "Never mind. Today it is where compilers come from, and why nobody wanted one."),
    (25.0, 30.0, "Sam Rivera", "They said that a computer could not write programs."),
    (31.5, 35.5, "Grace Hopper", "They did. I had a running compiler, and nobody would touch it."),
    (36.5, 41.5, "Grace Hopper", "Programs in words, not numbers: that was the idea."),
    (42.5, 46.5, "Grace Hopper", "And for next time: a nanosecond is thirty centimetres of wire."),
    (47.0, 49.4, "Grace Hopper", "So how long is the wire of a microsecond?"),
    (54.0, 57.0, "Eileen Collins", "Three hundred metres. I could not carry it."),
)
WRITTEN: Final = (
    (19.0, "Zoé Martin", "Hello! No camera today, sorry."),
    (43.5, "Sam Rivera", "Could you send us the slides?"),
    (57.5, "Zoé Martin", "👏"),
)
CHAPTERS: Final = (
    (0, "Welcome"),
    (15, "Where compilers come from"),
    (36, "Compilers, then and now"),
    (42, "Next steps"),
    (47, "A question to all"),
)


Kind = Literal["transcript", "chat", "attendance", "chapters"]


def write_beside(recording: Path) -> dict[Kind, Path]:
    """Write the files of the demo recording beside it; gives where they are."""
    files: dict[Kind, Path] = {
        "transcript": recording.with_suffix(".transcript.vtt"),
        "chat": recording.with_suffix(".chat.txt"),
        "attendance": recording.with_suffix(".participants.csv"),
        "chapters": recording.with_suffix(".chapters.txt"),
    }
    cues = [
        f"{number}\n{_vtt(start)} --> {_vtt(end)}\n{who}: {text}\n"
        for number, (start, end, who, text) in enumerate(SPOKEN, start=1)
    ]
    files["transcript"].write_text("WEBVTT\n\n" + "\n".join(cues), encoding="utf-8")
    lines = [f"{_vtt(t_s)[:8]}\t {who}:\t{text}\n" for t_s, who, text in WRITTEN]
    files["chat"].write_text("".join(lines), encoding="utf-8")
    files["chapters"].write_text("".join(f"{t_s // 60}:{t_s % 60:02d} {title}\n" for t_s, title in CHAPTERS), "utf-8")
    with files["attendance"].open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["Name (Original Name)", "User Email", "Join Time", "Leave Time", "Duration (Minutes)", "Guest"]
        )
        for person in PEOPLE:
            joined, left = (f"10:{int(t_s) // 60:02d}:{int(t_s) % 60:02d}" for t_s in (person.joins_s, person.leaves_s))
            name = f"{person.name} (Host)" if person.name == INSTRUCTOR else person.name
            writer.writerow([name, "", joined, left, 1, "No"])
    return files


def names_by_truth(timeline: pd.DataFrame, truth: pd.DataFrame) -> dict[str, str]:
    """Who each participant with a face is, by where the truth has faces when theirs was seen.

    Args:
        timeline: of the demo's session.
        truth: the demo's CSV file.
    """
    seen = timeline[timeline["state"] == "visible"].dropna(subset=["x"])
    shown = truth[truth["state"] == "visible"]
    truth_s, truth_center = shown["t"].to_numpy(float), _centers(shown)
    names: dict[str, str] = {}
    for participant, own in seen.groupby("participant"):
        votes: list[str] = []
        for t_s, center in zip(own["t"].to_numpy(float), _centers(own), strict=True):
            there = np.flatnonzero(np.abs(truth_s - t_s) < NEAR_S)
            if len(there):
                nearest = there[((truth_center[there] - center) ** 2).sum(axis=1).argmin()]
                votes.append(str(shown["name"].iloc[nearest]))
        if votes:
            names[str(participant)] = max(sorted(set(votes)), key=votes.count)
    return names


def _centers(boxes: pd.DataFrame) -> npt.NDArray[np.float64]:
    """The centres of boxes, [n, 2] px."""
    return boxes[["x", "y"]].to_numpy(float) + boxes[["w", "h"]].to_numpy(float) / 2


def _vtt(t_s: float) -> str:
    return f"00:{int(t_s) // 60:02d}:{t_s % 60:06.3f}"
