import numpy as np
import pytest

from sisrnn_tf.data import mnist
from tests.data.conftest import mnist_arrays


def test_validation_is_the_end_of_the_training_file(mnist_dir):
    arrays, splits = mnist_arrays(), mnist.read(str(mnist_dir), download=False)
    np.testing.assert_array_equal(splits["train"], arrays["x_train"][:10])
    np.testing.assert_array_equal(splits["validation"], arrays["x_train"][10:])
    np.testing.assert_array_equal(splits["test"], arrays["x_test"])


def test_ten_thousand_validate():
    assert mnist._NUM_VALIDATION == 10_000


def test_too_few_images(tmp_path):
    np.savez(tmp_path / "mnist.npz", **mnist_arrays())
    with pytest.raises(ValueError, match=r"more than 10000 training images.*Received 12"):
        mnist.read(str(tmp_path), download=False)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"x_test": np.zeros((4, 28, 27), np.uint8)}, r"mnist\.npz: `x_test` must be uint8 \[N, 28, 28\].*27"),
        ({"x_train": np.zeros((12, 28, 28))}, r"mnist\.npz: `x_train` must be uint8.*Received float64"),
        ({"x_train": np.array([{}], dtype=object)}, r"mnist\.npz cannot be read"),
    ],
)
def test_wrong_arrays(mnist_dir, change, message):
    np.savez(mnist_dir / "mnist.npz", **(mnist_arrays() | change))
    with pytest.raises(ValueError, match=message):
        mnist.read(str(mnist_dir), download=False)


def test_missing_array(mnist_dir):
    np.savez(mnist_dir / "mnist.npz", x_train=mnist_arrays()["x_train"])
    with pytest.raises(ValueError, match=r"mnist\.npz.*lacks \['x_test'\]"):
        mnist.read(str(mnist_dir), download=False)
