"""Gaps: their intervals, which is named, and refits of models whose truth is known."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import sisrnn_tf
from sisrnn_tf import cells, posteriors
from sisrnn_tf.analysis import gaps
from sisrnn_tf.configuration import refits
from sisrnn_tf.configuration.model_config import ModelConfig
from sisrnn_tf.core import gaussians

R, STEPS = 0.5, 2  # x_t = z_t + N(0, R^2), z_t ~ N(0, 1)
VARIANCE = R**2 / (1 + R**2)  # of the posterior


def test_intervals_are_student_s():
    gap = gaps.paired(np.array([3.0, 5.0, 7.0]), np.array([2.0, 2.0, 2.0]))
    assert gap == pytest.approx((3, 3 - 4.302653 * 2 / 3**0.5, 3 + 4.302653 * 2 / 3**0.5), rel=1e-6)
    assert gaps.paired(np.ones(4), np.ones(4)) == (0, 0, 0)
    with pytest.raises(ValueError, match="`values` must be of at least 2 sequences"):
        gaps.paired(np.ones(1), np.ones(1))


SURE, LARGE, UNSURE, SMALL = gaps.Gap(0.3, 0.2, 0.4), gaps.Gap(2, 1, 3), gaps.Gap(3, -1, 7), gaps.Gap(0.05, 0.04, 0.06)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({"same": SMALL, "smoothing": SURE, "wider": LARGE, "per_dimension": UNSURE, "per_sequence": LARGE}, "wider"),
        ({"same": SURE, "smoothing": SMALL, "both": LARGE}, "same"),
        ({"same": SMALL, "smoothing": UNSURE, "both": LARGE, "per_sequence": LARGE}, "both"),
        ({"same": SMALL, "wider": UNSURE, "per_sequence": LARGE}, "per_sequence"),
        ({"same": UNSURE, "wider": SMALL, "per_sequence": UNSURE}, None),
    ],
)
def test_the_largest_sure_gap_is_named_single_changes_first(found, expected):
    assert gaps.worth_closing(found) == expected
    text = gaps.verdict(found, LARGE)
    assert (gaps.MEANINGS[expected] if expected else "no gap is worth closing") in text
    assert "at least 2.00 nats lie between" in text


def test_refits_are_those_that_differ_from_the_own_kind():
    made = refits.variants(ModelConfig(model="vrnn"))
    assert list(made) == [*refits.NAMES]
    assert [each.mixing for each in made.values()] == ["none", "none", "per_dimension", "per_dimension", "none"]
    assert made["wider"].encoder_sizes == (512, 512, 512)
    assert list(refits.variants(ModelConfig(posterior="smoothing"))) == ["same", "per_dimension", "wider"]
    both = ModelConfig(posterior="smoothing", mixing="per_dimension")
    assert list(refits.variants(both)) == ["same", "wider"]


@keras.saving.register_keras_serializable("tests")
class Noisy(cells.Decoder):
    """Loc z_t, or z_{t-1}, and scale R, as `Normal` takes its parameters."""

    def __init__(self, parameter_size, late=False, **kwargs):
        super().__init__(parameter_size, **kwargs)
        self.late = late

    def call(self, latent, hidden):
        raw = tf.fill(tf.shape(latent), tf.constant(np.log(np.expm1(R - 1e-3)), latent.dtype))
        return tf.concat([hidden if self.late else latent, raw], axis=-1)

    def get_config(self):
        return {**super().get_config(), "late": self.late}


@keras.saving.register_keras_serializable("tests")
class Remember(cells.Transition):
    """h_t = z_t."""

    def call(self, observation, latent, hidden):
        return latent


def _posterior(make=posteriors.Gaussian, sizes=(2,), **kwargs):
    return make(1, sizes, name="posterior", **kwargs)


def _model(late=False):
    """A linear-Gaussian model with the exact posterior, N(x / (1 + R^2), VARIANCE), through relu(x) and relu(-x)."""
    model = sisrnn_tf.VRNN(
        sisrnn_tf.emissions.Normal(1),
        latent_size=1,
        hidden_size=1,
        prior=cells.StandardPrior(1),
        decoder=Noisy(2, late),
        transition=Remember(1),
        posterior=_posterior(),
    )
    hidden, output = model.cell.posterior_part.network.dense_layers
    hidden.set_weights([np.array([[1.0, -1.0], [0.0, 0.0]]), np.zeros(2)])
    loc, raw_scale = 1 / (1 + R**2), np.log(np.expm1(VARIANCE**0.5 - 1e-3))
    output.set_weights([np.array([[loc, 0.0], [-loc, 0.0]]), np.array([0.0, raw_scale])])
    return model


def _data(late=False, count=256):
    latent, noise = np.random.default_rng(0).normal(size=[2, count, STEPS, 1])
    if late:
        latent = np.concatenate([np.zeros([count, 1, 1]), latent[:, :-1]], axis=1)
    return (latent + R * noise).astype("float32")


def _batches(observations, size):
    batch = {"observations": observations, "mask": np.ones(observations.shape[:2], bool)}
    batch["weight"] = np.ones(len(observations), "float32")
    return tf.data.Dataset.from_tensor_slices(batch).batch(size, drop_remainder=True)


def _bounds(model, observations):
    return gaps.sequence_bounds(model, _batches(observations, len(observations)), "validation", 3, [0, 1])


def _refit(model, posterior, observations, num_steps=40, learning_rate=1e-2):
    keras.utils.set_random_seed(0)
    twin = gaps.with_posterior(model, posterior, 3)
    optimizer = keras.optimizers.Adam(learning_rate)
    gaps.fit(twin, _batches(observations, 64).repeat(), optimizer, num_steps)
    return _bounds(twin, observations)


KINDS = {
    "same": _posterior,
    "smoothing": lambda: _posterior(summary=posteriors.BackwardGRU(3)),
    "per_dimension": lambda: _posterior(posteriors.PerDimension, noise_weight_scale=0.0),
    "wider": lambda: _posterior(sizes=(8,)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_refit_starts_as_the_trained_function(kind):
    model, observations = _model(), _data(count=16)
    twin = gaps.with_posterior(model, KINDS[kind](), 3)
    np.testing.assert_allclose(_bounds(twin, observations), _bounds(model, observations), rtol=1e-5)
    assert {variable.path.split("/")[1] for variable in twin.trainable_variables} == {"posterior"}


def test_where_the_posterior_is_exact_no_gap_is_named():
    model, observations = _model(), _data()
    exact = gaussians.log_density(observations, sisrnn_tf.core.types.Gaussian(0.0, (1 + R**2) ** 0.5))
    own = _bounds(model, observations)
    np.testing.assert_allclose(own, tf.reduce_sum(exact, axis=1), rtol=1e-4)
    refitted = {kind: _refit(model, make(), observations) for kind, make in KINDS.items()}
    found = {kind: gaps.paired(values, refitted["same"]) for kind, values in refitted.items()}
    found["same"] = gaps.paired(refitted["same"], own)
    assert gaps.worth_closing(found) is None
    assert max(gap.mean for gap in found.values()) < 0.02


def test_a_damaged_posterior_shows_as_further_fitting_and_the_model_stays_as_it_was():
    model, observations = _model(), _data()
    output = model.cell.posterior_part.network.dense_layers[-1]
    output.bias.assign_add([0.7, 0.5])
    before = [variable.numpy() for variable in model.variables]
    own = _bounds(model, observations)
    found = {"same": gaps.paired(_refit(model, _posterior(), observations, 100, 3e-2), own)}
    assert gaps.worth_closing(found) == "same" and found["same"].mean > 1
    for variable, old in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), old)


def test_where_the_future_holds_the_latent_looking_ahead_is_named():
    """x_t = z_{t-1} + noise: what is to be known of z_1 is in x_2, and a filtering posterior can but be narrow."""
    model, observations = _model(late=True), _data(late=True)
    output = model.cell.posterior_part.network.dense_layers[-1]
    output.kernel.assign(np.zeros([2, 2]))  # the best of them: loc 0, and the variance of the exact one
    refitted = {kind: _refit(model, KINDS[kind](), observations, 150, 3e-2) for kind in ("same", "smoothing")}
    found = {"smoothing": gaps.paired(refitted["smoothing"], refitted["same"])}
    found["same"] = gaps.paired(refitted["same"], _bounds(model, observations))
    assert gaps.worth_closing(found) == "smoothing"
    assert found["smoothing"].low > 0.5


def test_generative_weights_stay_bit_by_bit(make_model, observations):
    model = make_model("SISRNN")
    twin = gaps.with_posterior(model, posteriors.PerDimension(2, (5, 4), name="posterior"), 2)
    first = [variable.numpy() for variable in twin.trainable_variables]
    gaps.fit(twin, _batches(observations, 4).repeat(), keras.optimizers.Adam(0.1), 3)
    for name in ("prior_part", "decoder", "transition"):
        parts = (getattr(each.cell, name).get_weights() for each in (model, twin))
        for own, refitted in zip(*parts, strict=True):
            np.testing.assert_array_equal(refitted, own)
    assert all(np.any(variable.numpy() != old) for variable, old in zip(twin.trainable_variables, first, strict=True))
