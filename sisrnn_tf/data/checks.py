"""What a data set must hold to be scored."""

import numpy as np

from sisrnn_tf.data import kinds
from sisrnn_tf.data.spec import SPLITS, SequenceDataset


def check(dataset: SequenceDataset) -> None:
    """Scans a data set once for what a model could not score.

    Raises:
        ValueError: a split is empty or differs in its number of features, a sequence has no step or more than there
            are, or a value is NaN, infinite or outside what the emission can give; names the split and the first such
            sequence.
    """
    kind = dataset.kind
    for name in SPLITS:
        sequences = dataset.split(name)
        observations, lengths = sequences.observations, sequences.lengths
        if observations.ndim != kind.observation_rank or lengths.shape != observations.shape[:1]:
            raise ValueError(
                f"The {name} split must hold observations {'[N, T]' if kind.has_words else '[N, T, D]'} and lengths "
                f"[N]. Received shapes {observations.shape} and {lengths.shape}"
            )
        if not observations.size:
            raise ValueError(
                f"The {name} split of {dataset.name} is empty. It must hold at least one sequence of one value. "
                f"Received shape {observations.shape}"
            )
        size = dataset.observation_size
        if not kind.has_words and observations.shape[2] != size:
            raise ValueError(
                f"All splits must have the same number of features. Received {observations.shape[2]} in the {name} "
                f"split and {size} in the train split"
            )
        require_allowed(
            (lengths >= 1) & (lengths <= observations.shape[1]), name, "have between 1 and T steps", lengths
        )
        if np.issubdtype(observations.dtype, np.floating):
            require_allowed(np.isfinite(observations), name, "be finite", observations)
        if dataset.draw is None:
            support = kinds.SUPPORTS[dataset.emission]
            allowed = support.allows(observations, size)
            require_allowed(allowed, name, support.expected.format(size=size), observations)


def require_allowed(allowed: np.ndarray, split: str, expected: str, values: np.ndarray) -> None:
    """Checks which values of a split can be.

    Args:
        allowed: bool `[N, ..]`.
        split: its name.
        expected: what a sequence must do or have, in words.
        values: `[N, ..]`.

    Raises:
        ValueError: a value is not allowed; names the first sequence with one.
    """
    bad = ~allowed.reshape([len(allowed), -1]).all(axis=1)
    if bad.any():
        index = int(np.argmax(bad))
        received = np.unique(values[index][~allowed[index]])[:5]
        raise ValueError(
            f"Sequence {index} of the {split} split must {expected}. Received values such as {received.tolist()}. "
            "Clean the data or choose another convention."
        )
