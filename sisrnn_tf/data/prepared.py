"""Data sets that TensorFlow Datasets has prepared, or may prepare."""

import os
from collections.abc import Sequence

import numpy as np


def read(name: str, splits: Sequence[str], data_dir: str | None, download: bool) -> list[np.ndarray] | None:
    """Reads the images of a data set that TFDS has prepared; `tfds.load` would try the network for minutes.

    Args:
        name: of the data set in TFDS.
        splits: names of its splits.
        data_dir: folder of TFDS; None for its default, `~/tensorflow_datasets` or `$TFDS_DATA_DIR`.
        download: whether TFDS may download and prepare what is not there.

    Returns:
        uint8 `[N, rows, columns]` a split; None where nothing is prepared and nothing may be downloaded.

    Raises:
        ValueError: the download fails, or the prepared data cannot be read.
    """
    if not may_be(name, data_dir, download):
        return None  # before the builder, which would warn about it
    import tensorflow_datasets as tfds  # here, because most runs do without

    builder = tfds.builder(name, data_dir=folder(data_dir))
    if not builder.is_prepared():
        if not download:
            return None
        try:
            builder.download_and_prepare()
        except (OSError, tfds.download.DownloadError) as error:
            raise ValueError(
                f"TFDS could not download `{name}` to {builder.data_path}: {error}. "
                "Check the network and the folder, or put the files there by hand and drop --download"
            ) from error
    return [_read_split(builder, split) for split in splits]


def may_be(name: str, data_dir: str | None, download: bool) -> bool:
    """Returns whether TFDS has a folder for a data set, or may fetch it; arguments as of `read`."""
    return download or os.path.isdir(os.path.join(folder(data_dir), name))


def folder(data_dir: str | None) -> str:
    """Returns the folder where TFDS looks for prepared data."""
    default = os.environ.get("TFDS_DATA_DIR") or os.path.join("~", "tensorflow_datasets")
    return os.path.expanduser(default if data_dir is None else data_dir)


def _read_split(builder, split: str) -> np.ndarray:
    import tensorflow as tf

    try:
        examples = builder.as_dataset(split=split, batch_size=-1, shuffle_files=False)
    except (tf.errors.OpError, AssertionError) as error:  # TFDS asserts that files are there
        raise ValueError(f"The data that TFDS prepared in {builder.data_path} cannot be read: {error}") from error
    return np.squeeze(examples["image"].numpy(), axis=-1)
