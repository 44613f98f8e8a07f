import time

import numpy as np
import pytest
import tensorflow_datasets as tfds

from sisrnn_tf.data import binarized_mnist, mnist, prepared, registry


class Mnist(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """TFDS' MNIST in name and form, with 12 and 4 images that need no download."""

    VERSION = tfds.core.Version("3.0.1")

    def _info(self):
        features = {"image": tfds.features.Image(shape=(28, 28, 1)), "label": tfds.features.ClassLabel(num_classes=10)}
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples(12), "test": self._generate_examples(4)}

    def _generate_examples(self, count):
        for index in range(count):
            yield index, {"image": np.full((28, 28, 1), index, np.uint8), "label": 0}


@pytest.fixture(scope="module")
def tfds_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tfds")
    Mnist(data_dir=folder).download_and_prepare()
    return folder


def _levels(images):
    return sorted(images[:, 0, 0].tolist())


def test_prepared_data_is_read(tfds_dir):
    train, test = prepared.read("mnist", ("train", "test"), str(tfds_dir), download=False)
    assert train.shape == (12, 28, 28) and test.shape == (4, 28, 28) and train.dtype == np.uint8
    assert _levels(train) == list(range(12)) and _levels(test) == list(range(4))


def test_mnist_falls_back_on_prepared_data(tfds_dir, monkeypatch):
    monkeypatch.setattr(mnist, "_NUM_VALIDATION", 2)
    splits = mnist.read(str(tfds_dir), download=False)
    assert {name: len(images) for name, images in splits.items()} == {"train": 10, "validation": 2, "test": 4}
    assert _levels(np.concatenate([splits["train"], splits["validation"]])) == list(range(12))


def test_default_folder_of_tfds(tfds_dir, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tfds_dir))
    assert len(prepared.read("mnist", ("train",), None, download=False)[0]) == 12


def test_damaged_prepared_data(tfds_dir, tmp_path):
    copy = tmp_path / "mnist" / "3.0.1"
    copy.mkdir(parents=True)
    for file in (tfds_dir / "mnist" / "3.0.1").iterdir():
        content = file.read_bytes()
        (copy / file.name).write_bytes(content[:-40] if "tfrecord" in file.name else content)
    with pytest.raises(ValueError, match=r"prepared in .*mnist.* cannot be read"):
        prepared.read("mnist", ("train",), str(tmp_path), download=False)


def test_unfinished_folder_counts_as_missing(tmp_path):
    (tmp_path / "mnist" / "3.0.1").mkdir(parents=True)
    assert prepared.read("mnist", ("train",), str(tmp_path), download=False) is None


@pytest.mark.parametrize("reader", [mnist, binarized_mnist])
@pytest.mark.parametrize("given", [True, False])
def test_missing_data_is_an_error_at_once(reader, given, tmp_path, no_tfds):
    start = time.monotonic()
    with pytest.raises(ValueError, match=r"No data for (binarized_)?mnist.*mnist\.npz.*--data_dir.*--download"):
        reader.read(str(tmp_path) if given else None, download=False)
    assert time.monotonic() - start < 5
    assert list(tmp_path.iterdir()) == []


def test_failed_download_is_a_value_error(tmp_path, monkeypatch):
    def fail(builder):
        raise tfds.download.DownloadError("no route")

    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", fail)
    with pytest.raises(ValueError, match=r"could not download `mnist`.*no route"):
        registry.load("mnist", data_dir=str(tmp_path), download=True)
