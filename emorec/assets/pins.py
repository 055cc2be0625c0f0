"""Which third-party model files emorec uses, and from which package on the package index each comes."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "EMBEDDER",
    "EMBEDDER_SOURCE",
    "MEDIAPIPE",
    "MEMBERS",
    "NAMES",
    "OCR_MODELS",
    "PLATES",
    "RECOGNITION_MODELS",
    "Member",
    "Package",
]


@dataclass(frozen=True)
class Package:
    """A file of a package on the package index: the requirement, its sha256, and what picks it among its siblings."""

    requirement: str
    sha256: str
    pip_options: tuple[str, ...]


@dataclass(frozen=True)
class Member:
    """A file inside a package's archive, known by the end of its path, with its sha256."""

    package: Package
    path: str
    sha256: str


# The last wheel of mediapipe that carries Google's models (Apache-2.0). They are the same on every platform, so that
# the one wheel serves all.
MEDIAPIPE = Package(
    "mediapipe==0.10.21",
    "05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3",
    ("--only-binary=:all:", "--python-version=3.11", "--platform=manylinux_2_28_x86_64"),
)

# A source package that holds nothing but model files (CC0); it has no wheel.
RECOGNITION_MODELS = Package(
    "face_recognition_models==0.3.0",
    "b79bd200a88c87c9a9d446c990ae71c5a626d1f3730174e6d570157ff1d896cf",
    ("--no-binary=face-recognition-models",),
)

# A wheel that carries PaddleOCR's networks (Apache-2.0) as ONNX files, which OpenCV runs.
OCR_MODELS = Package(
    "rapidocr==3.10.0",
    "2fc34e26cd0f48514804a94f8832283039c7334076bff60768b1fed9ad068050",
    ("--only-binary=:all:",),
)

MEMBERS: dict[str, Member] = {
    "face_detection_short_range.tflite": Member(
        MEDIAPIPE,
        "mediapipe/modules/face_detection/face_detection_short_range.tflite",
        "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
    ),
    "face_detection_full_range_sparse.tflite": Member(
        MEDIAPIPE,
        "mediapipe/modules/face_detection/face_detection_full_range_sparse.tflite",
        "2c3728e6da56f21e21a320433396fb06d40d9088f2247c05e5635a688d45dfe1",
    ),
    "face_landmark.tflite": Member(
        MEDIAPIPE,
        "mediapipe/modules/face_landmark/face_landmark.tflite",
        "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
    ),
    "iris_landmark.tflite": Member(
        MEDIAPIPE,
        "mediapipe/modules/iris_landmark/iris_landmark.tflite",
        "d1744d2a09c25f501d39eba4faff47e53ecca8852c5ce19bce8eeac39357521f",
    ),
    "text_detection.onnx": Member(
        OCR_MODELS,
        "rapidocr/models/PP-OCRv6_det_small.onnx",
        "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
    ),
    "text_recognition.onnx": Member(
        OCR_MODELS,
        "rapidocr/models/PP-OCRv6_rec_small.onnx",
        "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
    ),
}
"""The files that are used as they are."""

EMBEDDER = "face_embedder.tflite"
"""The one file that is built here; see :mod:`emorec.assets.build_embedder`."""

EMBEDDER_SOURCE = Member(
    RECOGNITION_MODELS,
    "face_recognition_models/models/dlib_face_recognition_resnet_model_v1.dat",
    "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
)

PLATES = ("text_detection.onnx", "text_recognition.onnx")
"""The files that reading name plates needs; brought on request only."""

NAMES = (*(name for name in MEMBERS if name not in PLATES), EMBEDDER)
"""Every file that is brought and verified without being asked for."""
