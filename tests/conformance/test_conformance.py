"""Every public layer and model, registered once below, through all that Keras asks of it."""

from typing import NamedTuple

import keras
import numpy as np
import pytest
import tensorflow as tf

import sisrnn_tf
from sisrnn_tf import cells
from sisrnn_tf.cells import known_parts
from sisrnn_tf.core import networks, random
from sisrnn_tf.inference import bounds
from sisrnn_tf.models.words import WordEmbedding
from tests.passes import GivenPass, given_densities
from tests.state_space import Clock, Switches

D, Z, H, B, T = 3, 2, 4, 4, 5
V, E = 7, 6


def _emission():
    return sisrnn_tf.emissions.Bernoulli(D)


def _posterior(latent_size=Z, **kwargs):
    return sisrnn_tf.posteriors.SemiImplicit(
        latent_size, (5, 4), (3, 2), 2.0, activation="tanh", scale_floor=0.01, **kwargs
    )


def _cell(**kwargs):
    sizes = {"latent_size": Z, "hidden_size": H, "prior_sizes": (4,), "decoder_sizes": (5,)}
    return sisrnn_tf.SISRNNCell(
        _emission(), posterior=_posterior(**kwargs), activation="tanh", seed=3, **sizes, **kwargs
    )


def _model(kind, **kwargs):
    if kind == "WaveNet":
        return sisrnn_tf.WaveNet(_emission(), 4, 1, 2, decoder_sizes=(5,), activation="tanh", seed=3, **kwargs)
    if kind in EXACT:
        sizes = {"hidden_size": H, "decoder_sizes": (5,)}
        return getattr(sisrnn_tf, kind)(_emission(), activation="tanh", seed=3, **sizes, **kwargs)
    network = {"prior_sizes": (4,), "decoder_sizes": (5,), "activation": "tanh"}
    sizes = {"latent_size": Z, "hidden_size": H, **network}
    shared = {"kl_weight": 0.5, "num_mixing": 2, "eval_num_mixing": 3, "seed": 3}
    dtype = {"dtype": kwargs["dtype"]} if "dtype" in kwargs else {}
    if kind == "SAVAE":
        decoder, posterior = LAYERS["LSTMDecoder"](use_cudnn=False, **dtype), LAYERS["Gaussian"](**dtype)
        steps = {"refinement_steps": 2, "refinement_rate": 0.1, "refinement_clip": 9.0}
        return sisrnn_tf.SAVAE(V, Z, E, H, decoder, posterior, **steps, **shared, **kwargs)
    if kind == "SentenceSISRNN":
        decoder, sizes = LAYERS["TransformerDecoder"](**dtype), {"latent_size": Z, "hidden_size": H}
        parts = {"decoder": decoder, "posterior": _posterior(**dtype), "embedding_size": E, "word_dropout": 0.2}
        return sisrnn_tf.SentenceSISRNN(V, **sizes, **parts, **shared, **kwargs)
    if kind == "SWaveNet":
        plain = [sisrnn_tf.posteriors.Gaussian(Z, (5,), **dtype)]
        return sisrnn_tf.SWaveNet(_emission(), (Z,), 4, 1, posteriors=plain, **network, **shared, **kwargs)
    if kind == "STCN":
        levels = [_posterior(**dtype), sisrnn_tf.posteriors.Gaussian(1, (5,), **dtype)]
        return sisrnn_tf.STCN(_emission(), (Z, 1), 4, 1, posteriors=levels, **network, **shared, **kwargs)
    if kind == "StateSpaceModel":
        return sisrnn_tf.StateSpaceModel(Switches(Z, D), _posterior(**dtype), **shared, **kwargs)
    if kind == "ZForcing":
        posterior = _posterior(summary=sisrnn_tf.posteriors.BackwardGRU(3, **dtype), **dtype)
        return sisrnn_tf.ZForcing(_emission(), posterior=posterior, auxiliary_weight=0.1, **sizes, **shared, **kwargs)
    posterior = _posterior(**dtype) if kind == "SISRNN" else sisrnn_tf.posteriors.Gaussian(Z, (5,), **dtype)
    return getattr(sisrnn_tf, kind)(_emission(), posterior=posterior, **sizes, **shared, **kwargs)


# Registry: name -> a function of keyword arguments that makes one.
LAYERS = {
    "MLP": lambda **kwargs: networks.MLP((5, 4), 3, "tanh", **kwargs),
    "NoiseMLP": lambda **kwargs: networks.NoiseMLP((5, 4), (3, 2), 3, "tanh", 0.5, **kwargs),
    "Gaussian": lambda **kwargs: sisrnn_tf.posteriors.Gaussian(Z, (5,), activation="tanh", scale_floor=0.01, **kwargs),
    "SemiImplicit": _posterior,
    "Shifted": lambda **kwargs: sisrnn_tf.posteriors.Shifted(_posterior(**kwargs), **kwargs),
    "PerDimension": lambda **kwargs: sisrnn_tf.posteriors.PerDimension(
        Z, (5,), 2, 2.0, activation="tanh", scale_floor=0.01, **kwargs
    ),
    "BackwardGRU": lambda **kwargs: sisrnn_tf.posteriors.BackwardGRU(3, **kwargs),
    "MixturePrior": lambda **kwargs: cells.MixturePrior(Z, (5,), 4, activation="tanh", scale_floor=0.01, **kwargs),
    "GaussianPrior": lambda **kwargs: cells.GaussianPrior(Z, (5,), "tanh", 0.01, **kwargs),
    "StandardPrior": lambda **kwargs: cells.StandardPrior(Z, **kwargs),
    "FeedForwardDecoder": lambda **kwargs: cells.FeedForwardDecoder(3, (5,), "tanh", **kwargs),
    "SRNNDecoder": lambda **kwargs: cells.SRNNDecoder(3, 2, (5,), activation="tanh", **kwargs),
    "GRUTransition": lambda **kwargs: cells.GRUTransition(H, **kwargs),
    "SRNNTransition": lambda **kwargs: cells.SRNNTransition(2, Z, **kwargs),
    "LadderPrior": lambda **kwargs: cells.LadderPrior((Z, 1), 2, (5,), "tanh", 0.01, 1, **kwargs),
    "LadderDecoder": lambda **kwargs: cells.LadderDecoder(3, (Z, 1), (5,), True, 1, activation="tanh", **kwargs),
    "LadderPosterior": lambda **kwargs: cells.LadderPosterior(
        [_posterior(size, **kwargs) for size in (Z, 1)], LAYERS["LadderPrior"](**kwargs), True, **kwargs
    ),
    "DilatedTransition": lambda **kwargs: cells.DilatedTransition(2, 2, 2, 3, **kwargs),
    "LayeredPrior": lambda **kwargs: cells.LayeredPrior((Z, 1), 2, (5,), "tanh", 0.01, **kwargs),
    "SkipDecoder": lambda **kwargs: cells.SkipDecoder(3, (Z, 1), 2, (5,), activation="tanh", **kwargs),
    "LayeredPosterior": lambda **kwargs: cells.LayeredPosterior(
        [_posterior(size, **kwargs) for size in (Z, 1)], 2, **kwargs
    ),
    "SWaveNetTransition": lambda **kwargs: cells.SWaveNetTransition((Z, 1), 2, 1, 3, **kwargs),
    "SISRNNCell": _cell,
    "StochasticRNN": lambda **kwargs: sisrnn_tf.StochasticRNN(_cell(**kwargs), **kwargs),
    "SIVILoss": lambda **kwargs: sisrnn_tf.SIVILoss(sisrnn_tf.objectives.SIVI(3), 0.5, 7, **kwargs),
    "ExactLoss": sisrnn_tf.ExactLoss,
    "AuxiliaryLoss": lambda **kwargs: sisrnn_tf.AuxiliaryLoss(0.5, **kwargs),
    "RandomStream": lambda **kwargs: random.RandomStream(9, **kwargs),
    "SentenceCell": lambda **kwargs: sisrnn_tf.SentenceCell(Z, H, posterior=_posterior(**kwargs), **kwargs),
    "WordEmbedding": lambda **kwargs: WordEmbedding(V, E, **kwargs),
    "TransformerDecoder": lambda **kwargs: sisrnn_tf.decoders.TransformerDecoder(E, 1, 3, 2, 0.3, **kwargs),
    "LSTMDecoder": lambda **kwargs: sisrnn_tf.decoders.LSTMDecoder(E, 5, 0.3, **kwargs),
}
MODELS = (
    *("SISRNN", "VRNN", "SRNN", "ZForcing", "STCN", "SWaveNet", "RNN", "TwinNet", "WaveNet"),
    *("SentenceSISRNN", "StateSpaceModel", "SAVAE"),
)
EXACT = ("RNN", "TwinNet", "WaveNet")
# A gradient of a gradient takes long to trace: for SAVAE some tests are in `test_semi_amortized`, eager and quick.
QUICK = tuple(kind for kind in MODELS if kind != "SAVAE")
# Models that train, and cast, in ways of their own; the others are made of other parts, which have tests of their own.
OWN = ("SISRNN", "ZForcing", "RNN", "WaveNet", "SentenceSISRNN")
OBJECTS = {
    "Bernoulli": lambda: sisrnn_tf.emissions.Bernoulli(D, intensities=True),
    "Normal": lambda: sisrnn_tf.emissions.Normal(D, scale_floor=0.2),
    "Categorical": lambda: sisrnn_tf.emissions.Categorical(V),
    "NegativeBinomial": lambda: sisrnn_tf.emissions.NegativeBinomial(D),
    "OneHotCategorical": lambda: sisrnn_tf.emissions.OneHotCategorical(V),
    "NormalMixture": lambda: sisrnn_tf.emissions.NormalMixture(D, 4, 0.2),
    "LogisticMixture": lambda: sisrnn_tf.emissions.LogisticMixture(D, 4, 0.2),
    "SIVI": lambda: sisrnn_tf.objectives.SIVI(7),
    "IWAE": lambda: sisrnn_tf.objectives.IWAE(5, 7),
    "FIVO": lambda: sisrnn_tf.objectives.FIVO(5, 7, sisrnn_tf.particles.resample_multinomial),
    "StrokeMixture": lambda: sisrnn_tf.emissions.StrokeMixture(4, 0.2, 0.7),
    "KnownPrior": lambda: known_parts.KnownPrior(Clock()),
    "KnownDecoder": lambda: known_parts.KnownDecoder(Z),
    "KnownTransition": lambda: known_parts.KnownTransition(Z),
    "KnownEmission": lambda: known_parts.KnownEmission(Clock()),
    "RelativePosterior": lambda: cells.RelativePosterior(_posterior(), Clock()),
}

X = (np.random.default_rng(0).random((12, T, D)) < 0.5).astype("float32")
MASK = np.arange(T) < np.tile([5, 3, 1, 4], 3)[:, np.newaxis]
WEIGHT = np.tile([1.0, 1.0, 2.0, 0.0], 3).astype("float32")
BATCH = {"observations": X, "mask": MASK, "weight": WEIGHT}
WORDS = np.random.default_rng(0).integers(V, size=(12, T))


def _call_posterior(layer):
    noise = layer.sample_noise([2, B], random.as_seed(0))
    return layer(layer.context(tf.constant(X[:B, 0]), tf.zeros([B, H])), noise)


# How a layer is called, and what it is built for where it does not know by itself.
CALLS = {
    "MLP": lambda layer: layer(tf.constant(X[:B, 0])),
    "NoiseMLP": lambda layer: layer(
        layer.context(tf.constant(X[:B, 0])), layer.sample_noise([2, B], random.as_seed(0))
    ),
    "Gaussian": _call_posterior,
    "SemiImplicit": _call_posterior,
    "Shifted": _call_posterior,
    "PerDimension": _call_posterior,
    "BackwardGRU": lambda layer: layer(tf.constant(X[:B].transpose([1, 0, 2]))),
    "MixturePrior": lambda layer: layer.distribution(tf.ones([B, H])).mean(),
    "GaussianPrior": lambda layer: layer.parameters(tf.ones([B, H])),
    "StandardPrior": lambda layer: layer.parameters(tf.ones([B, H])),
    "FeedForwardDecoder": lambda layer: layer(tf.ones([B, Z]), tf.ones([B, H])),
    "SRNNDecoder": lambda layer: layer(tf.ones([B, Z]), tf.ones([B, H])),
    "GRUTransition": lambda layer: layer(tf.constant(X[:B, 0]), tf.ones([B, Z]), tf.ones([B, H])),
    "SRNNTransition": lambda layer: layer(tf.constant(X[:B, 0]), tf.ones([B, Z]), tf.ones([B, 2 + Z])),
    "LadderPrior": lambda layer: layer.moments(tf.ones([B, Z + 1]), tf.ones([B, 5])),
    "LadderDecoder": lambda layer: layer(tf.ones([B, Z + 1]), tf.ones([B, 5])),
    "LadderPosterior": lambda layer: layer(
        layer.context(X[:B, 0], tf.ones([B, 5]), tf.ones([B, 4])), layer.sample_noise([2, B], random.as_seed(0))
    ),
    "LayeredPrior": lambda layer: layer.parameters(tf.ones([B, 6])),
    "SkipDecoder": lambda layer: layer(tf.ones([B, Z + 1]), tf.ones([B, 7])),
    "LayeredPosterior": _call_posterior,
    "SWaveNetTransition": lambda layer: layer(
        tf.constant(X[:B, 0]), tf.ones([B, Z + 1]), tf.ones([B, layer.hidden_size])
    ),
    "DilatedTransition": lambda layer: layer(tf.constant(X[:B, 0]), None, tf.ones([B, layer.hidden_size])),
    "SISRNNCell": lambda layer: layer(tf.constant(X[:B, 0]), [tf.ones([B, H])]),
    "StochasticRNN": lambda layer: layer(tf.constant(X[:B]), mask=tf.constant(MASK[:B])),
    "SIVILoss": lambda layer: layer(passed=GivenPass(*given_densities(T, B)), weight=WEIGHT[:B], training=True),
    "ExactLoss": lambda layer: layer(given_densities(T, B)[0].emission, weight=WEIGHT[:B]),
    "AuxiliaryLoss": lambda layer: layer(tf.ones([B]), WEIGHT[:B], training=True),
    "RandomStream": lambda layer: layer.next_seed(),
    "SentenceCell": lambda layer: layer.prior_part.parameters(tf.ones([B, H])),
    "WordEmbedding": lambda layer: layer.logits(layer(WORDS[:B])),
    "TransformerDecoder": lambda layer: layer(tf.ones([B, T, E]), tf.ones([B, Z])),
    "LSTMDecoder": lambda layer: layer(tf.ones([B, T, E]), tf.ones([B, Z])),
}
# Layers whose outputs are no parameters of a distribution.
NO_PARAMETERS = (
    *("SIVILoss", "ExactLoss", "AuxiliaryLoss", "RandomStream", "BackwardGRU", "GRUTransition", "SRNNTransition"),
    *("TransformerDecoder", "LSTMDecoder", "DilatedTransition", "SWaveNetTransition"),
)
# What `build` is given.
INPUTS = {
    "MLP": ((None, D),),
    "NoiseMLP": ((None, D),),
    "Gaussian": ((None, D), (None, H)),
    "SemiImplicit": ((None, D), (None, H)),
    "Shifted": ((None, D), (None, H)),
    "PerDimension": ((None, D), (None, H)),
    "BackwardGRU": ((None, None, D),),
    "MixturePrior": ((None, H),),
    "GaussianPrior": ((None, H),),
    "StandardPrior": ((None, H),),
    "FeedForwardDecoder": ((None, Z), (None, H)),
    "SRNNDecoder": ((None, Z), (None, H)),
    "GRUTransition": ((None, D), (None, Z), (None, H)),
    "SRNNTransition": ((None, D), (None, Z), (None, 2 + Z)),
    "LadderPrior": ((None, 5),),
    "LadderDecoder": ((None, Z + 1), (None, 5)),
    "LadderPosterior": ((None, D), (None, 5)),
    "LayeredPrior": ((None, 6),),
    "SkipDecoder": ((None, Z + 1), (None, 7)),
    "LayeredPosterior": ((None, D), (None, H)),
    "SWaveNetTransition": ((None, D), (None, Z + 1), (None, 32)),
    "DilatedTransition": ((None, D), (None, Z + 1), (None, 28)),
    "TransformerDecoder": ((None, None, E), Z),
    "LSTMDecoder": ((None, None, E), Z),
}


def _layer(name, **kwargs):
    keras.utils.set_random_seed(1)
    layer = LAYERS[name](**kwargs)
    if name in INPUTS:
        layer.build(*INPUTS[name])
    return layer


def _compiled(kind, jit_compile=False, learning_rate=0.01, **kwargs):
    keras.utils.set_random_seed(1)
    compiling = {name: kwargs.pop(name) for name in ("steps_per_execution", "run_eagerly") if name in kwargs}
    model = _model(kind, **kwargs)
    optimizer = keras.optimizers.Adam(learning_rate, global_clipnorm=1.0)
    model.compile(optimizer=optimizer, jit_compile=jit_compile, **compiling)
    return model


def _x(kind):
    """What a kind of model observes."""
    return WORDS if kind in ("SentenceSISRNN", "SAVAE") else X


def _batch(kind):
    return BATCH | {"observations": _x(kind)}


def _fit(model, x=None, epochs=1, **kwargs):
    x = _batch(type(model).__name__) if x is None else x
    sizes = {} if isinstance(x, tf.data.Dataset) else {"batch_size": B, "shuffle": False}
    return model.fit(x, epochs=epochs, verbose=0, **sizes, **kwargs).history


def _dataset(parts=BATCH):
    return tf.data.Dataset.from_tensor_slices(parts).batch(B, drop_remainder=True)


def _weights(model):
    return [weight.numpy() for weight in model.weights]


def _named_weights(model):
    return [(weight.path, weight.numpy()) for weight in model.weights]


class Run(NamedTuple):
    """What training twice over the data left: each epoch's metrics, and names and values of weights after the first."""

    history: dict
    weights: list


def _two_epochs(model, **kwargs):
    """Trains a model and returns its `Run`."""
    weights = []
    keep = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: weights.append(_named_weights(model)))
    return Run(_fit(model, epochs=2, callbacks=[keep], **kwargs), weights[0])


@pytest.fixture(scope="module", params=[kind for kind in MODELS if kind not in ("VRNN", "SRNN", "TwinNet", "SWaveNet")])
def trained(request):
    """A kind, a model of it trained in graph mode, and its `Run`; only the test that saves the model may change it."""
    model = _compiled(request.param)
    return request.param, model, _two_epochs(model)


@pytest.fixture(scope="module")
def validated():
    """The `Run` of a SISRNN that trained on a data set and was validated after each epoch."""
    return _two_epochs(_compiled("SISRNN"), x=_dataset(), validation_data=_dataset())


def _assert_equal(left, right, **tolerance):
    left, right = tf.nest.flatten(left), tf.nest.flatten(right)
    assert len(left) == len(right)
    for value, other in zip(left, right, strict=True):
        np.testing.assert_allclose(value, other, **tolerance)


def _plain(config):
    """A configuration as JSON gives it back, without what Keras adds of how a part was built."""
    if isinstance(config, dict):
        return {name: _plain(value) for name, value in config.items() if name != "build_config"}
    return [_plain(value) for value in config] if isinstance(config, list | tuple) else config


def test_every_public_name_is_registered():
    public = {name for name in sisrnn_tf.__all__ if isinstance(getattr(sisrnn_tf, name), type)}
    public = {name for name in public if issubclass(getattr(sisrnn_tf, name), keras.layers.Layer)}
    assert public <= {*LAYERS, *MODELS}
    assert set(CALLS) == set(LAYERS)


@pytest.mark.parametrize("name", [*LAYERS, *MODELS, *OBJECTS])
def test_config_round_trip(name):
    made = _model(name) if name in MODELS else {**LAYERS, **OBJECTS}[name]()
    config = made.get_config()
    again = type(made).from_config(dict(config))  # Keras' RNN takes the cell out of it
    assert _plain(again.get_config()) == _plain(config)
    serialized = keras.saving.serialize_keras_object(made)
    restored = keras.saving.deserialize_keras_object(serialized)
    assert type(restored) is type(made) and _plain(restored.get_config()) == _plain(config)


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_in_a_saved_model_gives_equal_outputs(name, tmp_path):
    """Each layer as a part of a Keras model, saved and loaded without custom objects."""
    layer = _layer(name)
    holder = keras.Sequential([keras.Input([1]), keras.layers.Identity()])
    holder.part = layer
    CALLS[name](layer)
    holder.save_weights(tmp_path / "holder.weights.h5")
    expected = CALLS[name](layer)
    other = keras.Sequential([keras.Input([1]), keras.layers.Identity()])
    other.part = type(layer).from_config(layer.get_config())
    if name in INPUTS:
        other.part.build(*INPUTS[name])
    other.load_weights(tmp_path / "holder.weights.h5")
    _assert_equal(CALLS[name](other.part), expected, rtol=1e-6)


@pytest.mark.parametrize("name", ["SISRNNCell", "StochasticRNN"])
def test_a_recurrent_layer_in_a_functional_model_is_saved_and_loaded(name, tmp_path):
    layer = _layer(name)
    layer = keras.layers.RNN(layer, return_sequences=True) if name == "SISRNNCell" else layer
    inputs = keras.Input([None, D])
    model = keras.Model(inputs, layer(inputs))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    _assert_equal(loaded.predict(X, verbose=0), model.predict(X, verbose=0), rtol=1e-6)


def test_a_model_is_saved_and_loaded_with_its_optimizer(trained, tmp_path):
    kind, model, _ = trained
    if kind not in EXACT:
        model.loss_layer.num_mixing, model.loss_layer.kl_weight = 4, 0.25
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded) is type(model) and _plain(loaded.get_config()) == _plain(model.get_config())
    _assert_equal(_weights(loaded), _weights(model), rtol=0)
    _assert_equal([v.numpy() for v in loaded.optimizer.variables], [v.numpy() for v in model.optimizer.variables])
    x = _x(kind)
    _assert_equal(loaded(x), model(x), rtol=1e-6)
    _assert_equal(loaded.bound(x, seed=1), model.bound(x, seed=1), rtol=1e-6)
    assert _fit(loaded)["loss"] == pytest.approx(_fit(model)["loss"], rel=1e-5)
    _assert_equal(_weights(loaded), _weights(model), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", QUICK)
def test_weights_are_saved_and_loaded(kind, tmp_path):
    model, other, x = _model(kind), _model(kind), _x(kind)
    model(x)
    model.save_weights(tmp_path / "model.weights.h5")
    other.load_weights(tmp_path / "model.weights.h5")
    _assert_equal(other.bound(x), model.bound(x), rtol=1e-6)


def _assert_same_history(history, expected):
    """Equal metrics, as far as both ran."""
    assert set(history) == set(expected)
    for name, values in history.items():
        np.testing.assert_allclose(values, expected[name][: len(values)], rtol=1e-4, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("trained", OWN, indirect=True)
def test_training_under_xla_gives_the_same_losses(trained, validated):
    kind, _, run = trained
    run, validation = (validated, {"validation_data": BATCH}) if kind == "SISRNN" else (run, {})
    history = _fit(_compiled(kind, jit_compile=True), epochs=2, **validation)
    assert {len(values) for values in history.values()} == {2}
    _assert_same_history(history, run.history)


def test_training_in_eager_mode_gives_the_same_losses(trained):
    kind, _, run = trained
    _assert_same_history(_fit(_compiled(kind, run_eagerly=True)), run.history)


def _assert_same_run(weights, expected):
    """Equal in all but the evaluation's stream, which every evaluation restarts."""
    for (path, value), (_, other) in zip(weights, expected, strict=True):
        if "evaluation_stream" not in path:
            np.testing.assert_allclose(value, other, rtol=1e-5, atol=1e-6, err_msg=path)


@pytest.mark.parametrize("trained", OWN, indirect=True)
def test_a_run_is_the_same_twice_in_steps_or_at_once(trained):
    kind, _, run = trained
    model = _compiled(kind, steps_per_execution=3)
    _fit(model)
    _assert_same_run(_named_weights(model), run.weights)


@pytest.mark.parametrize("trained", ["SISRNN"], indirect=True)
def test_a_run_is_the_same_from_a_data_set_and_with_validation_beside(trained, validated):
    _, _, run = trained
    _assert_same_run(validated.weights, run.weights)


@pytest.mark.parametrize("kind", OWN)
def test_bare_arrays_dictionaries_and_validation(kind):
    model, x = _compiled(kind), _x(kind)
    history = _fit(model, x, validation_data=x)
    assert np.isfinite(history["loss"]).all() and np.isfinite(history["val_loss"]).all()
    assert history["val_loss"][0] == pytest.approx(model.evaluate(x, batch_size=B, verbose=0, return_dict=True)["loss"])
    logs = model.evaluate(_dataset({"observations": x}), verbose=0, return_dict=True)
    assert history["val_loss"][0] == pytest.approx(logs["loss"], rel=1e-5)
    if kind not in EXACT:
        assert {"surrogate", "lower_bound", "regularizer", "reconstruction", "kl"} < set(history)
        num_mixing = ([0], [0]) if not model.mixes else ([2], [3])  # a point mass has no further components
        assert (history["num_mixing"], history["val_num_mixing"]) == num_mixing
        assert (history["kl_weight"], history["val_kl_weight"]) == ([0.5], [1.0])


def test_k_and_beta_change_between_epochs():
    """To K = 0 as well, with a last batch that is smaller, so that the batch size is unknown."""
    model = _compiled("SISRNN")
    for num_mixing, kl_weight in ((2, 0.5), (0, 0.75), (5, 0.0)):
        model.loss_layer.num_mixing, model.loss_layer.kl_weight = num_mixing, kl_weight
        history = model.fit(X[:6], batch_size=B, verbose=0).history
        assert (history["num_mixing"], history["kl_weight"]) == ([num_mixing], [kl_weight])
    # And sequences of another length.
    assert np.isfinite(model.evaluate(X[:5, :3], batch_size=2, verbose=0, return_dict=True)["loss"])


@pytest.mark.parametrize("kind", OWN)
def test_mixed_bfloat16_keeps_densities_and_variables_in_float32(kind):
    model, plain = _compiled(kind, dtype="mixed_bfloat16"), _compiled(kind)
    assert {weight.dtype for weight in model.trainable_weights} == {"float32"}
    x = _x(kind)
    terms, expected = model.bound(x, seed=1), plain.bound(x, seed=1)
    assert {value.dtype for value in terms} == {tf.float32}
    _assert_equal(terms.reconstruction, expected.reconstruction, rtol=0.05, atol=0.3)
    outputs = model(x)
    assert outputs.get("emission_parameters", outputs.get("log_likelihood")).dtype == tf.float32
    history = _fit(model, epochs=2)
    assert np.isfinite(history["loss"]).all()
    model(x, training=True)
    assert model.losses[0].dtype == tf.float32


@pytest.mark.parametrize("kind", OWN)
def test_a_global_mixed_policy_is_the_same_as_the_argument(kind):
    expected = _compiled(kind, dtype="mixed_bfloat16").evaluate(_x(kind), verbose=0, return_dict=True)
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        logs = _compiled(kind).evaluate(_x(kind), verbose=0, return_dict=True)
    finally:
        keras.config.set_dtype_policy("float32")
    assert logs == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", [name for name in LAYERS if name not in NO_PARAMETERS])
def test_a_layer_in_mixed_bfloat16_gives_float32_parameters(name):
    outputs = CALLS[name](_layer(name, dtype="mixed_bfloat16"))
    if name == "StochasticRNN":
        outputs = [outputs["emission_parameters"], outputs["latent"]]
    outputs = outputs[0] if name == "SISRNNCell" else outputs
    assert {tensor.dtype for tensor in tf.nest.flatten(outputs)} == {tf.float32}


@pytest.mark.parametrize("clipping", [{"clipnorm": 1e-3}, {"global_clipnorm": 1e-3}, {"clipvalue": 1e-4}])
def test_gradient_clipping_bounds_the_step(clipping):
    keras.utils.set_random_seed(1)
    model = _model("RNN")
    model.compile(optimizer=keras.optimizers.SGD(1.0, **clipping), jit_compile=False)
    before = [weight.numpy() for weight in model.trainable_weights]
    model.fit(X, batch_size=12, verbose=0)
    steps = [weight.numpy() - value for weight, value in zip(model.trainable_weights, before, strict=True)]
    largest = {
        "clipnorm": max(np.linalg.norm(step) for step in steps),
        "global_clipnorm": np.sqrt(sum(np.sum(step**2) for step in steps)),
        "clipvalue": max(np.max(np.abs(step)) for step in steps),
    }
    ((name, limit),) = clipping.items()
    assert 0.1 * limit < largest[name] <= limit * 1.01


def test_bound_terms_are_a_pure_function_under_xla():
    compiled = tf.function(bounds.bound_terms, jit_compile=True)
    given = given_densities(T, B)
    _assert_equal(compiled(*given), bounds.bound_terms(*given), rtol=1e-5, atol=1e-6)
