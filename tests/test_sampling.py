"""Drawing words: what may come, and how often."""

import numpy as np
import pytest
import tensorflow as tf

from sisrnn_tf import Sampler
from sisrnn_tf.core import random

PROBABILITIES = np.array([0.4, 0.05, 0.3, 0.25])
LOGITS = np.log(PROBABILITIES) + 3.0


def frequencies(sampler, count=20_000):
    drawn = sampler(tf.tile(tf.constant(LOGITS)[tf.newaxis], [count, 1]), random.as_seed(0)).numpy()
    return np.bincount(drawn, minlength=4) / count


@pytest.mark.parametrize(
    "sampler, expected",
    [
        (Sampler(), PROBABILITIES),
        (Sampler(temperature=0.5), PROBABILITIES**2),
        (Sampler(top_k=2), [0.4, 0, 0.3, 0]),
        (Sampler(top_k=9), PROBABILITIES),
        (Sampler(top_p=0.4), [1, 0, 0, 0]),
        (Sampler(top_p=0.41), [0.4, 0, 0.3, 0]),
        (Sampler(top_p=0.9), [0.4, 0, 0.3, 0.25]),
        (Sampler(temperature=0.5, top_p=0.7), [0.16, 0, 0.09, 0]),  # the nucleus is of the tempered ones
        (Sampler(temperature=0), [1, 0, 0, 0]),
    ],
)
def test_words_come_as_often_as_they_should(sampler, expected):
    expected = np.array(expected) / np.sum(expected)
    error = np.sqrt(expected * (1 - expected) / 20_000)
    assert (np.abs(frequencies(sampler) - expected) <= 5 * error).all()


@pytest.mark.parametrize(
    "arguments", [{"temperature": -1}, {"temperature": float("nan")}, {"top_k": 0}, {"top_p": 0.0}, {"top_p": 1.5}]
)
def test_errors(arguments):
    (name,) = arguments
    with pytest.raises(ValueError, match=f"`{name}` must be"):
        Sampler(**arguments)
