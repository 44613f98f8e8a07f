"""Log-likelihoods of sequences in the user's units."""

from collections.abc import Sequence

import numpy as np

from sisrnn_tf.core import random
from sisrnn_tf.data.spec import DataSpec, Sequences
from sisrnn_tf.models.base import SequenceModel


def score(
    model: SequenceModel,
    spec: DataSpec,
    sequences: Sequence[np.ndarray],
    num_importance: int,
    num_mixing: int,
    seed: random.Seed,
    batch_size: int = 256,
) -> np.ndarray:
    """Returns log p(x) of sequences, of real values as a density in the user's units, `[N]`, nats.

        log p(x) = log p(y) - T log_volume,      y = (x - shift) / scale

    Args:
        model: trained.
        spec: of its data.
        sequences: in the user's units, each `[T_n, D]`; or numbers of words, each `[T_n]`.
        num_importance, num_mixing, seed: as of `model.score`.
        batch_size: sequences at a time; of values it changes the last bits alone.

    Raises:
        ValueError: a sequence is nothing that the model can score.
    """
    values = []
    for first in range(0, len(sequences), batch_size):
        numbers = (num_importance, num_mixing, seed, first)
        try:
            batch = to_batch(model, spec, sequences[first : first + batch_size])
            values.append(model.score(batch.observations, batch.mask, *numbers).numpy())
        except ValueError as error:
            raise ValueError(f"sequences from number {first} on: {error}") from error
    lengths = np.array([len(sequence) for sequence in sequences])
    found = np.concatenate(values)
    return found if spec.normalization is None else found - lengths * spec.normalization.log_volume


def to_batch(model: SequenceModel, spec: DataSpec, sequences: Sequence[np.ndarray]) -> Sequences:
    """Returns sequences in the user's units as the model takes them; arguments and errors as of `score`."""
    if not spec.kind.has_words:
        sequences = [spec.from_units(sequence) for sequence in sequences]
    model.emission.check(np.concatenate(sequences))
    return Sequences.of(sequences)
