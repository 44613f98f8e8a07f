"""Likelihoods over a split: what is estimated, resumed and recorded, and how it is shown."""

import json
import math
import zipfile

import numpy as np
import pytest
import tensorflow as tf

from sisrnn_tf.analysis import likelihood_records, likelihoods
from sisrnn_tf.analysis.likelihoods import Estimate, LikelihoodFile, plan, sequence_likelihoods
from sisrnn_tf.data import images, pipeline
from sisrnn_tf.data.spec import SequenceDataset, Sequences
from sisrnn_tf.runs import run_files
from tests.conftest import build_model

ESTIMATES = [
    Estimate("test", "L_K", 2, 1, 5),
    Estimate("test", "IWAE", 2, 3, 5),
    Estimate("test", "SMC", 2, 3, 5),
]


@pytest.fixture
def batches(observations, mask):
    """Two batches of three rows; the last two are filling."""
    parts = {"observations": observations, "mask": mask, "weight": np.ones(4, "float32")}
    filling = {name: np.concatenate([value, value[:2]]) for name, value in parts.items()}
    filling["weight"][4:] = 0
    return tf.data.Dataset.from_tensor_slices(filling).batch(3)


@pytest.mark.parametrize("estimate", ESTIMATES)
def test_values_are_those_of_the_model_whatever_the_batches(sisrnn, observations, mask, batches, estimate):
    values = sequence_likelihoods(sisrnn, batches, estimate)
    np.testing.assert_array_equal(values["num_steps"], mask.sum(axis=1))
    if estimate.estimator == "L_K":
        terms = sisrnn.bound(observations, mask, num_mixing=2, seed=5)
        np.testing.assert_allclose(values["kl"], terms.kl, rtol=1e-5)
        expected = terms.surrogate
    else:
        expected = sisrnn.log_likelihood(observations, mask, 3, 2, estimate.estimator == "SMC", 5)
    np.testing.assert_allclose(values["log_likelihood"], expected, rtol=1e-5)


@pytest.mark.parametrize("estimate", ESTIMATES)
def test_an_evaluation_does_not_depend_on_the_size_of_its_batches(sisrnn, estimate):
    """Neither what is drawn of the model, nor what is drawn of data that is drawn afresh."""
    levels = np.random.default_rng(0).integers(17, size=(53, 5, 3), dtype=np.uint8)
    sequences = Sequences(levels, (np.arange(53) % 5 + 1).astype(np.int32))
    dataset = SequenceDataset(
        "numbers", "none", "bernoulli", *[sequences] * 3, draw=lambda values, seed: images.draw(values, 16, seed)
    )
    small, large = (
        sequence_likelihoods(sisrnn, pipeline.evaluation_batches(dataset, "test", size), estimate) for size in (7, 50)
    )
    assert small.keys() == large.keys() and len(set(small["log_likelihood"])) == 53
    for name, values in small.items():
        np.testing.assert_allclose(values, large[name], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("estimate", ESTIMATES)
def test_an_evaluation_goes_on_where_it_stopped(sisrnn, batches, tmp_path, estimate):
    path, whole = tmp_path / "values" / "file.npz", sequence_likelihoods(sisrnn, batches, estimate)

    def stop():
        raise InterruptedError

    with pytest.raises(InterruptedError):
        sequence_likelihoods(sisrnn, batches, estimate, LikelihoodFile(path, {"epoch": 1}), stop)
    begun = LikelihoodFile(path, {"epoch": 1})
    assert begun.num_batches == 1
    calls = []
    continued = sequence_likelihoods(sisrnn, batches, estimate, begun, lambda: calls.append(1))
    assert len(calls) == 2
    for name, values in whole.items():
        np.testing.assert_array_equal(continued[name], values)
    done = sequence_likelihoods(sisrnn, batches.take(0), estimate, LikelihoodFile(path, {"epoch": 1}))
    np.testing.assert_array_equal(done["log_likelihood"], whole["log_likelihood"])
    assert LikelihoodFile(path, {"epoch": 2}).num_batches == 0
    with np.load(path) as file:
        older = {**file, "identity": '{"epoch": 1}'}  # of a law by which each batch had a seed
    np.savez(path, **older)
    assert LikelihoodFile(path, {"epoch": 1}).num_batches == 0
    assert [each.name for each in path.parent.iterdir()] == ["file.npz"]


@pytest.mark.parametrize("damage", [b"", b"no archive", None])
def test_a_damaged_file_is_named(sisrnn, batches, tmp_path, damage):
    path = tmp_path / "file.npz"
    sequence_likelihoods(sisrnn, batches, ESTIMATES[0], LikelihoodFile(path, {}))
    path.write_bytes(path.read_bytes()[:-40] if damage is None else damage)
    with pytest.raises(ValueError, match=r"file.npz is damaged: .* Remove it"):
        LikelihoodFile(path, {})


def _change(values, **changes):
    return {name: value for name, value in (values | changes).items() if value is not None}


@pytest.mark.parametrize(
    "change",
    [
        lambda values: _change(values, log_likelihood=values["log_likelihood"][:-1]),
        lambda values: _change(values, **{name: value[:, np.newaxis] for name, value in values.items() if value.ndim}),
        lambda values: _change(values, kl=None),
        lambda values: _change(values, num_steps=None),
        lambda values: _change(values, num_batches=-1),
        lambda values: _change(values, num_batches=np.zeros(2)),
        lambda values: _change(values, identity=None),
        lambda values: _change(values, other=values["kl"]),
        lambda values: _change(values, kl=values["kl"].astype(str)),
    ],
)
def test_a_file_whose_values_do_not_fit_together_is_named(sisrnn, batches, tmp_path, change):
    path = tmp_path / "file.npz"
    sequence_likelihoods(sisrnn, batches, ESTIMATES[0], LikelihoodFile(path, {}))
    assert LikelihoodFile(path, {}).num_batches == 2
    with np.load(path) as file:
        np.savez(path, **change(dict(file)))
    with pytest.raises(ValueError, match=r"file.npz is damaged: .* Remove it"):
        LikelihoodFile(path, {})


def test_a_file_with_too_few_or_too_many_values_is_named(sisrnn, batches, tmp_path):
    """Four sequences in batches of three."""
    path = tmp_path / "file.npz"
    LikelihoodFile(path, {}).check_rows(3, 4)
    sequence_likelihoods(sisrnn, batches, ESTIMATES[0], LikelihoodFile(path, {}))
    LikelihoodFile(path, {}).check_rows(3, 4)
    for batch_size, num_sequences in ((3, 5), (4, 4), (3, 3)):
        with pytest.raises(ValueError, match=r"file.npz is damaged: 4 values of 2 batches .* Remove it"):
            LikelihoodFile(path, {}).check_rows(batch_size, num_sequences)


def test_any_damaged_byte_is_named_or_seen_to_be_none(sisrnn, batches, tmp_path):
    """One bit of each byte in turn: zipfile, zlib and NumPy raise what they like, or the values are the same."""
    path = tmp_path / "file.npz"
    whole = sequence_likelihoods(sisrnn, batches, ESTIMATES[1], LikelihoodFile(path, {}))
    content = path.read_bytes()
    named = 0
    for index in range(len(content)):
        path.write_bytes(content[:index] + bytes([content[index] ^ (1 << index % 8)]) + content[index + 1 :])
        try:
            values = LikelihoodFile(path, {}).values
        except ValueError as error:
            named += 1
            assert "Remove it" in str(error)
            continue
        for name in values:
            np.testing.assert_array_equal(values[name], whole[name])
    assert named > len(content) // 2


def test_an_array_alone_is_no_likelihood_file(tmp_path):
    path = tmp_path / "file.npz"
    with path.open("wb") as file:
        np.save(file, np.zeros(3))
    assert not zipfile.is_zipfile(path)
    with pytest.raises(ValueError, match=r"file.npz is damaged: .* Remove it"):
        LikelihoodFile(path, {})


def test_the_plan_has_each_estimate_once():
    names, seeds = list(likelihoods.ESTIMATORS), range(3, 5)
    estimates = plan(build_model("SISRNN"), "test", names, [0, 5], [1, 8], seeds)
    assert len(estimates) == len(set(estimates)) == 2 * (2 + 4 + 4)
    assert Estimate("test", "L_K", 5, 1, 4) in estimates and Estimate("test", "SMC", 5, 8, 3) in estimates
    point_mass = plan(build_model("VRNN"), "test", names, [0, 5], [1, 8], seeds)
    assert len(point_mass) == 2 * (1 + 2 + 2) and {estimate.num_mixing for estimate in point_mass} == {0}
    assert plan(build_model("RNN"), "test", names, [0, 5], [1, 8], seeds) == [Estimate("test", "exact", 0, 1, 3)]
    with pytest.raises(ValueError, match=r"among bound, iwae, smc. Received: \['elbo'\]"):
        plan(build_model("RNN"), "test", ["elbo"], [1], [1], [0])


def _record(seed=0, log_likelihood=(-3.0, -5.0, -10.0), epoch=7, **kwargs):
    values = {"log_likelihood": np.array(log_likelihood), "num_steps": np.array([2, 2, 5]), **kwargs}
    estimate = Estimate("test", "IWAE", 2, 3, seed)
    return likelihood_records.to_record(build_model("SISRNN"), epoch, estimate, "digits, rows", "float32", values)


def test_a_record_states_what_it_is():
    record = _record(kl=np.array([1.0, 2.0, 6.0]))
    assert record["nll"] == pytest.approx(6.0) and record["kl"] == pytest.approx(3.0)
    assert record["standard_error"] == pytest.approx(math.sqrt(13 / 3))
    assert record["nll_per_step"] == pytest.approx(18 / 9)
    assert record["bits_per_dimension"] == pytest.approx(18 / 9 / 3 / math.log(2))
    line = likelihood_records.describe(record)
    assert line.startswith("test NLL <= 6.000 +- 2.082 nats per sequence, 2.0000 per step (IWAE, K=2, M=3, seed 0;")
    single = _record(log_likelihood=[-3.0, -3.0, -3.0])
    assert single["standard_error"] == 0


def test_the_table_joins_seeds():
    records = [_record(0), _record(1, (-3.0, -5.0, -13.0)), _record(0) | {"estimator": "SMC"}]
    header, joined, alone = likelihood_records.table(records).splitlines()
    assert header.split()[:5] == ["estimator", "K", "M", "NLL", "<="]
    assert joined.split()[:4] == ["IWAE", "2", "3", "6.500"]
    assert joined.split()[-2:] == ["2", f"{1 / math.sqrt(2):.3f}"]
    assert alone.split()[0] == "SMC" and alone.split()[-1] == "1"


def test_a_record_replaces_that_of_the_same_estimate(tmp_path):
    path = tmp_path / "evaluation.json"
    run_files.write_records(path, [_record(0), _record(1)])
    run_files.write_records(path, [_record(0, (-1.0, -1.0, -1.0))])
    assert [(record["seed"], record["nll"]) for record in json.loads(path.read_text())] == [(0, 1.0), (1, 6.0)]


def test_records_of_another_epoch_are_dropped(tmp_path):
    path = tmp_path / "evaluation.json"
    run_files.write_records(path, [_record(0), _record(1)])
    run_files.write_records(path, [_record(2, epoch=8)])
    assert [(record["seed"], record["epoch"]) for record in json.loads(path.read_text())] == [(2, 8)]


def test_records_are_not_added_to_a_damaged_file(tmp_path):
    path = tmp_path / "evaluation.json"
    path.write_text("[{")
    with pytest.raises(ValueError, match=r"evaluation\.json is damaged"):
        run_files.write_records(path, [_record()])
    assert path.read_text() == "[{"
