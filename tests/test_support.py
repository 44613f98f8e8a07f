"""What cannot be observed is refused by every entry point, and inside graphs its likelihood is NaN, alone.

Emissions, models and their entry points are listed by introspection: a new one is tested or fails here.
"""

import functools
import inspect

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import sisrnn_tf
from sisrnn_tf import emissions
from sisrnn_tf.models.base import SequenceModel
from tests.state_space import Switches

B, T, V = 2, 3, 4
EMISSIONS = {
    "Bernoulli": emissions.Bernoulli(2),
    "Intensities": emissions.Bernoulli(2, intensities=True),
    "Categorical": emissions.Categorical(V),
    "LogisticMixture": emissions.LogisticMixture(2, 2),
    "NegativeBinomial": emissions.NegativeBinomial(2),
    "Normal": emissions.Normal(2),
    "NormalMixture": emissions.NormalMixture(2, 2),
    "OneHotCategorical": emissions.OneHotCategorical(2),
    "StrokeMixture": emissions.StrokeMixture(2),
}
# Whether one step, `[D]` or a word's number, can be observed: in NumPy, apart from the library.
SUPPORTS = {
    "Bernoulli": lambda x: np.isin(x, [0, 1]).all(),
    "Intensities": lambda x: ((x >= 0) & (x <= 1)).all(),
    "Categorical": lambda x: x in range(V),
    "LogisticMixture": lambda x: (np.abs(x) < 1e15).all(),
    "NegativeBinomial": lambda x: all(0 <= value <= 2**24 and float(value).is_integer() for value in x),
    "Normal": lambda x: (np.abs(x) < 1e15).all(),
    "NormalMixture": lambda x: (np.abs(x) < 1e15).all(),
    "OneHotCategorical": lambda x: sorted(x) == [0, 1],
    "StrokeMixture": lambda x: (np.abs(x[:2]) < 1e15).all() and x[2] in (0, 1),
}
NUMBERS = st.sampled_from([0.0, 1.0, 0.5, -1.0, 255.0, -3e38, np.nan, np.inf, -np.inf]) | st.floats(-1e6, 1e6, width=32)

# Parameters that hold what is to be scored, and how such a batch `[B, T, ..]` is given to them.
DATA = {
    **dict.fromkeys(("x", "data", "inputs", "observations", "context"), lambda batch: batch),
    "observation": lambda batch: batch[:, -1],
    "first": lambda batch: batch[-1],
    "second": lambda batch: batch[-1],
}
# Keras' methods that take shapes, or outputs and targets beside x.
OTHERS = {
    *("add_loss", "compute_loss", "compute_mask", "compute_metrics", "compute_output_shape", "compute_output_spec"),
    *("export", "loss", "stateless_call", "stateless_compute_loss", "symbolic_call"),
}
# Methods of the library without data to score.
NO_DATA = {
    *(
        "apply_loss",
        "auxiliary_costs",
        "estimate_pass",
        "make_pass",
        "outputs_of",
        "read",
        "word_log_probs",
    ),  # of batches and passes
    *("compile", "compile_from_config", "decode", "export", "from_config", "generate", "get_config", "initial_state"),
    *("make_train_function", "save"),
}
REST = {
    "mask": None,
    "num_steps": 1,
    "num_samples": 1,
    "num_mixing": 1,
    "num_points": 2,
    "seed": 0,
    "objective": sisrnn_tf.objectives.SIVI(),
}


def steps_of(name):
    """Draws one step, possible or not."""
    if name == "Categorical":
        return st.integers(-(2**31), 2**31 - 1) | st.integers(-2, V + 1)
    size = EMISSIONS[name].event_size
    return st.lists(NUMBERS, min_size=size, max_size=size).map(lambda values: np.array(values, "float32"))


def batch_of(name):
    """A batch `[B, T, D]`, or `[B, T]` of words, of what every emission can observe."""
    if name == "Categorical":
        return np.ones([B, T], "int32")
    return np.tile(np.arange(EMISSIONS[name].event_size) == 1, [B, T, 1]).astype("float32")


@functools.cache
def model_of(name, model_class):
    if name == "Categorical":
        posterior = sisrnn_tf.posteriors.SemiImplicit(2, (3,), (2,))
        decoder = sisrnn_tf.decoders.LSTMDecoder(4, 3, use_cudnn=False)
        steps = {"refinement_steps": 1} if model_class is sisrnn_tf.SAVAE else {}
        return model_class(V, 2, 4, 3, decoder=decoder, posterior=posterior, **steps)
    if model_class in (sisrnn_tf.RNN, sisrnn_tf.TwinNet):
        return model_class(EMISSIONS[name], hidden_size=3, decoder_sizes=(3,))
    if model_class is sisrnn_tf.WaveNet:
        return model_class(EMISSIONS[name], 3, block_layers=2, decoder_sizes=(3,))
    if model_class in (sisrnn_tf.STCN, sisrnn_tf.SWaveNet):
        return model_class(EMISSIONS[name], (2, 1), 3, 2, prior_sizes=(3,), decoder_sizes=(3,))
    if model_class is sisrnn_tf.StateSpaceModel:
        dynamics = Switches(1, EMISSIONS[name].event_size, EMISSIONS[name])
        return model_class(dynamics, sisrnn_tf.posteriors.SemiImplicit(1, (3,), (2,)))
    point_mass = model_class is sisrnn_tf.VRNN
    posterior = (
        sisrnn_tf.posteriors.Gaussian(2, (3,)) if point_mass else sisrnn_tf.posteriors.SemiImplicit(2, (3,), (2,))
    )
    sizes = {"latent_size": 2, "hidden_size": 3, "prior_sizes": (3,), "decoder_sizes": (3,)}
    cost = {"auxiliary_weight": 0} if model_class is sisrnn_tf.ZForcing else {}
    return model_class(EMISSIONS[name], posterior=posterior, **cost, **sizes)


def models_of(name):
    """One model of each class that takes the emission."""
    classes = [each for each in vars(sisrnn_tf).values() if inspect.isclass(each) and issubclass(each, SequenceModel)]
    if name not in ("Bernoulli", "Normal"):  # known distributions are one and the same to a model
        classes.remove(sisrnn_tf.StateSpaceModel)
    of_words = name == "Categorical"
    return [model_of(name, each) for each in classes if (each.observation_rank == 2) == of_words]


def public_methods(model):
    """Names of the methods that a user can call."""
    names = (name for name in dir(type(model)) if not name.startswith("_"))
    return [name for name in names if inspect.isfunction(inspect.unwrap(getattr(type(model), name)))]


def entry_points(model):
    """Names of the methods that take data, each with the parameters that do; but for a call of the model."""
    found = {
        name: [each for each in inspect.signature(getattr(model, name)).parameters if each in DATA]
        for name in public_methods(model)
        if name not in OTHERS
    }
    return {name: parameters for name, parameters in found.items() if parameters}


def call(model, method, changed, batch, good):
    """Calls a method with a batch as one of its parameters, and what it takes beside that."""
    arguments = dict(REST, observed=np.ones([B, T], bool))
    if hasattr(model, "initial_state"):
        arguments["state"] = model.initial_state(B)
    arguments |= {name: give(batch if name == changed else good) for name, give in DATA.items()}
    parameters = inspect.signature(getattr(model, method)).parameters
    required = [name for name, each in parameters.items() if each.default is each.empty and each.kind not in (2, 4)]
    return getattr(model, method)(**{name: arguments[name] for name in {*required, changed}})


def test_every_emission_is_here():
    bases = {"Emission", "Factorized"}
    assert set(emissions.__all__) - bases == set(EMISSIONS) - {"Intensities"} == set(SUPPORTS) - {"Intensities"}


@pytest.mark.parametrize("name", ["Bernoulli", "Categorical"])
def test_every_method_of_the_library_is_an_entry_point_or_takes_no_data(name):
    for model in models_of(name):
        modules = {method: getattr(type(model), method).__module__ for method in public_methods(model)}
        own = {method for method, module in modules.items() if module.startswith("sisrnn_tf")}
        assert own - set(entry_points(model)) <= NO_DATA


@pytest.mark.parametrize("name", EMISSIONS)
def test_what_is_outside_the_support_is_refused_by_every_entry_point(name):
    good = batch_of(name)

    @settings(max_examples=6, deadline=None, derandomize=True, database=None)
    @given(step=steps_of(name))
    def refuses(step):
        assume(not SUPPORTS[name](step))
        batch = good.copy()
        batch[-1, -1] = step
        for model in models_of(name):
            for method, parameters in entry_points(model).items():
                for changed in parameters:
                    with pytest.raises(ValueError, match="`observations` must be"):
                        call(model, method, changed, batch, good)
            with pytest.raises(ValueError, match="`observations` must be"):
                model(batch)

    refuses()


@pytest.mark.parametrize("name", EMISSIONS)
def test_inside_a_graph_the_likelihood_is_nan_where_a_step_is_outside_the_support_and_there_alone(name):
    model_class = sisrnn_tf.SentenceSISRNN if name == "Categorical" else sisrnn_tf.RNN
    model, good = model_of(name, model_class), batch_of(name)
    score = tf.function(lambda x: model.bound(x, seed=1).surrogate, autograph=False)

    @settings(max_examples=40, deadline=None, derandomize=True, database=None)
    @given(step=steps_of(name))
    def agrees(step):
        batch = good.copy()
        batch[-1, -1] = step
        assert EMISSIONS[name].support(batch).numpy().all() == SUPPORTS[name](step)
        values = score(tf.constant(batch)).numpy()
        expected = np.array([True, SUPPORTS[name](step)])
        np.testing.assert_array_equal(~np.isnan(values), expected)
        np.testing.assert_allclose(values[0], score(tf.constant(good))[0], rtol=1e-5)

    agrees()


@pytest.mark.parametrize("name", ["LogisticMixture", "Normal", "NormalMixture", "StrokeMixture"])
def test_the_largest_that_can_be_observed_has_a_likelihood(name):
    """-inf at the least: what is larger made networks overflow, and NaN of it."""
    model = model_of(name, sisrnn_tf.SISRNN)
    for sign in (1, -1):
        x = batch_of(name)
        x[:, 1, :2] = sign * 0.99e15
        for resample in (False, True):
            assert not np.isnan(model.log_likelihood(x, None, 3, 2, resample, seed=0)).any()
