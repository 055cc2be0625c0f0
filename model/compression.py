"""What codecs do to faces: JPEG's and H.264's noise, put on training images on the host, before they are batched."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

TILES_PER_SIDE: Final = 20
"""Faces are encoded as tiles of one picture, as a gallery of a call shows them."""


@dataclass(frozen=True)
class Compression:
    """Shares of the training images that get a codec's noise, drawn anew each epoch.

    jpeg_share, least_quality: JPEG of a quality from that to 95. h264_share, largest_crf: H.264 of a constant rate
    factor from 20 to that; recordings of calls lie between 23 and 35.
    """

    jpeg_share: float = 0.12
    least_quality: int = 25
    h264_share: float = 0.12
    largest_crf: int = 36


def compress(
    images: npt.NDArray[np.uint8], compression: Compression, rng: np.random.Generator
) -> npt.NDArray[np.uint8]:
    """Return a copy in which some images carry a codec's noise. images: uint8 [n, px, px]."""
    noisy = images.copy()
    kind = rng.random(len(images))
    for i in np.flatnonzero(kind < compression.jpeg_share):
        quality = int(rng.integers(compression.least_quality, 96))
        _, data = cv2.imencode(".jpg", images[i], [cv2.IMWRITE_JPEG_QUALITY, quality])
        seen: npt.NDArray[Any] | None = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)
        noisy[i] = images[i] if seen is None else seen
    filmed = np.flatnonzero(kind > 1 - compression.h264_share)
    for chosen in np.array_split(filmed, -(-len(filmed) // TILES_PER_SIDE**2)) if len(filmed) else []:
        noisy[chosen] = _film(images[chosen], int(rng.integers(20, compression.largest_crf + 1)))
    return noisy


def _film(images: npt.NDArray[np.uint8], crf: int) -> npt.NDArray[np.uint8]:
    """Return at most 400 images as a decoder shows them after one H.264 picture of them all."""
    import av

    px = images.shape[1]
    tiles = np.full((TILES_PER_SIDE**2, px, px), 128, np.uint8)
    tiles[: len(images)] = images
    rows = tiles.reshape(TILES_PER_SIDE, TILES_PER_SIDE, px, px).transpose(0, 2, 1, 3)
    picture = np.ascontiguousarray(rows.reshape(TILES_PER_SIDE * px, TILES_PER_SIDE * px))
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=1, options={"crf": str(crf), "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = picture.shape[1], picture.shape[0], "yuv420p"
        colour = np.repeat(picture[..., None], 3, axis=-1)
        container.mux(stream.encode(av.VideoFrame.from_ndarray(colour, format="rgb24")))
        container.mux(stream.encode(None))
    file.seek(0)
    with av.open(file, "r") as recording:
        shown = next(recording.decode(video=0)).to_ndarray(format="rgb24")[..., 1]
    cut = shown.reshape(TILES_PER_SIDE, px, TILES_PER_SIDE, px).transpose(0, 2, 1, 3).reshape(-1, px, px)
    return np.ascontiguousarray(cut[: len(images)])
