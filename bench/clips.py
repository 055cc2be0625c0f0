"""What the product says over time of filmed people: signals as plots, and figures by person and by group.

    python -m bench.clips CORPUS [--plots FOLDER] [--rate HZ] [--one [--face PX] [--light SHARE]]

Each clip of CORPUS/clips is a recording of its own. ``--one`` reads a single picture of each instead, as it is, or with
a small face in a large picture (``--face``) and little light (``--light``), and says how far that reads otherwise.
``--plots`` draws the signals of those in which somebody looks away, down, or shuts their eyes, without a picture of
anybody. Results and what they mean: docs/validity.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from emorec import assets, observe, recording, resolve
from emorec.attention import signals
from emorec.faces.detect import FaceDetector
from emorec.landmarks import LandmarkReader
from emorec.settings import Settings
from emorec.types import Observations, UInt8

if TYPE_CHECKING:
    import pandas as pd

PLOTTED = {
    "person_15": "shuts her eyes, hides them, looks up",
    "person_23": "looks to all sides and down",
    "person_36": "looks aside",
    "person_38": "moves the head a lot",
    "person_28": "looks down, glasses",
    "person_39": "talks, hardly moves",
}
GROUPS = {
    "glasses": (28, 35, 42),
    "head covering": (23,),
    "Black": (20, 49, 58),
    "East Asian": (16, 21, 22, 32, 38, 50, 63, 65, 68),
    "South Asian": (52,),
    "dim light": (27, 28),
    "older": (26, 27, 28, 30, 35, 39, 45, 65, 68),
}
"""Numbers of the clips that show people of each group, as the corpus describes them; everybody else is "others"."""
ONE_S = 0.5
WALL_PX, WALL = (1280, 720), 96
"""Size and grey level of the picture in which a small face is shown."""
NOISE = 3.0
"""Deviation of the noise of little light, grey levels."""
BACKGROUND = "#ffffff"


def timelines(clips: Path, rate_hz: float) -> Iterator[tuple[str, pd.DataFrame]]:
    """Name and timeline of every clip; of several participants (a false one) the one seen most."""
    settings = Settings.load(recording={"rate_hz": rate_hz})
    with observe.Observer(settings) as observer:
        for path in sorted(clips.glob("person_*.mp4")):
            info = recording.probe(path, settings.recording)
            parts = []
            for chunk in recording.plan_chunks(info, settings.recording):
                with recording.SampleReader(info, chunk, settings.recording) as reader:
                    parts.append(observer.observe(reader).observations)
            seen = Observations.concatenate(parts)
            found = resolve.resolve(seen, session="0" * 16, duration_s=info.duration_s, settings=settings)
            table = found.tables["timeline"].to_pandas()
            usual = table.groupby("participant").score.count()
            chosen = table[table.participant == usual.idxmax()].set_index("t") if len(usual) else table.set_index("t")
            yield path.stem, chosen.reindex(seen.samples.t_s)


def figures(name: str, timeline: pd.DataFrame) -> dict[str, Any]:
    """What one clip comes to."""
    known = timeline.attention.notna()
    steps = timeline[["yaw", "pitch"]].diff().abs()
    return {
        "clip": name,
        "found": timeline.score.notna().mean(),
        "read": known.mean(),
        "width": timeline.w.median(),
        "open_eyes": timeline.eyes_open.quantile(0.75),
        "lids_spread": timeline.eyes_open.std() / timeline.eyes_open.mean(),
        "pose_step": float(np.nanmedian(steps.to_numpy())),
        "yaw_range": timeline.yaw.quantile(0.95) - timeline.yaw.quantile(0.05),
        "attention": timeline.attention.mean(),
        "speaking": timeline.speaking.mean(),
    }


@dataclass(frozen=True)
class Staging:
    """How a picture is shown: width of the face, px, and share of its light; None and 1 for as it is."""

    face_px: float | None = None
    light: float = 1.0

    def shown(self, rgb: UInt8, width_px: float) -> UInt8:
        """A picture whose face is ``width_px`` wide, small in the middle of a wall, and dark with a camera's noise."""
        if self.face_px is not None:
            scale = self.face_px / width_px
            size = round(rgb.shape[1] * scale), round(rgb.shape[0] * scale)
            small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
            rgb = np.full((*WALL_PX[::-1], 3), WALL, np.uint8)
            x, y = (WALL_PX[0] - size[0]) // 2, (WALL_PX[1] - size[1]) // 2
            rgb[y : y + size[1], x : x + size[0]] = small
        if self.light < 1:
            noise = np.random.default_rng(0).normal(0, NOISE, rgb.shape)
            rgb = np.clip(np.rint(rgb * self.light + noise), 0, 255).astype(np.uint8)
        return rgb


def single(clips: Path, staging: Staging) -> pd.DataFrame:
    """Pose, gaze and lids of each person in the first picture from ONE_S on, and how far pose and lids read otherwise
    than in the picture as it is."""
    import pandas as pd

    settings = Settings.load()
    model = {name: assets.locate(name, settings.assets) for name in assets.OPENED}
    reader = LandmarkReader(model["face_landmark.tflite"], model["iris_landmark.tflite"], settings.landmarks)
    rows = []
    with FaceDetector(model["face_detection_short_range.tflite"], settings.faces, threads=1) as detector:

        def read(rgb: UInt8) -> tuple[float, dict[str, float]]:
            """The width of the largest face, NaN where none is found, and its signals where a mesh fits."""
            faces = detector.search(rgb)
            if not len(faces):
                return float("nan"), {}
            largest = faces[[int(np.argmax(faces.box_px[:, 2]))]]
            landmarks = reader.read(rgb, largest)
            width_px = float(largest.box_px[0, 2])
            if landmarks.presence[0] < settings.faces.min_presence:
                return width_px, {}
            measured = signals(landmarks)
            return width_px, {column.name: float(getattr(measured, column.name)[0]) for column in fields(measured)}

        for path in sorted(clips.glob("person_*.mp4")):
            info = recording.probe(path, settings.recording)
            chunk = recording.plan_chunks(info, settings.recording)[0]
            with recording.SampleReader(info, chunk, settings.recording) as samples:
                sample = next(s for s in samples if s.t_s >= ONE_S)
            width_px, whole = read(sample.rgb)
            shown_px, seen = read(staging.shown(sample.rgb, width_px))
            row: dict[str, Any] = {"clip": path.stem, "found": float(np.isfinite(shown_px)), "read": float(bool(seen))}
            if seen and whole:
                row["pose_off"] = (abs(seen["yaw"] - whole["yaw"]) + abs(seen["pitch"] - whole["pitch"])) / 2
                row["lids_off"] = abs(seen["eyes_open"] - whole["eyes_open"])
            rows.append(row | seen)
    return pd.DataFrame(rows).set_index("clip")


def by_group(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The rows of each group; somebody may be in several, or in "others"."""
    number = table.index.str.removeprefix("person_").astype(int)
    grouped = {group: table[number.isin(members)] for group, members in GROUPS.items()}
    everyone = [member for members in GROUPS.values() for member in members]
    grouped["others"] = table[~number.isin(everyone)]
    return {group: part for group, part in grouped.items() if len(part)}


def plot(name: str, what: str, timeline: pd.DataFrame, folder: Path) -> None:
    """Draw a clip's signals over time as an SVG."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "emorec", "svg.fonttype": "none", "font.size": 9})
    from matplotlib import pyplot

    rows = (
        ("degrees", ("yaw", "pitch", "roll"), None),
        ("gaze, −1…1", ("gaze_x", "gaze_y"), (-1, 1)),
        ("ratio", ("eyes_open", "mouth_open"), (0, None)),
        ("0–1", ("attention", "speaking"), (-0.05, 1.05)),
    )
    figure, axes = pyplot.subplots(len(rows), sharex=True, figsize=(8, 6.5), layout="constrained")
    for axis, (unit, columns, limits) in zip(axes, rows, strict=True):
        for column in columns:
            axis.plot(timeline.index, timeline[column], label=column, linewidth=1.3)
        axis.set_ylabel(unit)
        axis.grid(alpha=0.3)
        axis.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
        if limits is not None:
            axis.set_ylim(*limits)
    axes[0].set_title(f"{name}: {what}")
    axes[-1].set_xlabel("s")
    figure.savefig(folder / f"{name}.svg", metadata={"Date": None}, facecolor=BACKGROUND)
    pyplot.close(figure)


def main() -> None:
    """Print figures of every clip and group, draw some."""
    import pandas as pd

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--plots", type=Path, help="a folder for the plots")
    parser.add_argument("--rate", type=float, default=4.0, help="samples a second")
    parser.add_argument("--one", action="store_true", help="a single picture of each")
    parser.add_argument("--face", type=float, help="width of the face in it, px")
    parser.add_argument("--light", type=float, default=1.0, help="share of its light")
    arguments = parser.parse_args()
    if arguments.one:
        table = single(arguments.corpus / "clips", Staging(arguments.face, arguments.light))
        print(table.describe().loc[["count", "mean", "std", "min", "50%", "max"]].round(2).to_string())
        for group, part in by_group(table).items():
            print(f"{group}: {len(part)} people")
            print(part.describe().loc[["mean", "min", "max"]].round(2).to_string())
        return
    rows = []
    for name, timeline in timelines(arguments.corpus / "clips", arguments.rate):
        rows.append(figures(name, timeline))
        print(", ".join(f"{k} {v:.2f}" if isinstance(v, float) else str(v) for k, v in rows[-1].items()), flush=True)
        if arguments.plots is not None and name in PLOTTED:
            arguments.plots.mkdir(parents=True, exist_ok=True)
            plot(name, PLOTTED[name], timeline, arguments.plots)
    table = pd.DataFrame(rows).set_index("clip")
    grouped = by_group(table)
    means = pd.DataFrame({group: part.mean() for group, part in grouped.items()}).T
    means.insert(0, "people", [len(part) for part in grouped.values()])
    means["attention_least"] = [part.attention.min() for part in grouped.values()]
    print(means.round(3).to_string())


if __name__ == "__main__":
    main()
