import numpy as np
import pytest

from sisrnn_tf.data import binarized_mnist
from sisrnn_tf.data.spec import SPLITS


def test_packed_and_text_files_agree(packed_dir, amat_dir, binary_images):
    packed = binarized_mnist.read(str(packed_dir), download=False)
    text = binarized_mnist.read(str(amat_dir), download=False)
    for split, images in zip(SPLITS, binary_images.values(), strict=True):
        np.testing.assert_array_equal(packed[split], images.reshape(-1, 28, 28))
        np.testing.assert_array_equal(text[split], packed[split])
        assert packed[split].dtype == text[split].dtype == np.uint8


@pytest.mark.parametrize("ending", ["\n", " \n", "\r\n", " \r\n"])
@pytest.mark.parametrize("last", [True, False])
def test_line_endings(tmp_path, ending, last):
    images = np.random.default_rng(3).integers(2, size=(3, 784), dtype=np.uint8)
    text = ending.join(" ".join(map(str, image)) for image in images) + (ending if last else "")
    path = tmp_path / "images.amat"
    path.write_bytes(text.encode())
    np.testing.assert_array_equal(binarized_mnist.read_amat(path), images)


def _line(values=784, first="0"):
    return " ".join([first] + ["0"] * (values - 1)) + "\n"


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "damaged or cut short"),
        (_line() + _line(500), "damaged or cut short"),
        (_line(first="2"), "nothing but 0 and 1"),
        (_line(785) + _line(783), "lines of another length"),
        (_line().replace("\n", " ") + _line(), "lines of another length"),
        (_line().replace(" ", ",", 1), "lines of another length"),
    ],
)
def test_damaged_text(tmp_path, text, message):
    path = tmp_path / "images.amat"
    path.write_text(text)
    with pytest.raises(ValueError, match=rf"images\.amat.*{message}"):
        binarized_mnist.read_amat(path)


def test_unreadable_text(tmp_path):
    with pytest.raises(ValueError, match=r"cannot be read"):
        binarized_mnist.read_amat(tmp_path)  # a folder


def test_incomplete_text_files_are_named(amat_dir, no_tfds):
    (amat_dir / "binarized_mnist_valid.amat").unlink()
    with pytest.raises(ValueError, match=r"binarized_mnist_\{train,valid,test\}\.amat.*--download"):
        binarized_mnist.read(str(amat_dir), download=False)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"valid": np.zeros((3, 784), np.uint8)}, r"`valid` must be uint8 \[N, 98\].*784"),
        ({"test": np.zeros((3, 98), np.int64)}, r"`test` must be uint8.*Received int64"),
        ({"train": np.zeros(98, np.uint8)}, r"`train` must be uint8"),
    ],
)
def test_wrong_packed_arrays(packed_dir, change, message):
    path = packed_dir / "binarized_mnist.npz"
    with np.load(path) as file:
        arrays = dict(file)
    np.savez(path, **(arrays | change))
    with pytest.raises(ValueError, match=rf"binarized_mnist\.npz: {message}"):
        binarized_mnist.read(str(packed_dir), download=False)
