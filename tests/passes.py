"""Passes over small batches, and their noise as arrays."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from sisrnn_tf.core import random
from sisrnn_tf.core.log_space import log_mean_exp
from sisrnn_tf.core.types import StepDensities
from sisrnn_tf.inference import noise
from sisrnn_tf.inference.filter import Sequences
from sisrnn_tf.inference.mixture import PointMass
from sisrnn_tf.inference.passes import Pass, Paths, SequencePass
from sisrnn_tf.inference.recurrence import batch_to_time_major


class PassNoise(NamedTuple):
    """The noise of a pass, time-major: eps of psi^0 [T, B, N], normals of z [T, B, Z], eps of psi^k [K, T, B, N]."""

    mixing: np.ndarray
    latent: np.ndarray
    extra_mixing: np.ndarray


def draw_noise(cell, num_steps, batch_size, num_mixing=0, seed=7, particle=0) -> PassNoise:
    """Returns what a pass with this seed draws for one particle of each sequence."""
    steps = noise.step_seeds(random.as_seed(seed), num_steps)
    seeds = noise.row_seeds(steps, tf.range(batch_size), 1, particle)
    drawn = noise.draw(cell, seeds)
    size = cell.posterior_part.noise_size
    extra = noise.extra_mixing(cell.posterior_part, tf.reshape(seeds, [-1, 2]), num_mixing if size else 0)
    extra = tf.reshape(extra, [num_steps, batch_size, num_mixing if size else 0, size])
    return PassNoise(*drawn, tf.transpose(extra, [2, 0, 1, 3]))


def make_pass(model, observations, mask=None, seed=7) -> SequencePass:
    """Returns the pass of a model over a batch [B, T, D], with a mask [B, T]."""
    x = batch_to_time_major(tf.constant(observations, model.density_dtype))
    time_mask = None if mask is None else tf.transpose(tf.constant(mask))
    return SequencePass(model.rnn, Sequences(x, mask=time_mask), random.as_seed(seed))


class GivenPass(Pass):
    """A pass of given log-densities, each [T, B], whatever K is asked for."""

    mixes = True

    def __init__(self, densities: StepDensities, log_mixture: tf.Tensor, mask: tf.Tensor | None = None):
        self.given = Paths(densities, PointMass(log_mixture), mask)

    def paths(self, first, count, num_mixing):
        return self.given

    def filter(self, count, num_mixing, resampling):
        raise ValueError("There is nothing to filter.")


def given_densities(num_steps, batch_size, seed=0, num_components=3, dtype="float32"):
    """Returns log-densities as of a pass, and log ghat of so many components, [T, B]."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=[2 + num_components, num_steps, batch_size])
    emission, prior, *components = (tf.constant(value, dtype) for value in values)
    return StepDensities(emission, prior, components[0]), log_mean_exp(tf.stack(components))
