"""Tiny files in the users' layouts, and data sets made by hand."""

import numpy as np
import pytest

from sisrnn_tf.data.spec import SequenceDataset, Sequences

COUNTS = {"train": 7, "valid": 3, "test": 2}


@pytest.fixture
def no_tfds(monkeypatch, tmp_path):
    """Makes TFDS' default folder one that does not exist."""
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "no_tfds"))


@pytest.fixture
def binary_images():
    """Split -> uint8 `[N, 784]` of 0 and 1, all splits different."""
    generator = np.random.default_rng(0)
    return {name: generator.integers(2, size=(count, 784), dtype=np.uint8) for name, count in COUNTS.items()}


@pytest.fixture
def packed_dir(tmp_path, binary_images):
    """A folder with binarized_mnist.npz."""
    folder = tmp_path / "packed"
    folder.mkdir()
    packed = {name: np.packbits(images, axis=1) for name, images in binary_images.items()}
    np.savez(folder / "binarized_mnist.npz", **packed)
    return folder


@pytest.fixture
def amat_dir(tmp_path, binary_images):
    """A folder with the three .amat files, with the trailing space of the official ones."""
    folder = tmp_path / "amat"
    folder.mkdir()
    for name, images in binary_images.items():
        lines = (" ".join(map(str, image)) + " \n" for image in images)
        (folder / f"binarized_mnist_{name}.amat").write_text("".join(lines))
    return folder


def mnist_arrays():
    """The arrays of a small mnist.npz: all intensities occur, and each image's first pixels count it."""
    generator = np.random.default_rng(1)
    arrays = {}
    for name, count in (("x_train", 12), ("x_test", 4)):
        images = generator.integers(256, size=(count, 28, 28), dtype=np.uint8)
        images[:, 0, 0] = np.arange(count)
        arrays[name] = images
    return arrays


@pytest.fixture
def mnist_dir(tmp_path, monkeypatch):
    """A folder with a small mnist.npz, of which the last 2 training images validate."""
    monkeypatch.setattr("sisrnn_tf.data.mnist._NUM_VALIDATION", 2)
    folder = tmp_path / "mnist_dir"
    folder.mkdir()
    np.savez(folder / "mnist.npz", **mnist_arrays())
    return folder


def make_dataset(count=10, num_steps=3, draw=None, lengths=None, **splits):
    """A data set whose sequence i holds the value i at each step, and 2 features; splits may be replaced."""
    values = np.arange(count, dtype=np.float32)
    observations = np.broadcast_to(values[:, np.newaxis, np.newaxis], (count, num_steps, 2)).copy()
    if draw is not None:
        observations = observations.astype(np.uint8)
    lengths = np.full(count, num_steps) if lengths is None else np.asarray(lengths)
    sequences = Sequences(observations, lengths.astype(np.int32))
    parts = {"train": sequences, "validation": sequences, "test": sequences} | splits
    return SequenceDataset("numbers", "none", "bernoulli", **parts, draw=draw, image_shape=(num_steps, 2))
