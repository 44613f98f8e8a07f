"""The noise law: against a NumPy reference, and that chunks, streams and batches cut it without changing a draw."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from sisrnn_tf.core import random
from sisrnn_tf.inference import noise
from tests.passes import draw_noise
from tests.reference import noise as reference

N, Z = 5, 2
SEED = 2**40 + 12345


def _seeds(num_steps, rows, count=1, first_particle=0):
    steps = noise.step_seeds(random.as_seed(SEED), num_steps)
    return noise.row_seeds(steps, rows, count, first_particle).numpy()


@given(
    step=st.integers(0, 1000),
    particle=st.integers(0, 1000),
    row=st.integers(0, 2**31 - 2),
    num_mixing=st.integers(0, 20),
)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_a_row_draws_what_the_law_says(sisrnn, step, particle, row, num_mixing):
    step_seed = random.fold_in(random.as_seed(SEED), step)
    seeds = noise.row_seeds(step_seed, tf.constant([row]), 1, particle)
    drawn = noise.draw(sisrnn.cell, seeds)
    extra = noise.extra_mixing(sisrnn.cell.posterior_part, seeds, num_mixing)
    expected = reference.draw_row(SEED, step, particle, row, (N, Z, num_mixing))
    np.testing.assert_array_equal(drawn.mixing[0], expected.mixing)
    np.testing.assert_allclose(drawn.latent[0], expected.latent, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(extra[0], expected.extra_mixing)


@pytest.mark.parametrize("count", [1, 3])
def test_steps_particles_and_rows_are_cut_without_a_change(count):
    whole = _seeds(6, tf.range(5), count).reshape(6, count, 5, 2)
    part = _seeds(4, tf.range(2, 5), 1, first_particle=count - 1).reshape(4, 1, 3, 2)
    np.testing.assert_array_equal(part, whole[:4, count - 1 :, 2:])
    one = noise.row_seeds(random.fold_in(random.as_seed(SEED), 3), tf.constant([4, 1]), count)
    np.testing.assert_array_equal(tf.reshape(one, [count, 2, 2]), whole[3][:, [4, 1]])
    own = _seeds(2, tf.constant([0, 0]), 1, first_particle=tf.constant([0, count - 1])).reshape(2, 2, 2)
    np.testing.assert_array_equal(own, whole[:2, [0, count - 1], 0])


def test_no_two_rows_share_a_seed():
    """Steps, particles and rows are not mistaken for each other: 8,000 seeds, all different."""
    seeds = _seeds(20, tf.range(20), 20).reshape(-1, 2)
    assert len(np.unique(seeds, axis=0)) == 8000


def test_more_mixing_draws_extend_fewer(sisrnn):
    few, many = (draw_noise(sisrnn.cell, 3, 4, k) for k in (2, 7))
    assert few.extra_mixing.shape == (2, 3, 4, N) and few.mixing.shape == (3, 4, N) and few.latent.shape == (3, 4, Z)
    np.testing.assert_array_equal(many.extra_mixing[:2], few.extra_mixing)
    np.testing.assert_array_equal(many.mixing, few.mixing)


def test_the_parts_of_the_noise_are_independent(sisrnn):
    """Correlations of 40,000 values within 5 standard errors: a false alarm in one of 1.7 million each."""
    drawn = draw_noise(sisrnn.cell, 100, 80, 2)
    parts = [drawn.mixing, *drawn.extra_mixing]
    for left in range(3):
        for right in range(left):
            product = 4 * np.mean(parts[left].numpy() * parts[right].numpy())
            assert abs(product) < 5 / np.sqrt(parts[0].numpy().size)


def test_a_point_mass_has_no_noise(vrnn):
    drawn = draw_noise(vrnn.cell, 5, 4, 6)
    assert drawn.mixing.shape == (5, 4, 0) and drawn.extra_mixing.shape == (0, 5, 4, 0)


def test_resampling_draws_by_row_and_more_particles_extend_fewer():
    seed = random.as_seed(SEED)
    few, many = (noise.resampling_uniforms(seed, tf.range(4), count, 0, tf.float64).numpy() for count in (2, 6))
    np.testing.assert_array_equal(many[:2], few)
    alone = noise.resampling_uniforms(seed, tf.constant([3]), 6, 0, tf.float64).numpy()
    np.testing.assert_array_equal(alone, many[:, 3:])
    np.testing.assert_allclose(alone[:, 0], reference.uniform(reference.fold_in(SEED, -1, 0, 3), 6), rtol=1e-12)
