"""Larochelle's fixed binarization of MNIST: 50,000 / 10,000 / 10,000, the one most published scores refer to."""

import pathlib

import numpy as np

from sisrnn_tf.data import files, prepared
from sisrnn_tf.data.spec import SPLITS

_PIXELS = 784
_TEXT_NAMES = ("train", "valid", "test")
_PACKED = "binarized_mnist.npz"


def find(data_dir: str | None, download: bool) -> list[pathlib.Path]:
    """Returns the path of the packed file, or else of the .amat files; none where TFDS has the data, or may fetch it.

    Args:
        data_dir: as of `read`.
        download: whether TFDS may use the network.

    Raises:
        ValueError: there is neither.
    """
    packed = files.find(data_dir, [_PACKED])
    paths = packed or files.find(data_dir, [f"binarized_mnist_{name}.amat" for name in _TEXT_NAMES]) or []
    if not paths and not prepared.may_be("binarized_mnist", data_dir, download):
        raise _missing(data_dir)
    return paths


def _missing(data_dir: str | None) -> ValueError:
    return files.missing("binarized_mnist", f"{_PACKED} or binarized_mnist_{{train,valid,test}}.amat", data_dir)


def read(data_dir: str | None, download: bool) -> dict[str, np.ndarray]:
    """Returns split -> uint8 `[N, 28, 28]` of 0 and 1, from the packed file, the .amat files or TFDS.

    Args:
        data_dir: folder of binarized_mnist.npz, of binarized_mnist_{train,valid,test}.amat, or of TFDS.
        download: whether TFDS may use the network.

    Raises:
        ValueError: there is no data, or a file is damaged.
    """
    paths = find(data_dir, download)
    if len(paths) == 1:
        arrays = read_packed(paths[0])
    elif paths:
        arrays = [read_amat(path) for path in paths]
    else:
        found = prepared.read("binarized_mnist", ("train", "validation", "test"), data_dir, download)
        if found is None:
            raise _missing(data_dir)
        arrays = [(array > 0).astype(np.uint8) for array in found]
    return {split: array.reshape(-1, 28, 28) for split, array in zip(SPLITS, arrays, strict=True)}


def read_packed(path: pathlib.Path) -> list[np.ndarray]:
    """Returns train, valid and test, uint8 `[N, 784]`, of an .npz of `np.packbits(images, axis=1)`.

    Raises:
        ValueError: the file is damaged.
    """
    arrays = files.read_npz(path, _TEXT_NAMES)
    for name, array in arrays.items():
        if array.dtype != np.uint8 or array.ndim != 2 or array.shape[1] != _PIXELS // 8:
            raise ValueError(
                f"{path}: `{name}` must be uint8 [N, {_PIXELS // 8}]. Received {array.dtype} {array.shape}"
            )
    return [np.unpackbits(arrays[name], axis=1) for name in _TEXT_NAMES]


def read_amat(path: pathlib.Path) -> np.ndarray:
    """Returns the images of an .amat text file, uint8 `[N, 784]`: a line each, 784 of 0 and 1 between spaces.

    Raises:
        ValueError: the file is damaged.
    """
    # Single characters between single separators: a byte comparison reads 100 MB where np.loadtxt takes minutes.
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    text = np.frombuffer(content.replace(b"\r\n", b"\n").replace(b" \n", b"\n"), np.uint8)
    if text.size and text[-1] != ord("\n"):
        text = np.append(text, np.uint8(ord("\n")))
    if text.size == 0 or text.size % (2 * _PIXELS):
        raise ValueError(
            f"{path} must hold lines of {_PIXELS} values 0 or 1 between spaces. It is damaged or cut short"
        )
    lines = text.reshape(-1, _PIXELS, 2)  # [N, 784, (value, separator)]
    values, separators = lines[..., 0], lines[..., 1]
    if not np.isin(values, (ord("0"), ord("1"))).all():
        raise ValueError(f"{path} must hold nothing but 0 and 1. Received another character")
    if (separators[:, :-1] != ord(" ")).any() or (separators[:, -1] != ord("\n")).any():
        raise ValueError(f"{path} must hold lines of {_PIXELS} values between spaces. Received lines of another length")
    return values - np.uint8(ord("0"))
