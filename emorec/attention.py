"""What landmarks say of pose, gaze, lids and mouth, and what these say of attention. Pure functions of arrays.

Three steps: :func:`signals` measures each face on its own; :func:`calibrate` learns over a whole recording where a
participant's face points when they look at the screen, and how open their eyes are; :func:`attention` says how little
a sample departs from that. It is a statement about face and eyes, not about the mind.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from emorec.settings.landmarks import LandmarksSettings
from emorec.types import Float32, Float64, Landmarks, Signals

__all__ = ["Calibration", "attention", "calibrate", "perclos", "resting_pose", "signals", "speaking"]

# Pairs of mesh points (MediaPipe's canonical numbering) that span the head's axes: from the picture's left to its right
# (outer eye corners, in front of the ears, temples, jaw), and from the top down (temple and ear to jaw). None of
# them moves with the mouth or the brows.
ACROSS = ((33, 263), (234, 454), (127, 356), (93, 323))
DOWN = ((127, 132), (356, 361), (234, 132), (454, 361))

EYES = ((33, 133), (362, 263))
"""Mesh points of the eyes' corners."""

LOWER_LID, UPPER_LID = slice(3, 6), slice(11, 14)
"""The middle three of the contour's points between the corners (0 and 8), lower and upper lid."""
CORNERS = (0, 8)
PUPIL = 0

FULL_GAZE = 0.25
"""Offset of the pupil from the middle of the eye, in eye widths, at 39°: 12 mm radius of the eyeball × sin 39° over
30 mm between the corners. That is about as far as eyes turn without the head."""

MOUTH_CORNERS = (78, 308)
LIPS = ((82, 87), (13, 14), (312, 317))
"""Inner lip points, upper and lower: left of the middle, middle, right of it."""

PRIOR_POINTS = 15
"""Quantiles that stand for the population among a participant's samples."""


def signals(landmarks: Landmarks) -> Signals:
    """Pose, gaze, eye and mouth opening of n faces, each on its own; conventions as in :mod:`emorec.types`.

    Pose is the turn of the mesh's own axes, without perspective: a face far from the picture's middle that looks at
    the camera reads some degrees. It reads 7 to 17 % small (docs/validity.md).
    """
    yaw, pitch, roll = _pose(landmarks.mesh_px.astype(np.float64))
    gaze_x, gaze_y = _gaze(landmarks.lids_px.astype(np.float64), landmarks.iris_px.astype(np.float64))
    eyes_open = _eyes_open(landmarks.lids_px.astype(np.float64), landmarks.mesh_px.astype(np.float64))
    mouth_open = _mouth(landmarks.mesh_px.astype(np.float64))
    columns = (yaw, pitch, roll, gaze_x, gaze_y, eyes_open, mouth_open)
    return Signals(*(np.asarray(column, np.float32) for column in columns))


@dataclass(frozen=True, slots=True)
class Calibration:
    """What is usual for one participant over a recording: pose (degrees), gaze (−1…1), and how open open eyes are."""

    yaw_deg: float
    pitch_deg: float
    gaze_x: float
    gaze_y: float
    open_eyes: float


def resting_pose(yaw: Float32, pitch: Float32, weights: Float32) -> tuple[float, float]:
    """Where a participant's face points most of the time, degrees: the weighted medians of yaw and pitch.

    A camera sits above or beside the screen, and a tile is not where a person looks, so that zero means little.

    Args:
        yaw: [n], NaN where not measured.
        pitch: [n], likewise.
        weights: [n], how far each sample is to be trusted, e.g. its quality; 0 leaves it out.

    Returns:
        NaN, NaN where nothing was measured.
    """
    return _weighted_quantile(yaw, weights, 0.5), _weighted_quantile(pitch, weights, 0.5)


def calibrate(measured: Signals, weights: Float32, settings: LandmarksSettings) -> Calibration:
    """What is usual for one participant, from all their samples.

    Resting pose and usual gaze are weighted medians, the level of open eyes is a quantile over the samples near the
    resting pose (elsewhere lids are foreshortened). Each is drawn towards what is usual of people while there are few
    samples: somebody who dozes or looks aside for most of a short recording has nothing of their own to compare with.

    Args:
        measured: the participant's signals over the recording, n samples.
        weights: [n], as for :func:`resting_pose`.
        settings: how many samples outweigh the population, which quantile.
    """
    yaw = _own_middle(measured.yaw, weights, settings.resting_yaw, settings)
    pitch = _own_middle(measured.pitch, weights, settings.resting_pitch, settings)
    turned = np.hypot(measured.yaw - yaw, measured.pitch - pitch)
    near = np.where(turned <= settings.near_resting_deg, weights, 0)
    own = _weighted_quantile(measured.eyes_open, near, settings.open_eyes_quantile)
    count = float(np.count_nonzero(np.isfinite(measured.eyes_open) & (near > 0)))
    share = 0.0 if np.isnan(own) else count / (count + settings.prior_samples)
    return Calibration(
        yaw,
        pitch,
        _own_middle(measured.gaze_x, weights, settings.usual_gaze_x, settings),
        _own_middle(measured.gaze_y, weights, settings.usual_gaze_y, settings),
        (share * own if share else 0.0) + (1 - share) * settings.open_eyes_population,
    )


def attention(measured: Signals, usual: Calibration, settings: LandmarksSettings) -> Float32:
    """Attention [n], 0–1: the product of three smooth factors, each 1 for what is usual and 0 far from it.

    - head: turned aside, up or down from the resting pose
    - lids: eyes less open than the participant's open eyes
    - gaze: pupils away from where they usually are

    A product, because one is enough to say that somebody does not look: a face to the camera with closed eyes. Eyes
    that could not be measured (too small) leave out the last two factors; a pose that could not be, makes it NaN.
    """
    yaw, pitch = measured.yaw - usual.yaw_deg, measured.pitch - usual.pitch_deg
    head = _falling(np.abs(yaw), settings.aside_from_deg, settings.aside_to_deg)
    head *= _falling(pitch, settings.up_from_deg, settings.up_to_deg)
    head *= _falling(-pitch, settings.down_from_deg, settings.down_to_deg)
    opening = measured.eyes_open / usual.open_eyes
    lids = 1 - _falling(opening, settings.closed_at, settings.open_at)
    aside = np.hypot(measured.gaze_x - usual.gaze_x, measured.gaze_y - usual.gaze_y)
    gaze = _falling(aside, settings.gaze_from, settings.gaze_to)
    value = head * np.where(np.isfinite(lids), lids, 1) * np.where(np.isfinite(gaze), gaze, 1)
    return np.asarray(value, np.float32)


def perclos(eyes_open: Float32, t_s: Float64, usual: Calibration, settings: LandmarksSettings) -> Float32:
    """PERCLOS P80 [n], 0–1: share of the samples in the last ``perclos_window_s`` whose eyes were at least 80 % closed.

    Closure is counted from the participant's open level down to ``closed_at`` of it, where the landmark network sees
    shut lids. NaN where under half of the window's samples were measured, or the window is not yet half full.

    Source: Wierwille et al. 1994, DOT HS 808 247; Dinges and Grace 1998, FHWA-MCRT-98-006.
    """
    opening = eyes_open / usual.open_eyes
    shut = settings.closed_at + (1 - 0.8) * (settings.open_at - settings.closed_at)
    known = np.isfinite(opening)
    closed = known & (opening <= shut)
    start = np.searchsorted(t_s, t_s - settings.perclos_window_s, side="right")
    stop = np.arange(1, len(t_s) + 1)
    count = _sum_between(known, start, stop)
    spread = t_s - t_s[start] if len(t_s) else t_s
    enough = (count >= settings.perclos_coverage * (stop - start)) & (
        spread >= settings.perclos_coverage * settings.perclos_window_s
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(enough, _sum_between(closed, start, stop) / count, np.nan).astype(np.float32)


def speaking(mouth_open: Float32, t_s: Float64, settings: LandmarksSettings) -> Float32:
    """A hint [n], 0–1, of who talks: how much a mouth's opening moves around each sample. No sound is heard.

    The mean absolute change of the opening between neighbouring samples, over ``speaking_window_s`` around each sample,
    on a scale from ``speaking_still`` to ``speaking_lively``. A yawn or a smile is one change, speech is many. Give it
    the samples of one participant in order of time; changes across gaps longer than half the window do not count, nor
    does an opening that is the one before to the last digit amid others: it was not read anew. NaN where fewer than two
    changes are known.
    """
    n = len(mouth_open)
    change = np.full(n, np.nan)
    change[1:] = np.abs(np.diff(mouth_open.astype(np.float64)))
    change[1:][np.diff(t_s) > settings.speaking_window_s / 2] = np.nan
    moved = np.concatenate([[False], change > 0, [False]])
    change[(change == 0) & moved[:-2] & moved[2:]] = np.nan
    # One change, however large, is not speech.
    bounded = np.minimum(change, settings.speaking_lively)
    known = np.isfinite(bounded)
    start = np.searchsorted(t_s, t_s - settings.speaking_window_s / 2)
    stop = np.searchsorted(t_s, t_s + settings.speaking_window_s / 2, side="right")
    count = _sum_between(known, start, stop)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = _sum_between(np.where(known, bounded, 0), start, stop) / count
    value = (mean - settings.speaking_still) / (settings.speaking_lively - settings.speaking_still)
    return np.where(count >= 2, np.clip(value, 0, 1), np.nan).astype(np.float32)


def _pose(mesh: Float64) -> tuple[Float64, Float64, Float64]:
    """Yaw, pitch and roll [n] in degrees from meshes [n, 468, 3]."""
    across = _unit(sum(mesh[:, b] - mesh[:, a] for a, b in ACROSS))  # type: ignore[arg-type]
    down: Float64 = sum(mesh[:, b] - mesh[:, a] for a, b in DOWN)  # type: ignore[assignment]
    down = _unit(down - (down * across).sum(axis=1, keepdims=True) * across)
    # x right and y down: their product points away from the camera, into the head.
    forward = -np.cross(across, down)
    yaw = np.arctan2(forward[:, 0], -forward[:, 2])
    pitch = np.arctan2(-forward[:, 1], np.hypot(forward[:, 0], forward[:, 2]))
    # The axis across, of a head with this yaw and pitch and no roll, and the one down of it.
    level = np.column_stack([np.cos(yaw), np.zeros_like(yaw), np.sin(yaw)])
    roll = np.arctan2((across * np.cross(-forward, level)).sum(axis=1), (across * level).sum(axis=1))
    return np.degrees(yaw), np.degrees(pitch), np.degrees(roll)


def _eye_axes(lids: Float64) -> tuple[Float64, Float64, Float64]:
    """Of each eye: unit vectors [n, 2, 2] along it (to the right) and down from it, and its width [n, 2], px."""
    along = lids[:, :, CORNERS[1]] - lids[:, :, CORNERS[0]]
    # Contours run from the outer corner, so that the second eye's points leftwards.
    along[:, 1] *= -1
    width = np.linalg.norm(along, axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        along = along / width[..., None]
    return along, np.stack([-along[..., 1], along[..., 0]], axis=-1), width


def _gaze(lids: Float64, iris: Float64) -> tuple[Float64, Float64]:
    """Offset of the pupils from the middle of the eyes, to the picture's right and up, −1…1, [n] each."""
    along, down, width = _eye_axes(lids)
    pupil = iris[:, :, PUPIL] - (lids[:, :, CORNERS[0]] + lids[:, :, CORNERS[1]]) / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        right = ((pupil * along).sum(axis=-1) / width).mean(axis=1) / FULL_GAZE
        up = -((pupil * down).sum(axis=-1) / width).mean(axis=1) / FULL_GAZE
    return np.clip(right, -1, 1), np.clip(up, -1, 1)


def _eyes_open(lids: Float64, mesh: Float64) -> Float64:
    """Height of the lids' opening over the eyes' width, both eyes together, [n].

    The width is the mesh's, in three dimensions, which does not shrink when the head turns aside.
    """
    _, down, _ = _eye_axes(lids)
    height = ((lids[:, :, LOWER_LID] - lids[:, :, UPPER_LID]) * down[:, :, None]).sum(axis=-1).mean(axis=-1)
    width = np.stack([np.linalg.norm(mesh[:, b] - mesh[:, a], axis=1) for a, b in EYES], axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.maximum(height, 0).sum(axis=1) / width.sum(axis=1))


def _mouth(mesh: Float64) -> Float64:
    """Distance of the inner lips over the mouth's width [n], in the mesh's three dimensions."""
    opening = np.mean([np.linalg.norm(mesh[:, a] - mesh[:, b], axis=1) for a, b in LIPS], axis=0)
    width = np.linalg.norm(mesh[:, MOUTH_CORNERS[0]] - mesh[:, MOUTH_CORNERS[1]], axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(opening / width)


def _unit(vectors: Float64) -> Float64:
    """Vectors [n, 3] of length one."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def _falling(value: NDArray[np.floating], start: float, end: float) -> Float64:
    """1 up to ``start``, 0 from ``end`` on, smooth between (smoothstep)."""
    t = np.clip((value - start) / (end - start), 0, 1)
    return np.asarray(1 - t * t * (3 - 2 * t), np.float64)


def _own_middle(
    values: Float32, weights: Float32, population: tuple[float, float], settings: LandmarksSettings
) -> float:
    """The weighted median of values [n], with ``prior_samples`` more of the population (mean, deviation) among them;
    NaN where nothing was measured."""
    kept = np.isfinite(values) & (weights > 0)
    if not kept.any():
        return float("nan")
    typical = NormalDist(*population)
    points = [typical.inv_cdf((k + 0.5) / PRIOR_POINTS) for k in range(PRIOR_POINTS)]
    each = float(weights[kept].mean()) * settings.prior_samples / PRIOR_POINTS
    return _weighted_quantile(
        np.concatenate([values[kept], points]).astype(np.float32),
        np.concatenate([weights[kept], np.full(PRIOR_POINTS, each)]),
        0.5,
    )


def _weighted_quantile(values: Float32, weights: NDArray[np.floating], quantile: float) -> float:
    """The value below which this share of the weight lies; NaN where no finite value has weight."""
    kept = np.isfinite(values) & (weights > 0)
    if not kept.any():
        return float("nan")
    order = np.argsort(values[kept], kind="stable")
    ordered, heavy = values[kept][order].astype(np.float64), weights[kept][order].astype(np.float64)
    middle = np.cumsum(heavy) - heavy / 2
    return float(np.interp(quantile * heavy.sum(), middle, ordered))


def _sum_between(values: NDArray[np.generic], start: NDArray[np.integer], stop: NDArray[np.integer]) -> Float64:
    """Sums of ``values[start:stop]`` for each pair of bounds."""
    total = np.concatenate([[0.0], np.cumsum(np.asarray(values, np.float64))])
    return np.asarray(total[stop] - total[start])
