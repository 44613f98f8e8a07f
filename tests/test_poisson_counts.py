"""The example of an emission and a posterior of one's own."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

import sisrnn_tf
from examples import poisson_counts
from examples.poisson_counts import NormalNoise, PoissonCounts

RATES = np.array([0.3, 40.0])
PARAMETERS = np.log(np.expm1(RATES))  # whose softplus they are


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """What the example prints, and the model that it has saved, loaded and exported."""
    lines, keep = [], lambda *parts: lines.append(parts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(poisson_counts, "print", keep, raising=False)
        return poisson_counts.run(tmp_path_factory.mktemp("counts"), epochs=2), lines


def test_the_example_loads_and_serves_what_it_has_trained(run):
    model, lines = run
    assert isinstance(model.emission, PoissonCounts) and isinstance(model.cell.posterior_part, NormalNoise)
    assert model.emission.largest == 255 and model.cell.posterior_part.noise_size == 8
    differences = [parts[1] for parts in lines if "is" in parts[0].split()[-1:]]
    assert len(differences) == 2 and max(differences) < 1e-4


def test_every_estimator_and_gaps_take_it(run):
    model, counts = run[0], poisson_counts.make_counts(3, 5, seed=2)
    for resample in (False, True):
        assert np.isfinite(model.log_likelihood(counts, None, 4, 3, resample, seed=0)).all()
    observed = np.arange(counts.size).reshape(counts.shape) % 3 > 0
    filled = model.impute(counts, observed, seed=0).numpy()
    np.testing.assert_array_equal(filled[observed], counts[observed])
    model.emission.check(filled)
    with pytest.raises(ValueError, match="must be whole numbers from 0 to 255 for"):
        model.score(np.full([1, 2, 2], 0.5))


def test_its_density_and_draws_are_poisson():
    """Frequencies within 5 standard errors: one false alarm in 100,000 seeds."""
    emission, size = PoissonCounts(2), 20_000
    parameters = tf.constant(np.tile(PARAMETERS, [size, 1]), tf.float32)
    x = np.array([2.0, 37.0])
    np.testing.assert_allclose(emission.log_prob(parameters[0], x), stats.poisson.logpmf(x, RATES).sum(), rtol=1e-4)
    draws = emission.sample(parameters, sisrnn_tf.random.as_seed(3)).numpy()
    emission.check(draws)
    for count in (x - 2, x, x + 1):
        share = stats.poisson.cdf(count, RATES)
        assert (np.abs((draws <= count).mean(axis=0) - share) <= 5 * np.sqrt(share * (1 - share) / size)).all()
    cold = emission.sample(parameters, sisrnn_tf.random.as_seed(3), 0.0).numpy()
    np.testing.assert_array_equal(np.unique(cold, axis=0), [stats.poisson.median(RATES)])


@pytest.mark.parametrize("name", ["PoissonCounts", "NormalNoise"])
def test_it_is_made_again_of_its_configuration(name):
    made = {"PoissonCounts": PoissonCounts(2, largest=7), "NormalNoise": NormalNoise(2, (5,), 3)}[name]
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(made))
    assert type(again) is type(made) and again.get_config() == made.get_config()
