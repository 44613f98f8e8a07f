import numpy as np
import pytest

from sisrnn_tf.configuration.data_config import BINARIZATIONS
from sisrnn_tf.data.checks import check
from sisrnn_tf.data.registry import DATASETS, load


def test_defaults():
    assert {name: entry.default_binarization for name, entry in DATASETS.items()} == {
        "digits": "threshold",
        "mnist": "dynamic",
        "binarized_mnist": "larochelle",
        **dict.fromkeys(["pydoc", "ptb", "yahoo", "text", "glyphs", "iamondb", "strokes", "npz", "csv"], "none"),
    }
    assert {
        name: entry.kind.default_normalization for name, entry in DATASETS.items() if "max_length" in entry.options
    } == {
        **dict.fromkeys(["pydoc", "ptb", "yahoo", "text"], "none"),
        **dict.fromkeys(["glyphs", "iamondb", "strokes"], "vrnn"),
        **dict.fromkeys(["npz", "csv"], "per_channel"),
    }
    assert all(set(entry.binarizations) <= set(BINARIZATIONS) for entry in DATASETS.values())


@pytest.mark.parametrize("layout, shape", [("rows", (1297, 8, 8)), ("pixels", (1297, 64, 1))])
@pytest.mark.parametrize("binarization", [None, "sampled", "dynamic", "threshold", "grey"])
def test_digits(binarization, layout, shape):
    dataset = load("digits", binarization=binarization, layout=layout)
    check(dataset)
    assert dataset.name == "digits"
    assert dataset.train.observations.shape == shape
    assert (len(dataset.validation), len(dataset.test)) == (250, 250)
    assert dataset.convention.startswith(f"digits, {binarization or 'threshold'}")


def test_mnist(mnist_dir):
    dataset = load("mnist", data_dir=str(mnist_dir))
    check(dataset)
    assert dataset.draw is not None and dataset.train.observations.dtype == np.uint8
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (10, 2, 4)


def test_binarized_mnist(packed_dir):
    dataset = load("binarized_mnist", data_dir=str(packed_dir), layout="pixels")
    check(dataset)
    assert dataset.train.observations.shape == (7, 784, 1) and dataset.image_shape == (28, 28)
    assert "larochelle, pixels (T=784, D=1)" in dataset.convention


@pytest.mark.parametrize(
    "name, options, message",
    [
        ("minst", {}, r"`dataset` must be one of digits, mnist, .*, csv. Received: dataset='minst'"),
        ("digits", {"binarization": "larochelle"}, r"`binarization` must be one of .*grey for digits.*'larochelle'"),
        ("mnist", {"binarization": "larochelle"}, r"for mnist. Received: binarization='larochelle'"),
        ("binarized_mnist", {"binarization": "dynamic"}, r"must be one of larochelle for binarized_mnist.*'dynamic'"),
        ("digits", {"layout": "columns"}, r"`layout` must be rows or pixels. Received: layout='columns'"),
        ("mnist", {"data_dir": "/no/such/folder"}, r"`data_dir` must be a folder that exists.*/no/such/folder"),
    ],
)
def test_errors(name, options, message):
    with pytest.raises(ValueError, match=message):
        load(name, **options)
