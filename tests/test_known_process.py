"""Forecasts and imputations of a model trained for a few seconds on sequences of a known process."""

import keras
import numpy as np
import pytest

import sisrnn_tf

NUM_STEPS, CONTEXT, NOISE = 20, 12, 0.3


def _simulate(count, seed):
    """Sine waves of random phase in noise, `[count, T, 1]`."""
    rng = np.random.default_rng(seed)
    phase = rng.uniform(0, 2 * np.pi, (count, 1))
    values = np.sin(0.6 * np.arange(NUM_STEPS) + phase) + NOISE * rng.normal(size=(count, NUM_STEPS))
    return values[..., np.newaxis].astype("float32")


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    model = sisrnn_tf.SISRNN(
        sisrnn_tf.emissions.Normal(1),
        latent_size=2,
        hidden_size=16,
        posterior=sisrnn_tf.posteriors.SemiImplicit(2, (16,), (4,)),
        prior_sizes=(16,),
        decoder_sizes=(16,),
    )
    model.compile(optimizer=keras.optimizers.Adam(1e-2), jit_compile=False)
    model.fit(_simulate(2000, 0), batch_size=50, epochs=4, verbose=0)
    return model


@pytest.fixture(scope="module")
def held_out():
    return _simulate(400, 1)


def test_intervals_of_80_percent_cover_75_to_85_percent_of_held_out_points(model, held_out):
    """Of 3,200 points in 400 sequences."""
    draws = model.forecast(held_out[:, :CONTEXT], NUM_STEPS - CONTEXT, 100, seed=0).numpy()
    lower, upper = np.quantile(draws, [0.1, 0.9], axis=0)
    truth = held_out[:, CONTEXT:]
    assert 0.75 < np.mean((lower < truth) & (truth < upper)) < 0.85
    assert np.mean(upper - lower) < 0.8 * 2 * 1.28 * np.std(held_out)  # narrower than without a context
    assert np.sqrt(np.mean((np.median(draws, axis=0) - truth) ** 2)) < 1.3 * NOISE


def test_imputation_beats_carrying_the_last_value_forward(model, held_out):
    observed = np.random.default_rng(2).random(held_out.shape) < 0.7
    observed[:, 0] = True
    draws = model.impute(np.where(observed, held_out, np.nan), observed, seed=0, num_samples=8, num_importance=40)
    carried = held_out.copy()
    for step in range(1, NUM_STEPS):
        carried[:, step] = np.where(observed[:, step], held_out[:, step], carried[:, step - 1])
    errors = [np.sqrt(np.mean((fill - held_out)[~observed] ** 2)) for fill in (np.mean(draws, axis=0), carried)]
    assert errors[0] < 0.6 * errors[1]
