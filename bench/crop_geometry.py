"""Measure what FER2013 crops show: how the face detector's box lies in a 48×48 image of FER2013.

    python bench/crop_geometry.py FER2013.zip face_detection_short_range.tflite [IMAGES]

The medians that it prints are the constants of model/preprocess.py. Training images only.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

from model.data import load_images

UPSCALE = 4
"""FER2013's 48 px are too few for the detector; 192 are plenty."""

PAD_SHARE = 0.5
"""Border pixels are repeated by this share of the side, as the faces fill their images and the detector wants room."""


def main(source: Path, detector_model: Path, n: int) -> None:
    """Detect the face in n random training images and print the medians and quartiles of the crop's geometry."""
    import mediapipe as mp
    from mediapipe.tasks.python.core.base_options import BaseOptions
    from mediapipe.tasks.python.vision import FaceDetector, FaceDetectorOptions

    data = load_images(source, "train")
    chosen = np.random.default_rng(0).choice(len(data), min(n, len(data)), replace=False)
    side_px = data.images.shape[1] * UPSCALE
    pad_px = round(side_px * PAD_SHARE)
    options = FaceDetectorOptions(
        base_options=BaseOptions(model_asset_path=str(detector_model)), min_detection_confidence=0.5
    )
    boxes = []
    with FaceDetector.create_from_options(options) as detector:
        for image in data.images[chosen]:
            big = cv2.resize(image, (side_px, side_px), interpolation=cv2.INTER_CUBIC)
            big = cv2.copyMakeBorder(big, pad_px, pad_px, pad_px, pad_px, cv2.BORDER_REPLICATE)
            found = detector.detect(mp.Image(image_format=mp.ImageFormat.SRGB, data=np.dstack([big] * 3))).detections
            if found:
                box = max(found, key=lambda d: d.categories[0].score).bounding_box
                boxes.append([box.origin_x - pad_px, box.origin_y - pad_px, box.width, box.height])
    x, y, w, h = np.array(boxes, float).T
    print(f"{len(boxes)} faces found in {len(chosen)} images")
    for name, values in {
        "height / width of the box": h / w,
        "side of the image / width of the box": side_px / w,
        "image centre right of box centre, in box widths": (side_px / 2 - (x + w / 2)) / w,
        "image centre below box centre, in box widths": (side_px / 2 - (y + h / 2)) / w,
    }.items():
        quartiles = np.percentile(values, (25, 50, 75))
        print(f"{name}: median {quartiles[1]:.3f}, quartiles {quartiles[0]:.3f} to {quartiles[2]:.3f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 3000)
