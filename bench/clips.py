"""What the product says over time of filmed people: signals as plots, and figures by person and by group.

    python -m bench.clips CORPUS [--plots FOLDER] [--rate HZ] [--one]

Each clip of CORPUS/clips is a recording of its own. ``--one`` reads a single picture of each instead. ``--plots`` draws
the signals of those in which somebody looks away, down, or shuts their eyes, without a picture of anybody. Results and
what they mean: docs/validity.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from emorec import assets, observe, recording, resolve
from emorec.attention import signals
from emorec.faces.detect import FaceDetector
from emorec.landmarks import LandmarkReader
from emorec.settings import Settings
from emorec.types import Observations

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


def single(clips: Path) -> pd.DataFrame:
    """Pose, gaze and lids of each person in the first picture from ONE_S on."""
    import pandas as pd

    settings = Settings.load()
    model = {name: assets.locate(name, settings.assets) for name in assets.OPENED}
    reader = LandmarkReader(model["face_landmark.tflite"], model["iris_landmark.tflite"], settings.landmarks)
    rows = []
    with FaceDetector(model["face_detection_short_range.tflite"], settings.faces, threads=1) as detector:
        for path in sorted(clips.glob("person_*.mp4")):
            info = recording.probe(path, settings.recording)
            chunk = recording.plan_chunks(info, settings.recording)[0]
            with recording.SampleReader(info, chunk, settings.recording) as samples:
                sample = next(s for s in samples if s.t_s >= ONE_S)
            faces = detector.search(sample.rgb)
            row: dict[str, Any] = {"clip": path.stem, "found": float(len(faces) > 0)}
            if len(faces):
                largest = faces[[int(np.argmax(faces.box_px[:, 2]))]]
                read = signals(reader.read(sample.rgb, largest))
                row |= {column.name: float(getattr(read, column.name)[0]) for column in fields(read)}
            rows.append(row)
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
    arguments = parser.parse_args()
    if arguments.one:
        table = single(arguments.corpus / "clips")
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
