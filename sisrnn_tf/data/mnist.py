"""MNIST in grey levels: 50,000 / 10,000 / 10,000, the last of the training file for validation."""

import pathlib

import numpy as np

from sisrnn_tf.data import files, prepared

MAXIMUM = 255
_NUM_VALIDATION = 10_000
_FILE = "mnist.npz"


def find(data_dir: str | None, download: bool) -> pathlib.Path | None:
    """Returns the path of Keras' mnist.npz; None where TFDS has the data, or may fetch it.

    Args:
        data_dir: folder of mnist.npz, or of TFDS.
        download: whether TFDS may use the network.

    Raises:
        ValueError: there is neither.
    """
    paths = files.find(data_dir, [_FILE])
    if paths is None and not prepared.may_be("mnist", data_dir, download):
        raise _missing(data_dir)
    return paths[0] if paths else None


def _missing(data_dir: str | None) -> ValueError:
    return files.missing("mnist", f"{_FILE}, Keras' own file,", data_dir)


def read(data_dir: str | None, download: bool) -> dict[str, np.ndarray]:
    """Returns split -> uint8 `[N, 28, 28]` of levels 0..255, from Keras' mnist.npz or TFDS.

    Args:
        data_dir: folder of mnist.npz, or of TFDS.
        download: whether TFDS may use the network.

    Raises:
        ValueError: there is no data, or the file is damaged.
    """
    path = find(data_dir, download)
    if path is None:
        images = prepared.read("mnist", ("train", "test"), data_dir, download)
        if images is None:
            raise _missing(data_dir)
        train, test = images
    else:
        arrays = files.read_npz(path, ("x_train", "x_test"))
        train, test = arrays["x_train"], arrays["x_test"]
        for name, array in arrays.items():
            if array.dtype != np.uint8 or array.shape[1:] != (28, 28):
                raise ValueError(f"{path}: `{name}` must be uint8 [N, 28, 28]. Received {array.dtype} {array.shape}")
    if len(train) <= _NUM_VALIDATION:
        raise ValueError(
            f"MNIST must have more than {_NUM_VALIDATION} training images, of which so many are for validation. "
            f"Received {len(train)}"
        )
    return {"train": train[:-_NUM_VALIDATION], "validation": train[-_NUM_VALIDATION:], "test": test}
