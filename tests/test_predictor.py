"""A trained run as its user asks it: in the data's units, with names, in sentences."""

import dataclasses
import logging
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import sisrnn_tf
from sisrnn_tf import factory
from sisrnn_tf.configuration.config import ExperimentConfig
from sisrnn_tf.data.layout import Layout
from sisrnn_tf.data.normalization import Normalization
from sisrnn_tf.data.spec import DataSpec
from sisrnn_tf.runs import predictor, training
from sisrnn_tf.runs.workdir import Workdir
from tests import exports

NAMES = ("x", "y", "z")
LENGTHS = (5, 2, 4)
K = 2


@pytest.fixture(scope="module")
def models():
    return exports.make_models()


@pytest.fixture(scope="module")
def make(models):
    """Returns a function: name of a model -> its predictor, as if it were of a run."""

    def make(name, **fields):
        vocabulary = exports.VOCABULARY if name == "text" else None
        normalization = exports.NORMALIZATION if name == "sisrnn" else None
        support = {"text": "tokens", "sisrnn": "reals"}.get(name, "bernoulli")
        shared = {"normalization": normalization, "features": NAMES if name == "sisrnn" else None} | fields
        size = len(vocabulary) if vocabulary else 3
        spec = DataSpec("numbers", "by hand", support, size, 5, None, (1, 1, 1), **shared)
        run = training.TrainedRun(models[name], spec, ExperimentConfig(), 4, vocabulary)
        return predictor.Predictor(Workdir("run"), run)

    return make


@pytest.fixture
def sequences():
    rng = np.random.default_rng(0)
    return [rng.normal(size=(length, 3)) * 4 for length in LENGTHS]


@pytest.fixture
def frame(sequences):
    """The same with names, columns in another order, rows of different sequences mixed, an index of dates."""
    rows = pd.DataFrame(np.concatenate(sequences), columns=list(NAMES))[["z", "x", "y"]]
    rows.insert(1, "sequence", np.repeat(["b", "a", "c"], LENGTHS))
    order = [0, 5, 7, 1, 2, 8, 6, 3, 4, 9, 10]
    rows = rows.iloc[order]
    rows.index = pd.date_range("2020-01-01", periods=len(rows))
    return rows


def test_forecasts_are_in_the_units_and_names_of_the_data(make, models, sequences, frame):
    run = make("sisrnn")
    draws = run.forecast(sequences, 3, 6, num_importance=4, seed=1)
    assert draws.shape == (6, 3, 3, 3)
    # One sequence alone is drawn by the model in its own units.
    seed = sisrnn_tf.random.fold_in(sisrnn_tf.random.as_seed(1), 0)
    given = exports.NORMALIZATION.apply(sequences[0])[np.newaxis]
    plain = models["sisrnn"].forecast(given, 3, 6, seed=seed, num_importance=4).numpy()
    np.testing.assert_allclose(draws[:, :1], exports.NORMALIZATION.invert(plain), rtol=1e-4, atol=1e-4)

    named = run.forecast(frame, 3, 6, num_importance=4, seed=1)
    assert list(named.columns) == ["sequence", "sample", "step", *NAMES]
    assert named["sequence"].unique().tolist() == ["b", "a", "c"]
    path = named[(named["sequence"] == "c") & (named["sample"] == 2)]
    assert path["step"].tolist() == [4, 5, 6]
    np.testing.assert_allclose(path[list(NAMES)], draws[2, 2], rtol=1e-6)
    alone = run.forecast(frame[frame["sequence"] == "b"][["y", "z", "x"]], 3, 6, num_importance=4, seed=1)
    assert list(alone.columns) == ["sample", "step", *NAMES]
    np.testing.assert_allclose(alone[list(NAMES)], draws[:, 0].reshape([-1, 3]), rtol=1e-4, atol=1e-4)


def test_gaps_of_a_frame_are_filled_where_they_are(make, sequences, frame):
    run = make("sisrnn")
    gappy = frame.copy()
    gappy.iloc[3, 0] = gappy.iloc[9, 2] = np.nan  # z of b's second step, x of c's third
    filled = run.impute(gappy, num_samples=4, num_importance=3, seed=2)
    result = filled.observations
    assert list(result.columns) == ["sequence", *NAMES] and (result.index == frame.index).all()
    assert (result["sequence"] == frame["sequence"]).all()
    known = gappy[list(NAMES)].notna().to_numpy()
    np.testing.assert_array_equal(result[list(NAMES)].to_numpy()[known], frame[list(NAMES)].to_numpy()[known])
    assert len(filled.samples) == 4 * sum(LENGTHS)
    drawn = filled.samples[(filled.samples["sequence"] == "b") & (filled.samples["step"] == 1)]["z"]
    np.testing.assert_allclose(result.iloc[3]["z"], drawn.mean(), rtol=1e-6)
    assert drawn.nunique() == 4 and abs(drawn.mean() - exports.NORMALIZATION.shift[2]) < 10

    given = [sequence.copy() for sequence in sequences]
    given[0][1, 2] = given[2][2, 0] = np.nan
    array = run.impute(given, num_samples=4, num_importance=3, seed=2)
    np.testing.assert_allclose(array.observations[0][1, 2], drawn.mean(), rtol=1e-6)
    assert array.samples.shape == (4, 3, 5, 3)


def test_times_of_a_frame_come_out_and_go_on(make, frame):
    run = make("sisrnn", layout=Layout("wide", ",", ".", "sequence", "day"))
    known = frame[frame["sequence"] != "a"].drop(columns="sequence").reset_index(names="day")
    known["day"] = pd.date_range("2024-02-27", periods=len(known))
    known.insert(0, "sequence", "b")
    drawn = run.forecast(known, 3, 6, num_importance=4)
    assert list(drawn.columns) == ["sequence", "sample", "step", "day", *NAMES]
    assert drawn["day"].tolist() == list(pd.to_datetime(["2024-03-07", "2024-03-08", "2024-03-09"])) * 6
    filled = run.impute(known.assign(z=known["z"].where(known.index != 2)), 4, 3)
    assert filled.observations["day"].equals(known["day"])
    assert filled.samples["day"].tolist() == known["day"].tolist() * 4


def test_a_score_is_a_density_in_the_units_of_the_data(make, models, sequences, frame):
    run = make("sisrnn")
    values = run.score(sequences, num_importance=3, num_mixing=K, seed=7)
    for index, sequence in enumerate(sequences):
        given = exports.NORMALIZATION.apply(sequence)[np.newaxis]
        plain = models["sisrnn"].score(given, None, 3, K, 7, first_row=index).numpy()[0]
        np.testing.assert_allclose(values[index], plain - len(sequence) * exports.NORMALIZATION.log_volume, rtol=1e-4)
    named = run.score(frame, num_importance=3, num_mixing=K, seed=7)
    assert named.index.tolist() == ["b", "a", "c"] and named.index.name == "sequence"
    np.testing.assert_allclose(named, values, rtol=1e-5)
    np.testing.assert_allclose(run.score(sequences, 3, K, 7, batch_size=2), values, rtol=1e-5)


def test_what_is_encoded_and_rebuilt_has_the_form_of_what_was_given(make, sequences, frame):
    run = make("sisrnn")
    for method, size in ((run.encode, 2), (run.reconstruct, 3)):
        assert [part.shape for part in method(sequences)] == [(length, size) for length in LENGTHS]
        assert method(np.stack([sequences[0]] * 2)).shape == (2, 5, size)
        named = method(frame)
        assert (named.index == frame.index).all() and (named["sequence"] == frame["sequence"]).all()
        of_b = named[named["sequence"] == "b"].drop(columns="sequence")
        np.testing.assert_allclose(of_b, method(sequences)[0], rtol=1e-4, atol=1e-4)
    assert list(run.encode(frame).columns) == ["sequence", "latent_0", "latent_1"]
    assert list(run.reconstruct(frame).columns) == ["sequence", *NAMES]
    rebuilt = run.reconstruct(sequences[:1], seed=1)[0]
    seed = sisrnn_tf.random.fold_in(sisrnn_tf.random.as_seed(1), 0)
    plain = run.model.reconstruct(exports.NORMALIZATION.apply(sequences[0])[np.newaxis], seed=seed).numpy()[0]
    np.testing.assert_allclose(rebuilt, exports.NORMALIZATION.invert(plain), rtol=1e-4, atol=1e-4)
    assert run.generate(3, 4).shape == (3, 4, 3)
    np.testing.assert_allclose(
        run.generate(2, seed=1), exports.NORMALIZATION.invert(run.model.generate(2, 5, seed=1).numpy())
    )


def test_bits_are_bits(make):
    run = make("vrnn")
    assert set(np.unique(run.generate(4))) == {0.0, 1.0}
    with pytest.raises(ValueError, match="`observations` must be 0 or 1"):
        run.score(np.full((1, 2, 3), 0.5))


def test_sentences_come_and_go_as_text(make, models):
    run = make("text")
    words = np.array([[0, 2, 1]])
    (value,) = run.score(["a b"], 3, K, seed=5)
    np.testing.assert_allclose(value, models["text"].score(words, None, 3, K, 5).numpy()[0], rtol=1e-5)
    np.testing.assert_allclose(run.score(["a b", "c"], 3, K, seed=5)[0], value, rtol=1e-5)
    assert run.encode(["a b", "c"]).shape == (2, 2)
    for texts in (run.generate(3, 6), run.reconstruct(["a b", "c d", "a"])):
        assert len(texts) == 3 and all(set(text.split()) <= set(exports.VOCABULARY.words) for text in texts)
    for call, message in (
        (lambda: run.forecast(["a"], 2), "not of sentences"),
        (lambda: run.impute(["a"]), "not of sentences"),
        (lambda: run.score("a b"), "`observations` must be a list of sentences, each a string"),
        (lambda: run.generate(1, temperature=0.5), "`temperature` must be left out of text"),
    ):
        with pytest.raises(ValueError, match=message):
            call()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.rename(columns={"z": "w"}), "a frame with the columns"),
        (lambda frame: frame.assign(w=1.0), "a frame with the columns"),
        (lambda frame: frame.assign(z="high"), r"numbers in all columns of features. Received: .*'z'"),
        (lambda frame: frame[:0], "of at least one step"),
        (lambda frame: frame[["x", "y", "z"]].to_numpy(), r"\[N, T, 3\]"),
        (lambda frame: [np.zeros((2, 2))], r"numbers \[T, 3\]"),
        (lambda frame: [], "at least one sequence"),
    ],
)
def test_what_is_no_data_of_the_run_is_named(make, frame, change, message):
    with pytest.raises(ValueError, match=f"`observations` must be {message}"):
        make("sisrnn").score(change(frame))


def test_columns_without_names_in_the_run_go_by_their_place(make, sequences):
    run = make("sisrnn", features=None)
    frame = pd.DataFrame(sequences[0], columns=["p", "q", "r"])
    np.testing.assert_allclose(run.score(frame), run.score(sequences[:1]))
    assert list(run.forecast(frame, 1, 2, 2).columns) == ["sample", "step", "p", "q", "r"]


def test_raw_values_given_to_the_model_are_warned_of_once(caplog):
    config = ExperimentConfig()
    small = dataclasses.replace(config.model, model="rnn", hidden_size=2, decoder_sizes=(2,), emission="normal")
    spec = DataSpec("numbers", "by hand", "reals", 1, 3, None, (1, 1, 1))
    raw = np.array([[[200.0], [205.0], [195.0]]])
    with caplog.at_level(logging.WARNING):
        factory.make_model(small, config.training, spec).score(raw)  # nothing is known of its data
        assert not caplog.records
        spec = dataclasses.replace(spec, normalization=Normalization("per_channel", (200.0,), (5.0,)))
        model = factory.make_model(small, config.training, spec)
        model.score(spec.from_units(raw))
        assert not caplog.records
        model.score(raw)
        model.forecast(raw, 1, 1)
    (record,) = [record for record in caplog.records if record.name.startswith("sisrnn_tf")]
    assert "`per_channel`, (x - shift) / scale with shift 200 and scale 5" in record.getMessage()


def test_the_library_loads_no_run_code_until_it_is_asked():
    code = "import sys, sisrnn_tf; assert not any(name.startswith('sisrnn_tf.runs') for name in sys.modules); "
    code += "assert callable(sisrnn_tf.load) and 'sisrnn_tf.runs.predictor' in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ)


def test_a_folder_without_a_run_is_named(tmp_path):
    with pytest.raises(ValueError, match="must be the folder of a run"):
        sisrnn_tf.load(tmp_path)
