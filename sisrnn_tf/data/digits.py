"""scikit-learn's 1,797 scanned digits, 8 x 8, 17 grey levels: inside an installed package, no network needed."""

import numpy as np

MAXIMUM = 16
_NUM_TRAIN, _NUM_VALIDATION = 1297, 250  # the other 250 are for test
_SHUFFLE_SEED = 0  # the file is ordered by writer: a split in its order would compare different writers


def read() -> dict[str, np.ndarray]:
    """Returns split -> uint8 `[N, 8, 8]` of levels 0..16."""
    from sklearn.datasets import load_digits  # here, because a command is checked before that is imported

    images = load_digits().images.astype(np.uint8)
    images = images[np.random.default_rng(_SHUFFLE_SEED).permutation(len(images))]
    train, validation, test = np.split(images, [_NUM_TRAIN, _NUM_TRAIN + _NUM_VALIDATION])
    return {"train": train, "validation": validation, "test": test}
