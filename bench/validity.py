"""Measure how far pose, lids and attention are to be trusted, on photographs with known answers.

    python -m bench.validity CORPUS [--side PX] [--find-at PX] [--images N] [--only SET]

CORPUS holds eye_state.zip, head_pose.zip and engagement_wacv.zip. Nothing is fitted: each participant is calibrated to
their own photographs without their labels, as an analysis does. Results and what they mean: docs/validity.md.
"""

from __future__ import annotations

import argparse
import csv
import io
import time
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata, spearmanr

from emorec import assets
from emorec.attention import attention, calibrate, signals
from emorec.faces.detect import FaceDetector
from emorec.landmarks import LandmarkReader
from emorec.settings import Settings
from emorec.types import Detections, Landmarks, Signals, UInt8

PAD_SHARE = 0.4
"""The photographs are tight crops; borders are repeated by this share, which detectors want."""

LEVELS = ("not_engaged", "partially_engaged", "engaged")
SETS = ("eye_state", "head_pose", "engagement_wacv")
POSE_RANGE_DEG = 30.0


@dataclass(frozen=True)
class Photographs:
    """What was read from those photographs of a zip in which a face was found: names, signals, presence, box widths."""

    names: list[str]
    measured: Signals
    presence: NDArray[np.float32]
    width_px: NDArray[np.float32]
    found: float
    cpu_ms: float


def read(source: Path, side_px: int, most: int | None, find_px: int | None = None) -> Photographs:
    """Signals of the face in each photograph of a zip, made grey and ``side_px`` wide: both would leak labels.

    ``find_px``: faces are found in photographs so wide instead, so that small and large ones are of the same people.
    """
    settings = Settings.load()
    model = {name: assets.locate(name, settings.assets) for name in assets.NAMES}
    reader = LandmarkReader(model["face_landmark.tflite"], model["iris_landmark.tflite"], settings.landmarks)
    names, landmarks, widths, seconds = [], [], [], 0.0
    with (
        zipfile.ZipFile(source) as archive,
        FaceDetector(model["face_detection_short_range.tflite"], settings.faces, threads=1) as detector,
    ):
        images = sorted(n for n in archive.namelist() if n.endswith(".jpg"))
        if most is not None and most < len(images):
            images = [images[i] for i in np.linspace(0, len(images) - 1, most).astype(int)]
        for name in images:
            rgb = _prepared(archive.read(name), side_px)
            faces = detector.search(_prepared(archive.read(name), find_px) if find_px else rgb)
            if not len(faces):
                continue
            face: Detections = faces[[int(np.argmax(faces.score * faces.box_px[:, 2]))]]
            if find_px:
                scale = np.float32(side_px / find_px)
                face = replace(face, box_px=face.box_px * scale, points_px=face.points_px * scale)
            start = time.process_time()
            landmarks.append(reader.read(rgb, face))
            seconds += time.process_time() - start
            names.append(name)
            widths.append(face.box_px[0, 2])
    all_landmarks = Landmarks.concatenate(landmarks)
    return Photographs(
        names,
        signals(all_landmarks),
        all_landmarks.presence,
        np.asarray(widths, np.float32),
        len(names) / len(images),
        1e3 * seconds / len(names),
    )


def _prepared(jpeg: bytes, side_px: int) -> UInt8:
    grey = np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE))
    shrinks = grey.shape[0] > side_px
    grey = cv2.resize(grey, (side_px, side_px), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    pad = round(PAD_SHARE * side_px)
    grey = cv2.copyMakeBorder(grey, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
    return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), np.uint8)


def auc(higher: NDArray[np.floating], lower: NDArray[np.floating]) -> float:
    """Chance that one of ``higher`` exceeds one of ``lower`` (area under the ROC curve); NaN are left out."""
    a, b = higher[np.isfinite(higher)], lower[np.isfinite(lower)]
    ranks = rankdata(np.concatenate([a, b]))
    return float((ranks[: len(a)].sum() - len(a) * (len(a) + 1) / 2) / (len(a) * len(b)))


def eyes(photographs: Photographs) -> None:
    """Open against shut eyes."""
    opening = photographs.measured.eyes_open
    is_open = np.array(["/open/" in name for name in photographs.names])
    print(f"  eyes_open, open against shut: AUC {auc(opening[is_open], opening[~is_open]):.4f}")
    print(f"  medians {np.nanmedian(opening[is_open]):.3f} open, {np.nanmedian(opening[~is_open]):.3f} shut")
    print(f"  measured on {np.isfinite(opening).mean():.1%} of the faces")


def engagement(photographs: Photographs) -> None:
    """Attention against what people said of the photographs; each subject calibrated to their own."""
    label = np.array([LEVELS.index(PurePosixPath(name).parent.name) for name in photographs.names])
    subject = np.array([PurePosixPath(name).name.partition("_")[0] for name in photographs.names])
    nothing = np.full(len(label), np.nan, np.float32)
    measured = photographs.measured
    variants = {
        "attention": measured,
        "without gaze": replace(measured, gaze_x=nothing, gaze_y=nothing),
        "head alone": replace(measured, gaze_x=nothing, gaze_y=nothing, eyes_open=nothing),
    }
    settings = Settings.load().landmarks
    for name, part in variants.items():
        value = nothing.copy()
        for one in np.unique(subject):
            rows = subject == one
            usual = calibrate(part[rows], photographs.presence[rows], settings)
            value[rows] = attention(part[rows], usual, settings)
        means = ", ".join(f"{np.nanmean(value[label == level]):.2f}" for level in range(len(LEVELS)))
        known = np.isfinite(value)
        within = [
            auc(value[(label == 2) & (subject == s)], value[(label == 0) & (subject == s)]) for s in np.unique(subject)
        ]
        print(
            f"  {name}: AUC engaged / not {auc(value[label == 2], value[label == 0]):.3f}, partially / not "
            f"{auc(value[label == 1], value[label == 0]):.3f}, within subjects {np.mean(within):.3f} "
            f"(least {np.min(within):.3f}), rank correlation {spearmanr(value[known], label[known])[0]:.3f}, "
            f"means not, partially, engaged {means}"
        )
    chance = [auc(*_split(np.random.default_rng(seed).permutation(label))) for seed in range(200)]
    print(
        f"  chance (labels shuffled, 200 times): AUC {np.mean(chance):.3f}, 95 % below {np.quantile(chance, 0.95):.3f}"
    )


def _split(label: NDArray[np.integer]) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    order = np.arange(len(label), dtype=np.float64)
    return order[label == 2], order[label == 0]


def poses(photographs: Photographs, source: Path) -> None:
    """Yaw and pitch against known angles, as measured and after each subject's frontal photograph is made zero."""
    with zipfile.ZipFile(source) as archive:
        table = list(csv.DictReader(io.StringIO(archive.read("poses.csv").decode())))
    known = {row["file"]: (float(row["yaw"]), float(row["pitch"])) for row in table}
    subjects = {row["file"]: row["subject"] for row in table}
    truth = np.array([known[name] for name in photographs.names])
    subject = np.array([subjects[name] for name in photographs.names])
    near = (np.abs(truth) <= POSE_RANGE_DEG).all(axis=1)
    print(f"  {near.sum()} photographs with |yaw|, |pitch| ≤ {POSE_RANGE_DEG:.0f}°")
    for column, name in enumerate(("yaw", "pitch")):
        angle = getattr(photographs.measured, name).astype(np.float64)
        offset = np.full(len(angle), np.nan)
        for one in np.unique(subject):
            frontal = (subject == one) & (truth == 0).all(axis=1)
            if frontal.any():
                offset[subject == one] = angle[frontal].mean()
        error, calibrated = angle - truth[:, column], angle - offset - truth[:, column]
        use = near & np.isfinite(calibrated) & ~(truth == 0).all(axis=1)
        gain = np.polyfit(truth[near, column], angle[near], 1)[0]
        turned = near & (np.abs(truth[:, column]) >= 20) & np.isfinite(offset)
        sign = np.mean(np.sign((angle - offset)[turned]) == np.sign(truth[turned, column]))
        print(
            f"  {name}: mean error {np.abs(error[near]).mean():.1f}°, calibrated {np.abs(calibrated[use]).mean():.1f}° "
            f"({use.sum()} photographs), gain {gain:.2f}, correlation "
            f"{np.corrcoef(angle[near], truth[near, column])[0, 1]:.3f}, right sign beyond 20° {sign:.1%}"
        )


def main() -> None:
    """Print all measurements."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--side", type=int, default=200, help="photographs are made so wide, px")
    parser.add_argument("--find-at", type=int, help="faces are found in photographs so wide, px; usually the same")
    parser.add_argument("--images", type=int, help="at most so many of each set, evenly spread")
    parser.add_argument("--only", choices=SETS, help="this set alone")
    arguments = parser.parse_args()
    for name in [arguments.only] if arguments.only else SETS:
        source = arguments.corpus / f"{name}.zip"
        photographs = read(source, arguments.side, arguments.images, arguments.find_at)
        print(
            f"{name}: {len(photographs.names)} faces ({photographs.found:.1%} found), median width "
            f"{np.median(photographs.width_px):.0f} px, landmarks {photographs.cpu_ms:.1f} ms CPU a face"
        )
        match name:
            case "eye_state":
                eyes(photographs)
            case "head_pose":
                poses(photographs, source)
            case _:
                engagement(photographs)


if __name__ == "__main__":
    main()
