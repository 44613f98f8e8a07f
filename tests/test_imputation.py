"""Imputation against enumeration and quadrature, on models of one latent dimension.

"Within 5 standard errors" over independent rows: a false alarm in one of 1.7 million each, were the seed fresh.
"""

import itertools

import numpy as np
import pytest

from tests import test_forecasting as forecasting
from tests import test_likelihoods as tiny

ROWS = 2000


def _draws(model, observations, rows=ROWS, **kwargs):
    """Independent fills of the NaNs of a sequence `[T, D]`, `[rows, missing]`."""
    missing = np.isnan(observations)
    filled = model.impute(np.tile(observations, [rows, 1, 1]), np.tile(~missing, [rows, 1, 1]), seed=2, **kwargs)
    filled = filled.numpy()
    assert (filled[:, ~missing] == observations[~missing]).all()
    return filled[:, missing]


def _exact(model, observations):
    """All fills of the NaNs of a binary sequence `[T, D]`, and their probabilities given the rest."""
    missing = np.isnan(observations)
    fills = np.reshape(list(itertools.product((0.0, 1.0), repeat=missing.sum())), [-1, missing.sum()])
    sequences = np.tile(observations, [len(fills), 1, 1])
    sequences[:, missing] = fills
    likelihoods = forecasting.likelihoods(model, sequences, num_nodes=30)
    return fills, likelihoods / np.sum(likelihoods)


def _coupled():
    """A model of two features that say much of each other, so that particles are resampled."""
    model = tiny._make(0)
    kernel = model.cell.decoder.network.dense_layers[-1].kernel
    kernel.assign(3.0 * kernel.numpy())
    return model


@pytest.fixture(scope="module")
def models():
    models = {"SISRNN": forecasting.misled("SISRNN"), "VRNN": forecasting.misled("VRNN"), "RNN": forecasting.rnn()}
    return models | {"two features": _coupled(), "RNN, two features": forecasting.rnn(2)}


@pytest.mark.parametrize(
    ("kind", "observations"),
    [
        ("SISRNN", [[1.0], [np.nan], [0.0]]),
        ("SISRNN", [[np.nan], [0.0], [np.nan]]),
        ("VRNN", [[1.0], [np.nan], [0.0]]),
        ("RNN", [[1.0], [np.nan], [0.0]]),
        ("RNN", [[np.nan], [np.nan], [0.0]]),
        ("two features", [[1.0, np.nan], [np.nan, 0.0], [0.0, 1.0]]),
        ("RNN, two features", [[1.0, np.nan], [np.nan, 0.0]]),
    ],
)
def test_what_is_missing_is_drawn_given_what_comes_before_and_after(models, kind, observations):
    model, observations = models[kind], np.array(observations)
    fills, exact = _exact(model, observations)
    found = np.all(_draws(model, observations)[:, np.newaxis] == fills, axis=-1)  # [rows, fills]
    assert (np.abs(forecasting.z_scores(found, exact)) < 5).all()


def test_leaving_out_what_comes_after_would_be_seen(models):
    """The test above has the power to tell smoothing from filtering: a single particle is never weighted."""
    observations = np.array([[1.0], [np.nan], [0.0]])
    fills, exact = _exact(models["RNN"], observations)
    found = np.all(_draws(models["RNN"], observations, 3 * ROWS, num_importance=1)[:, np.newaxis] == fills, axis=-1)
    assert np.max(np.abs(forecasting.z_scores(found, exact))) > 8


def test_a_real_feature_is_drawn_given_the_rest():
    """Mean and variance of one feature of two given the other and the next step, by quadrature over it too."""
    model, observations = tiny._make(4), np.array([[0.1, np.nan], [-0.6, 0.3]])
    grid = np.linspace(-8.0, 8.0, 81)
    sequences = np.tile(observations, [len(grid), 1, 1])
    sequences[:, 0, 1] = grid
    weights = forecasting.likelihoods(model, sequences, num_nodes=40)
    weights /= np.sum(weights)
    mean = np.sum(weights * grid)
    draws = _draws(model, observations)[:, 0]
    assert abs(forecasting.z_scores(draws, mean)) < 5
    assert abs(forecasting.z_scores((draws - mean) ** 2, np.sum(weights * (grid - mean) ** 2))) < 5


@pytest.mark.parametrize("kind", ["SISRNN", "RNN"])
def test_draws_follow_their_seed_and_leave_what_is_there(models, kind):
    model, lengths = models[kind], np.array([4, 2] * 20)
    mask = np.arange(4) < lengths[:, np.newaxis]
    observed = np.random.default_rng(0).random(mask.shape) < 0.5
    x = np.where(observed, 1.0, np.nan)[..., np.newaxis]
    x[~mask] = -7.0
    first, again, other = (model.impute(x, observed, mask, seed=seed, num_samples=3).numpy() for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert first.shape == (3, *x.shape) and (first != other).any() and (first[0] != first[1]).any()
    assert set(np.unique(first[:, mask & ~observed])) == {0.0, 1.0}
    assert (first[:, mask & observed] == 1.0).all() and (first[:, ~mask] == -7.0).all()
    one = model.impute(x, observed[..., np.newaxis], mask, seed=1)
    assert one.shape == x.shape
    assert (model.impute(x, observed, mask).numpy() != model.impute(x, observed, mask).numpy()).any()


def test_draws_do_not_depend_on_how_padding_and_missing_values_are_filled(models):
    model, mask = models["SISRNN"], np.arange(4) < np.array([4, 2])[:, np.newaxis]
    observed = np.array([[True, False, True, True], [True, False, False, False]])
    fills = [
        model.impute(np.where(observed & mask, 1.0, value)[..., np.newaxis], observed, mask, seed=1).numpy()[mask]
        for value in (np.nan, 0.0, 5.0)
    ]
    np.testing.assert_array_equal(fills[0], fills[1])
    np.testing.assert_array_equal(fills[0], fills[2])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_samples": 0}, "`num_samples` must be an int of at least 1"),
        ({"num_importance": 0}, "`num_importance` must be an int of at least 1"),
        ({"num_mixing": -1}, "`num_mixing` must be an int of at least 0"),
        ({"observed": np.ones([2, 2])}, "`observed` must be bool"),
        ({"observed": np.ones([2, 3], bool)}, "`observed` must be of the shape"),
        ({"observed": np.ones([2, 2, 2], bool)}, "`observed` must be of the shape"),
        ({"observations": np.full([2, 2, 1], np.nan)}, "must be finite"),
        ({"observations": np.full([2, 2, 1], 0.5)}, "must be 0 or 1"),
        ({"mask": np.array([[False, True], [True, True]])}, "`mask` must be right padding"),
    ],
)
def test_bad_arguments_are_named(models, arguments, message):
    given = {"observations": np.zeros([2, 2, 1]), "observed": np.ones([2, 2], bool), **arguments}
    with pytest.raises(ValueError, match=message):
        models["SISRNN"].impute(**given)


@pytest.mark.parametrize("shape", [(1, 5), (1, 1)])
def test_a_single_draw_of_a_single_sequence(shape):
    model = tiny._make(0)  # one whose functions have seen no other batch
    observed = np.zeros(shape, bool)
    filled = model.impute(np.zeros((*shape, model.emission.event_size)), observed, seed=0, num_importance=3)
    assert filled.shape == (*shape, model.emission.event_size)
