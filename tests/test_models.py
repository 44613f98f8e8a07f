"""The models' public contract: shapes, seeds, training, evaluation, bad input."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

import sisrnn_tf

D, Z, H = 3, 2, 4
KINDS = ["SISRNN", "VRNN", "RNN"]
OUTPUTS = {"emission_parameters": D, "latent": Z, "hidden": H}


@pytest.fixture(scope="module", params=KINDS)
def model(request, make_model):
    """A compiled model; tests here may move its streams, not its weights."""
    model = make_model(request.param)
    model.compile(jit_compile=False)
    return model


def _sizes(model):
    return {**OUTPUTS, "latent": 0} if type(model).__name__ == "RNN" else OUTPUTS


def _learnable(num_rows=64):
    """Sequences whose every step repeats the first."""
    first = np.random.default_rng(0).random((num_rows, 1, D)) < 0.5
    return np.repeat(first, 4, axis=1).astype("float32")


def test_call_and_predict_give_the_outputs(model, observations, mask):
    expected = {name: (4, 5, size) for name, size in _sizes(model).items()}
    for inputs in (observations, {"observations": observations, "mask": mask}):
        assert {name: value.shape for name, value in model(inputs).items()} == expected
    predictions = model.predict(observations, verbose=0)
    assert {name: value.shape for name, value in predictions.items()} == expected
    assert all(np.isfinite(value).all() for value in predictions.values())


def test_a_call_adds_the_loss_only_in_training(model, observations):
    model(observations)
    assert not model.losses
    model(observations, training=True)
    assert len(model.losses) == 1 and model.losses[0].shape == ()


def test_bound_is_given_by_its_seed_and_none_draws_from_the_stream(model, observations):
    first, again, other = (model.bound(observations, num_mixing=2, seed=seed).surrogate for seed in (1, 1, (1, 1)))
    np.testing.assert_array_equal(first, again)
    fresh = [model.bound(observations, num_mixing=2).surrogate.numpy() for _ in range(2)]
    stochastic = type(model).__name__ != "RNN"
    assert (other.numpy() != first.numpy()).any() == stochastic
    assert (fresh[0] != fresh[1]).any() == stochastic


def test_generate_draws_observations(model):
    first, again, other = (model.generate(6, 7, seed=seed).numpy() for seed in (1, 1, 2))
    assert first.shape == (6, 7, D) and set(np.unique(first)) <= {0.0, 1.0}
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert (model.generate(6, 7).numpy() != model.generate(6, 7).numpy()).any()
    np.testing.assert_array_equal(model.generate(6, 3, seed=1), first[:, :3])


def test_reconstruct_gives_probabilities_by_seed(model, observations, mask):
    first, again = (model.reconstruct(observations, seed=1).numpy() for _ in range(2))
    assert first.shape == (4, 5, D) and ((first > 0) & (first < 1)).all()
    np.testing.assert_array_equal(first, again)
    masked = model.reconstruct(observations, mask, seed=1).numpy()
    np.testing.assert_allclose(masked[mask], first[mask], rtol=1e-5)
    if type(model).__name__ != "RNN":
        assert (model.reconstruct(observations).numpy() != model.reconstruct(observations).numpy()).any()


@pytest.mark.parametrize("kind", KINDS)
def test_generated_sequences_have_the_likelihood_of_the_model(make_model, kind):
    """The first step's frequencies agree with quadrature-free exact means: 5 standard errors, 1 in 1.7 million each."""
    model, size = make_model(kind), 4000
    samples = model.generate(size, 1, seed=5).numpy()[:, 0]
    hidden = tf.zeros([size, H])
    if kind == "RNN":
        mean = tf.sigmoid(model.decoder(hidden))
    else:
        prior = model.cell.prior(hidden)
        normal = np.random.default_rng(0).normal(size=(size, Z)).astype("float32")
        mean = model.emission.mean(model.cell.emission_parameters(prior.mean() + prior.stddev() * normal, hidden))
    mean = np.mean(mean, axis=0)
    assert (np.abs(samples.mean(axis=0) - mean) < 5 * np.sqrt(2 * 0.25 / size)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_fit_lowers_the_loss(make_model, kind):
    x, model = _learnable(), make_model(kind)
    model.compile(optimizer=keras.optimizers.Adam(3e-2), jit_compile=False)
    before = model.evaluate(x, verbose=0, return_dict=True)["loss"]
    model.fit(x, batch_size=16, epochs=12, verbose=0)
    after = model.evaluate(x, verbose=0, return_dict=True)["loss"]
    assert after < before - 1.0
    assert after > 3 * np.log(2) - 0.2  # the entropy of the first step is a floor


def test_fit_traces_the_training_step_once(make_model, observations, monkeypatch):
    model, traces = make_model("RNN"), []
    step = type(model).train_step
    monkeypatch.setattr(type(model), "train_step", lambda model, data: traces.append(data) or step(model, data))
    model.compile(jit_compile=False)
    model.fit(observations, epochs=2, verbose=0)
    assert len(traces) == 1


def test_evaluate_is_repeatable_and_leaves_training_alone(model, observations):
    first = model.evaluate(observations, batch_size=2, verbose=0, return_dict=True)
    position = int(model.stream.position.numpy())
    second = model.evaluate(observations, batch_size=2, verbose=0, return_dict=True)
    assert first == second
    assert int(model.stream.position.numpy()) == position


def test_evaluate_is_the_mean_of_minus_the_bound(model, observations, mask):
    """At beta 1 and the K given for evaluation, weighted, on the noise of the evaluation stream."""
    weight = np.array([1.0, 0.0, 2.0, 0.5], "float32")
    batch = {"observations": observations, "mask": mask, "weight": weight}
    logs = model.evaluate(batch, batch_size=4, verbose=0, return_dict=True)
    model.evaluation_stream.restart()
    seed = model.evaluation_stream.next_seed()
    terms = model.bound(observations, mask, num_mixing=10, seed=seed)
    np.testing.assert_allclose(logs["loss"], -np.average(terms.surrogate, weights=weight), rtol=1e-5)
    if type(model).__name__ != "RNN":
        np.testing.assert_allclose(logs["kl"], np.average(terms.kl, weights=weight), rtol=1e-5)


def test_evaluation_weighs_batches_by_their_weight(make_model, observations):
    model = make_model("RNN")
    model.compile(jit_compile=False)
    weight = np.array([1.0, 1.0, 1.0, 0.0], "float32")
    logs = model.evaluate({"observations": observations, "weight": weight}, batch_size=2, verbose=0, return_dict=True)
    without = model.evaluate(observations[:3], batch_size=3, verbose=0, return_dict=True)
    np.testing.assert_allclose(logs["loss"], without["loss"], rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_weight_zero_do_not_train(make_model, kind, observations, mask):
    weights = []
    for filling in (0.0, 1.0):
        model = make_model(kind)
        model.compile(optimizer=keras.optimizers.SGD(0.1), jit_compile=False)
        x = observations.copy()
        x[3] = filling
        batch = {"observations": x, "mask": mask, "weight": np.array([1.0, 2.0, 1.0, 0.0], "float32")}
        model.fit(batch, epochs=2, verbose=0)
        weights.append([weight.numpy() for weight in model.trainable_weights])
    for left, right in zip(*weights, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-5, atol=1e-6)


def test_rows_of_weight_zero_equal_no_rows(make_model, observations):
    """Exactly so where there is no noise, whose rows depend on the size of the batch."""
    weights = []
    padded = {"observations": observations, "weight": np.array([1.0, 1.0, 1.0, 0.0], "float32")}
    for batch in (padded, observations[:3]):
        model = make_model("RNN")
        model.compile(optimizer=keras.optimizers.SGD(0.1), jit_compile=False)
        model.fit(batch, epochs=1, shuffle=False, verbose=0)
        weights.append([weight.numpy() for weight in model.trainable_weights])
    for left, right in zip(*weights, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-5, atol=1e-6)


def _with(observations, value):
    return np.where(np.arange(D) == 1, value, observations).astype("float32")


GAP = np.array([[1, 0, 1, 1, 1]] + [[1] * 5] * 3, bool)
BAD_BATCHES = {
    "rank": (lambda x: x[0], r"must have the shape \[B, T, D\]"),
    "features": (lambda x: x[..., :2], "must have 3 features"),
    "nan": (lambda x: _with(x, np.nan), "must be finite"),
    "infinity": (lambda x: _with(x, np.inf), "must be finite"),
    "support": (lambda x: _with(x, 0.5), "must be 0 or 1"),
    "no rows": (lambda x: x[:0], "must not be empty|at least one batch"),
    "no steps": (lambda x: x[:, :0], "must not be empty"),
    "zero length": (
        lambda x: {"observations": x, "mask": np.arange(5) < np.array([[5], [0], [5], [5]])},
        "zero-length",
    ),
    "gap": (lambda x: {"observations": x, "mask": GAP}, "Received a gap"),
    "mask shape": (lambda x: {"observations": x, "mask": np.ones((4, 4), bool)}, "`mask` must have the shape"),
    "unknown key": (lambda x: {"observations": x, "lengths": np.ones(4)}, "Received the keys"),
    "no observations": (lambda x: {"mask": np.ones((4, 5), bool)}, "Received the keys"),
}


@pytest.mark.parametrize("case", BAD_BATCHES)
@pytest.mark.parametrize("as_dataset", [False, True])
def test_bad_input_is_refused_before_any_step(model, observations, case, as_dataset):
    change, message = BAD_BATCHES[case]
    before = [weight.numpy() for weight in model.weights]
    batch = change(observations)
    batch = tf.data.Dataset.from_tensors(batch) if as_dataset else batch
    with pytest.raises(ValueError, match=message):
        model.fit(batch, verbose=0)
    for weight, value in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(weight, value)


def test_an_empty_dataset_is_refused(model):
    empty = tf.data.Dataset.from_tensor_slices(np.zeros((0, 5, D), "float32")).batch(2)
    with pytest.raises(ValueError, match="at least one batch"):
        model.fit(empty, verbose=0)


def test_nan_in_padding_is_accepted(make_model, observations, mask):
    model = make_model("SISRNN")
    model.compile(jit_compile=False)
    x = np.where(mask[..., np.newaxis], observations, np.float32(np.nan))
    history = model.fit({"observations": x, "mask": mask}, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


def test_sisrnn_and_vrnn_start_from_the_same_weights(sisrnn, vrnn):
    """But for the noise weights, so that runs of one seed compare."""
    noise = [weight for weight in sisrnn.trainable_weights if "/noise_" in weight.path]
    assert len(noise) == 2 and all(np.std(kernel) > 0 for kernel in noise)
    others = [weight for weight in sisrnn.trainable_weights if "/noise_" not in weight.path]
    assert sum(weight.numpy().size for weight in others) > 200
    for weight, other in zip(others, vrnn.trainable_weights, strict=True):
        np.testing.assert_array_equal(weight, other)


@pytest.mark.parametrize("num_mixing", [-1, 1.5])
def test_bad_k_is_refused(model, observations, num_mixing):
    with pytest.raises(ValueError, match="`num_mixing` must be an int of at least 0"):
        model.bound(observations, num_mixing=num_mixing)


def test_bad_arguments_of_methods_are_refused(model, observations):
    with pytest.raises(ValueError, match="`batch_size` must be an int of at least 1"):
        model.generate(0, 5)
    with pytest.raises(ValueError, match="`num_steps` must be an int of at least 1"):
        model.generate(5, -1)
    with pytest.raises(ValueError, match="must have 3 features"):
        model.bound(observations[..., :2])
    with pytest.raises(ValueError, match="`seed` must be an int or a pair of ints"):
        model.reconstruct(observations, seed=0.5)
    with pytest.raises(ValueError, match="`seed` must be an int of at most 64 bits"):
        model.bound(observations, seed=2**64)
    for name in ("num_mixing", "num_importance"):
        with pytest.raises(ValueError, match=f"`{name}` must be at most 1000000"):
            model.log_likelihood(observations, **{name: 2**31 - 1})
    with pytest.raises(ValueError, match="`batch_size` and `num_steps` must fit in memory"):
        model.generate(2**31 - 1, 2**31 - 1)
    with pytest.raises(ValueError, match="`num_samples` and `num_steps` must fit in memory"):
        model.forecast(observations, 2**31 - 1, 2**31 - 1)
    with pytest.raises(ValueError, match="`temperature` must be positive and finite"):
        model.generate(1, 1, temperature="hot")
    with pytest.raises(ValueError, match="`state` must be that of the step before"):
        state = model.initial_state(4)
        model.stream_step(observations[:, 0], state._replace(hidden=state.hidden + np.nan), 0, 0)


@pytest.mark.parametrize(
    ("kind", "kwargs", "message"),
    [
        ("SISRNN", {"num_mixing": -1}, "`num_mixing`"),
        ("SISRNN", {"kl_weight": -1.0}, "`kl_weight`"),
        ("VRNN", {"eval_num_mixing": -1}, "`eval_num_mixing`"),
        ("SISRNN", {"hidden_size": 0}, "`hidden_size`"),
        ("RNN", {"hidden_size": 0}, "`hidden_size`"),
        ("RNN", {"decoder_sizes": (0,)}, "`hidden_sizes`"),
        ("SISRNN", {"num_mixing": 2**31 - 1}, "`num_mixing` must be at most 1000000"),
        ("SISRNN", {"eval_num_mixing": 2**31 - 1}, "`eval_num_mixing` must be at most 1000000"),
        ("SISRNN", {"kl_weight": "1"}, "`kl_weight` must be finite"),
        ("SISRNN", {"scale_floor": float("nan")}, "`scale_floor` must be positive and finite"),
        ("VRNN", {"scale_floor": float("inf")}, "`scale_floor` must be positive and finite"),
        ("VRNN", {"scale_floor": 1j}, "`scale_floor` must be positive and finite"),
        ("SISRNN", {"prior_sizes": 4}, "`prior_sizes` must be a sequence of ints"),
        ("SISRNN", {"seed": float("nan")}, "`seed` must be an int of at most 64 bits"),
        ("RNN", {"seed": 2**64}, "`seed` must be an int of at most 64 bits"),
        ("RNN", {"seed": "0"}, "`seed` must be an int of at most 64 bits"),
        ("RNN", {"emission": None}, "`emission` must be an object of"),
        ("VRNN", {"emission": "bernoulli"}, "`emission` must be an object of"),
        ("RNN", {"emission": sisrnn_tf.emissions.Categorical(3)}, "`emission` must be `OneHotCategorical`"),
        ("RNN", {"dtype": "mixed_float16"}, "`dtype` must be float32, float64 or mixed_bfloat16"),
        ("SISRNN", {"dtype": keras.DTypePolicy("float16")}, "`dtype` must be float32, float64 or mixed_bfloat16"),
        ("RNN", {"hidden_size": 10**6}, "`hidden_size` must fit in memory: 11,176 GiB are wanted"),
        ("SISRNN", {"hidden_size": 2**31 - 1}, "`hidden_size` and `latent_size` must fit in memory"),
        ("VRNN", {"decoder_sizes": (10**6, 10**6)}, "`hidden_sizes` must fit in memory"),
    ],
)
def test_bad_arguments_are_refused(kind, kwargs, message):
    with pytest.raises(ValueError, match=message):
        getattr(sisrnn_tf, kind)(**{"emission": sisrnn_tf.emissions.Bernoulli(D), **kwargs})


def test_float16_is_refused_as_the_global_policy_and_of_parts():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        with pytest.raises(ValueError, match="`dtype` must be float32, float64 or mixed_bfloat16"):
            sisrnn_tf.RNN(sisrnn_tf.emissions.Bernoulli(D))
    finally:
        keras.config.set_dtype_policy("float32")
    for make in (sisrnn_tf.posteriors.Gaussian, sisrnn_tf.posteriors.SemiImplicit, sisrnn_tf.decoders.LSTMDecoder):
        with pytest.raises(ValueError, match="`dtype` must be float32, float64 or mixed_bfloat16"):
            make(4, dtype="mixed_float16")


@pytest.mark.parametrize(("kind", "jit_compile"), [("SISRNN", True), ("RNN", False)])
def test_inside_a_graph_what_cannot_be_scored_is_nan_alone_and_leaves_gradients_finite(
    make_model, observations, kind, jit_compile
):
    """With and without XLA, and as eager where it can be scored."""
    model, mask = make_model(kind), np.ones((6, 5), bool)
    x = np.concatenate([observations, observations[:2]])
    expected = model.bound(x, mask, num_mixing=2, seed=1).surrogate.numpy()[[0, 5]]
    x[1, 2, 0], x[2, 4, 1] = np.nan, 0.5
    mask[3, 2], mask[4] = False, False

    @tf.function(autograph=False, jit_compile=jit_compile)
    def bound(x, mask):
        with tf.GradientTape() as tape:
            values = model.bound(x, mask, num_mixing=2, seed=1).surrogate
            total = values[0] + values[5]
        return values, tape.gradient(total, model.trainable_weights)

    values, gradients = bound(tf.constant(x), tf.constant(mask))
    np.testing.assert_array_equal(np.isnan(values), [False, True, True, True, True, False])
    np.testing.assert_allclose(values.numpy()[[0, 5]], expected, rtol=1e-5)
    assert all(np.isfinite(gradient).all() for gradient in gradients if gradient is not None)


def test_inside_a_graph_all_that_is_drawn_from_what_cannot_be_scored_is_nan(make_model, observations):
    model = make_model("RNN")
    observations[1, 0, 0] = 2.0

    @tf.function(autograph=False)
    def draw(x):
        state = model.initial_state(4)
        return {
            "score": model.score(x, seed=1),
            "likelihood": model.log_likelihood(x, seed=1),
            "forecast": tf.transpose(model.forecast(x, 2, 3, seed=1), [1, 0, 2, 3]),
            "imputation": model.impute(x, tf.ones([4, 5], tf.bool), seed=1, num_importance=2),
            "reconstruction": model.reconstruct(x, seed=1),
            "step": model.stream_step(x[:, 0], state, 0, 1).log_weight,
            **model(x),
        }

    for name, values in draw(observations).items():
        unknown = np.isnan(np.reshape(values, [4, -1]))
        assert unknown[1].all() and not unknown[[0, 2, 3]].any(), name


def test_a_graph_that_imputes_must_know_its_shape(make_model, observations):
    model = make_model("RNN")
    impute = tf.function(
        lambda x: model.impute(x, x > -1), input_signature=[tf.TensorSpec([None, 5, D])], autograph=False
    )
    with pytest.raises(ValueError, match="`observations` must be of a shape known"):
        impute(observations)


def test_rnn_probabilities_of_all_sequences_sum_to_one():
    model = sisrnn_tf.RNN(sisrnn_tf.emissions.Bernoulli(2), hidden_size=3, decoder_sizes=(4,), dtype="float64")
    for weight in model.trainable_weights:
        weight.assign(np.random.default_rng(len(weight.path)).normal(size=weight.shape))
    sequences = np.array(list(itertools.product((0.0, 1.0), repeat=6))).reshape(64, 3, 2)
    log_likelihood = model.log_likelihood(sequences).numpy()
    assert np.std(log_likelihood) > 0.1
    np.testing.assert_allclose(np.sum(np.exp(log_likelihood)), 1.0, rtol=1e-10)


def test_the_rnn_bound_is_its_exact_likelihood(make_model, observations, mask):
    model = make_model("RNN")
    terms = model.bound(observations, mask, num_mixing=7)
    expected = model.log_likelihood(observations, mask)
    for value in (terms.surrogate, terms.lower_bound, terms.reconstruction):
        np.testing.assert_array_equal(value, expected)
    assert not np.any(terms.kl) and not np.any(terms.regularizer)
    for row, length in enumerate(mask.sum(axis=1)):
        single = model.log_likelihood(observations[row : row + 1, :length])
        np.testing.assert_allclose(single[0], expected[row], rtol=1e-5)


@pytest.mark.parametrize("method", ["bound", "log_likelihood", "reconstruct"])
def test_a_mask_that_is_no_right_padding_is_refused(make_model, observations, mask, method):
    score = getattr(make_model("SISRNN"), method)
    with pytest.raises(ValueError, match="`mask` must be right padding"):
        score(observations, np.array(mask)[:, ::-1])
    with pytest.raises(ValueError, match="`mask` must have the shape"):
        score(observations, np.array(mask)[:2])
