"""What a face costs once it is found: mesh, eyes, signals and attention, in CPU milliseconds, at 25 people.

    python -m bench.face_cost [--people N] [--passes N]

Composes a few pictures of a call in 1080p, finds their faces (not measured), and reads them again and again in one
thread, as an analysis does. CPU time of this process only; other work on the machine still makes it slower, through
caches and shared cores: the least of the passes is nearest to an idle machine. Takes about a minute.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from bench.meetings import Meeting, compose
from emorec import assets, recording
from emorec.attention import attention, calibrate, signals
from emorec.faces.detect import FaceDetector
from emorec.landmarks import LandmarkReader
from emorec.settings import Settings
from emorec.types import Detections, Float64, Signals, UInt8

SECONDS = 4.0
SIZE_PX = (1920, 1080)
TARGET_MS = 5.0
PARTS = ("mesh", "eyes", "signals", "attention")


def pictures(people: int, settings: Settings) -> list[tuple[UInt8, Detections]]:
    """The samples of a composed call, and the faces found in each."""
    path = assets.locate("face_detection_short_range.tflite", settings.assets)
    with tempfile.TemporaryDirectory() as folder, FaceDetector(path, settings.faces, threads=1) as detector:
        info = recording.probe(compose(Meeting(people, SIZE_PX, SECONDS), Path(folder)), settings.recording)
        found = []
        for chunk in recording.plan_chunks(info, settings.recording):
            with recording.SampleReader(info, chunk, settings.recording) as reader:
                found += [(sample.rgb, detector.search(sample.rgb)) for sample in reader]
    return found


def one_pass(shown: list[tuple[UInt8, Detections]], reader: LandmarkReader, settings: Settings) -> Float64:
    """Read all faces once, and score each place in the picture as one participant: CPU seconds of each part [4]."""
    spent, read = np.zeros(len(PARTS)), []
    for rgb, faces in shown:
        times = [time.process_time()]
        meshes = reader.read_meshes(rgb, faces)
        times.append(time.process_time())
        whole = reader.read_eyes(rgb, meshes, np.ones(len(faces), bool))
        times.append(time.process_time())
        read.append((signals(whole), whole.presence))
        times.append(time.process_time())
        spent[:3] += np.diff(times)
    rows = np.concatenate([np.arange(len(presence)) for _, presence in read])
    measured = Signals.concatenate([part for part, _ in read])
    presence = np.concatenate([part for _, part in read])
    started = time.process_time()
    for place in np.unique(rows):
        own = measured[rows == place]
        attention(own, calibrate(own, presence[rows == place], settings.landmarks), settings.landmarks)
    spent[3] = time.process_time() - started
    return spent


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--people", type=int, default=25)
    parser.add_argument("--passes", type=int, default=30)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    settings = Settings.load()
    shown = pictures(arguments.people, settings)
    faces = sum(len(found) for _, found in shown)
    widths = np.concatenate([found.box_px[:, 2] for _, found in shown])
    mesh, iris = (assets.locate(f"{name}_landmark.tflite", settings.assets) for name in ("face", "iris"))
    reader = LandmarkReader(mesh, iris, settings.landmarks)
    one_pass(shown[:1], reader, settings)
    table = 1e3 / faces * np.array([one_pass(shown, reader, settings) for _ in range(arguments.passes)])
    print(
        f"{len(shown)} pictures, {faces} faces of {np.median(widths):.0f} px (median), {arguments.passes} passes; load "
        f"of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )
    columns = {
        **dict(zip(PARTS, table.T, strict=True)),
        "all": table.sum(axis=1),
        "all, eyes in turn": table.sum(axis=1) - table[:, PARTS.index("eyes")] / 2,
    }
    for name, values in columns.items():
        print(f"  {name}: {np.median(values):.2f} ms CPU a face (least {values.min():.2f}, most {values.max():.2f})")
    print(f"  {np.mean(columns['all'] < TARGET_MS):.0%} of the passes are under {TARGET_MS:g} ms with all eyes")


if __name__ == "__main__":
    main()
