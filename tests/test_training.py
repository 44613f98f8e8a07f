"""Training in process: what is refused before any work, and how a run is cut into calls of fit."""

import dataclasses
import logging

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sisrnn_tf import factory
from sisrnn_tf.configuration import batch_size
from sisrnn_tf.configuration.config import ExperimentConfig
from sisrnn_tf.configuration.presets import from_options
from sisrnn_tf.data.spec import DataSpec
from sisrnn_tf.runs import checkpoints, initial_weights
from sisrnn_tf.runs.phases import phases
from sisrnn_tf.runs.training import TrainedRun, Trainer
from sisrnn_tf.runs.workdir import Workdir


@given(steps_per_epoch=st.integers(1, 7), total=st.integers(0, 40), first=st.integers(0, 40))
def test_phases_make_each_step_once_in_its_epoch(steps_per_epoch, total, first):
    made = []
    for epoch, end, steps in phases(first, total, steps_per_epoch):
        assert end > epoch
        made += [number for number in range(epoch, end) for _ in range(steps)]
    assert made == [step // steps_per_epoch for step in range(first, total)]


def test_an_uninterrupted_run_is_one_phase():
    assert list(phases(0, 50, 10)) == [(0, 5, 10)]


def _prepare(tmp_path, **options):
    return Trainer.prepare(from_options("small", options), Workdir(tmp_path / "run"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dataset": "unknown"}, "`dataset` must be one of"),
        ({"dataset": "mnist", "data_dir": "/nonexistent", "binarization": "grey"}, "`data_dir`"),
        ({"binarization": "larochelle"}, "`binarization` must be one of .* for digits"),
        ({"batch_size": 9999}, "`batch_size` must be .* at most"),
    ],
)
def test_bad_configurations_are_refused_before_any_work(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        _prepare(tmp_path, **options)
    assert not list(tmp_path.iterdir())


def test_a_preset_s_batches_become_smaller_than_few_sequences(tmp_path, caplog):
    np.savez(tmp_path / "few.npz", train=np.random.default_rng(0).normal(size=(30, 3, 2)))
    data = {
        "dataset": "npz",
        "data_dir": str(tmp_path / "few.npz"),
        "normalization": "per_channel",
        "binarization": "none",
    }
    config, workdir = from_options("small", data | {"emission": "normal"}), Workdir(tmp_path / "run")
    with pytest.raises(ValueError, match=r"`batch_size` must be .* at most the number of training sequences, 25"):
        Trainer.prepare(config, workdir)  # as where it was asked for
    with caplog.at_level(logging.INFO):
        trainer = Trainer.prepare(config, workdir, fit_batch_size=True)
    assert trainer.config.training.batch_size == 6 and trainer.steps_per_epoch == 4
    assert "Batches of 6 sequences, not the preset's 32: there are 25 to train on" in caplog.text
    workdir.create(trainer.config, DataSpec.of(trainer.dataset).to_json())
    assert Trainer.prepare(config, workdir, fit_batch_size=True).config == trainer.config  # goes on


@pytest.mark.parametrize(
    ("count", "replicas", "expected"),
    [(3, 1, 1), (31, 1, 7), (33, 1, 8), (128, 1, 32), (500, 1, 32), (31, 4, 4), (2, 4, 4)],
)
def test_smaller_batches_are_split_evenly_over_replicas(count, replicas, expected):
    config = from_options("small", {"num_replicas": replicas})
    assert batch_size.fitted(config, count).training.batch_size == expected


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda observations: np.where(np.arange(8) == 3, np.nan, observations), "Sequence 0 of the train split"),
        (lambda observations: observations * 2, "must be 0 or 1"),
        (lambda observations: observations[:0], "is empty"),
    ],
)
def test_bad_data_is_refused_before_any_work(tmp_path, monkeypatch, damage, message):
    make_data = factory.make_data

    def make_damaged(*arguments):
        dataset = make_data(*arguments)
        observations = damage(dataset.train.observations.astype("float32"))
        train = dataclasses.replace(
            dataset.train, observations=observations, lengths=dataset.train.lengths[: len(observations)]
        )
        return dataclasses.replace(dataset, train=train)

    monkeypatch.setattr(factory, "make_data", make_damaged)
    with pytest.raises(ValueError, match=message):
        _prepare(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("split", ["train", "valid", "test"])
def test_series_that_are_no_counts_are_refused_before_any_work(tmp_path, split):
    path = tmp_path / "series.npz"
    counts = {name: np.full([40, 3, 1], 7.0) for name in ("train", "valid", "test")}
    counts[split][2, 1] = 0.5
    lengths = {f"{name}_lengths": np.full(40, 3) for name in counts}
    np.savez(path, **counts, **lengths)
    options = {"dataset": "npz", "data_dir": str(path), "binarization": "none", "emission": "negative_binomial"}
    with pytest.raises(ValueError, match=r"Sequence 2 of the \w+ split must be whole numbers .*\[0.5\]"):
        _prepare(tmp_path, **options)
    assert not (tmp_path / "run").exists()
    lengths[f"{split}_lengths"][2] = 1  # what is padding can be anything
    np.savez(path, **counts, **lengths)
    _prepare(tmp_path, **options)


def test_a_workdir_that_cannot_be_one_is_refused(tmp_path):
    file = tmp_path / "file"
    file.write_text("mine")
    with pytest.raises(ValueError, match="`workdir` must be a folder that can be written"):
        Workdir(file / "run").check(ExperimentConfig())
    assert file.read_text() == "mine"


def test_another_configuration_is_refused_by_name(tmp_path):
    workdir = Workdir(tmp_path)
    workdir.create(ExperimentConfig(), "{}")
    workdir.check(ExperimentConfig())
    with pytest.raises(ValueError, match=r"(?s)another configuration.*hidden_size: 64 != 32"):
        workdir.check(from_options("small", {}))
    Workdir(tmp_path / "another").check(from_options("small", {}))


CONSTANT = {"kl_schedule": "constant", "epochs": 5}


@pytest.mark.parametrize(
    "options",
    [CONSTANT, CONSTANT | {"learning_rate_schedule": "plateau"}, {"model": "rnn", "epochs": 5}],
)
def test_a_run_may_be_given_more_epochs(tmp_path, options):
    workdir = Workdir(tmp_path)
    workdir.create(from_options("small", options), "{}")
    workdir.check(from_options("small", options | {"epochs": 7}))
    with pytest.raises(ValueError, match=r"`epochs` must be at least 5, which the run has\. Received: epochs=4"):
        workdir.check(from_options("small", options | {"epochs": 4}))
    with pytest.raises(ValueError, match=r"(?s)another configuration.*seed: 0 != 1$"):
        workdir.check(from_options("small", options | {"epochs": 7, "seed": 1}))


@pytest.mark.parametrize(
    "options",
    [
        *({"kl_schedule": name} for name in ("linear", "cyclical")),
        {"kl_schedule": "constant", "learning_rate_schedule": "cosine"},
        {"model": "rnn", "learning_rate_schedule": "cosine"},
    ],
)
def test_a_schedule_over_all_epochs_forbids_more_of_them_and_is_named(tmp_path, options):
    workdir = Workdir(tmp_path)
    workdir.create(from_options("small", {"epochs": 5} | options), "{}")
    *_, (name, value) = options.items()
    with pytest.raises(ValueError, match=rf"`epochs` must be 5, which the run has, with {name}={value}: .*--init_from"):
        workdir.check(from_options("small", {"epochs": 7} | options))


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A run whose best epoch is saved, with weights of its own."""
    workdir = Workdir(tmp_path_factory.mktemp("begun") / "run")
    trainer = Trainer.prepare(from_options("small", {"seed": 1}), workdir)
    workdir.create(trainer.config, DataSpec.of(trainer.dataset).to_json())
    checkpoints.best(trainer.model, workdir).save(3)
    return trainer


def test_a_run_begins_with_the_weights_of_another_and_noise_and_an_optimizer_of_its_own(tmp_path, begun):
    options = {"seed": 2, "precision": "float64", "num_mixing": 3}
    fresh = _prepare(tmp_path, **options).model
    made = _prepare(tmp_path, **options, init_from=str(begun.workdir.path)).model
    for expected, received in zip(begun.model.trainable_variables, made.trainable_variables, strict=True):
        np.testing.assert_array_equal(received.numpy(), expected.numpy(), err_msg=received.path)
    for expected, received in zip(fresh.non_trainable_variables, made.non_trainable_variables, strict=True):
        np.testing.assert_array_equal(received.numpy(), expected.numpy(), err_msg=received.path)
    assert int(made.optimizer.iterations.numpy()) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden_size": 31, "activation": "tanh"}, r"hidden_size: 32 != 31\n  activation: 'relu' != 'tanh'$"),
        ({"model": "vrnn"}, "model: 'sisrnn' != 'vrnn'"),
        ({"layout": "pixels"}, "observation_size: 8 != 1$"),
        ({"binarization": "grey"}, "observations: 'bernoulli' != 'intensities'$"),
    ],
)
def test_weights_of_another_model_or_of_other_data_are_refused_by_name(tmp_path, begun, options, message):
    with pytest.raises(ValueError, match=f"(?s)`init_from` must be a run of the same model.*{message}"):
        _prepare(tmp_path, init_from=str(begun.workdir.path), **options)
    assert not list(tmp_path.iterdir())


def test_weights_of_the_same_features_in_another_order_are_refused(begun):
    model, config, spec = begun.model, begun.config, DataSpec.of(begun.dataset)
    given, other, swapped = (dataclasses.replace(spec, features=tuple(names)) for names in ("ab", "ac", "ba"))
    run = TrainedRun(model, given, config, 3)
    for each in (spec, given, other):  # other names may be other data
        initial_weights.copy(run, model, config, each)
    with pytest.raises(ValueError, match=r"(?s)`init_from` must be .*features: \['a', 'b'\] != \['b', 'a'\]$"):
        initial_weights.copy(run, model, config, swapped)


def test_a_folder_without_a_run_says_how_to_start_one(tmp_path):
    workdir = Workdir(tmp_path / "run")
    with pytest.raises(ValueError, match=r"Start one with `python -m launch\.train`"):
        workdir.read_config()
    workdir.create(ExperimentConfig(), "{}")
    assert workdir.read_config() == ExperimentConfig()


@pytest.mark.parametrize("text", ['{"data": ', "[" * 100_000, "\x00"])
def test_a_damaged_configuration_is_named(tmp_path, text):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(ValueError, match=r"config\.json: .*not valid JSON"):
        Workdir(tmp_path).check(ExperimentConfig())


def test_changed_data_is_refused(tmp_path):
    workdir = Workdir(tmp_path)
    workdir.create(ExperimentConfig(), "before")
    workdir.check_data("before")
    with pytest.raises(ValueError, match=r"(?s)data has changed.*before.*Received:\nafter"):
        workdir.check_data("after")
    Workdir(tmp_path / "another").check_data("after")


def test_names_of_features_are_younger_than_some_runs(tmp_path):
    workdir = Workdir(tmp_path)
    workdir.create(ExperimentConfig(), '{"name": "x"}')
    workdir.check_data('{"name": "x", "features": ["a", "b"]}')
    with pytest.raises(ValueError, match="data has changed"):
        workdir.check_data('{"name": "y", "features": ["a", "b"]}')
    workdir.create(ExperimentConfig(), '{"name": "x", "features": ["a", "b"]}')
    for changed in ('{"name": "x", "features": ["b", "a"]}', '{"name": "x"}'):
        with pytest.raises(ValueError, match="data has changed"):
            workdir.check_data(changed)


def test_a_workdir_serves_one_run_at_a_time(tmp_path):
    message = "in use by another process"
    (tmp_path / "another").mkdir()
    with Workdir(tmp_path).lock(), pytest.raises(ValueError, match=message), Workdir(tmp_path).lock():
        pass
    with Workdir(tmp_path).lock(), Workdir(tmp_path / "another").lock():
        pass
    with Workdir(tmp_path).lock():
        pass


@pytest.mark.parametrize("options", [{"steps_per_execution": 7}, {"steps_per_execution": 8, "max_steps": 12}])
def test_executions_that_do_not_fill_an_epoch_are_refused(tmp_path, options):
    with pytest.raises(ValueError, match="`steps_per_execution` must be a divisor of the 40 steps"):
        _prepare(tmp_path, **options)
