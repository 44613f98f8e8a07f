"""Runs side by side: a line a property, and likelihoods on the line of the same estimate."""

import dataclasses
import json

import numpy as np
import pytest

from sisrnn_tf.configuration.presets import from_options
from sisrnn_tf.data.spec import DataSpec
from sisrnn_tf.runs import comparison
from sisrnn_tf.runs.workdir import Workdir

SPEC = DataSpec("digits", "digits, threshold, rows (T=8, D=8)", "bernoulli", 8, 8, (8, 8), (1297, 250, 250))


def _record(estimator, num_mixing, nll, seed=0, num_importance=1, **others):
    values = {"split": "test", "estimator": estimator, "num_mixing": num_mixing, "num_importance": num_importance}
    numbers = {"nll": nll, "standard_error": 0.25, "bits_per_dimension": nll / 64, "num_sequences": 250}
    quantity = "NLL =" if estimator == "exact" else "NLL <="
    return values | numbers | {"seed": seed, "convention": SPEC.convention, "quantity": quantity} | others


def _run(folder, options, losses, records, spec=SPEC):
    workdir = Workdir(folder)
    workdir.create(from_options("small", options), spec.to_json())
    metrics = [
        {"epoch": epoch, "step": 40 * epoch, "val_loss": loss, "seconds": 2.5}
        for epoch, loss in enumerate(losses, start=1)
    ]
    workdir.metrics.write_text("".join(json.dumps(each) + "\n" for each in metrics))
    workdir.evaluation.write_text(json.dumps(records))
    return workdir


@pytest.fixture
def runs(tmp_path):
    mixes = [_record("L_K", 10, 32.0), _record("L_K", 0, 33.0), _record("IWAE", 10, 31.0, 0, 5)]
    mixes.append(_record("IWAE", 10, 30.0, 1, 5))
    point = [_record("L_K", 0, 34.0), _record("IWAE", 0, 33.5, 0, 7)]
    return comparison.read(
        [
            _run(tmp_path / "a", {}, [9.0, 7.0, 8.0], mixes),
            _run(tmp_path / "b", {"model": "vrnn", "hidden_size": 31}, [9.0, 8.0], point),
            _run(tmp_path / "c", {"model": "rnn", "epochs": 9}, [9.5], [_record("exact", 0, 35.0)]),
        ]
    )


def _lines(runs):
    """Returns name -> cells of the table."""
    columns = [0] + [comparison.table(runs).split("\n")[0].index(run.name) for run in runs]
    found = {}
    for line in comparison.table(runs).split("\n"):
        name, *cells = (line[start:end].strip() for start, end in zip(columns, [*columns[1:], None], strict=True))
        found[name] = cells
    return found


def test_the_table_says_what_each_is_and_in_what_they_differ(runs):
    lines = _lines(runs)
    assert lines["model"] == ["SIS-RNN", "VRNN", "RNN"]
    assert lines["hidden_size"] == ["32", "31", "32"] and lines["epochs"] == ["40", "40", "9"]
    assert lines["latent_size"] == ["8", "8", ""]  # an RNN has none
    assert lines["best epoch"] == ["2 of 3", "2 of 2", "1 of 1"]
    assert lines["time"] == ["0:00:08", "0:00:05", "0:00:02"] and lines["seconds an epoch"] == ["2.5"] * 3
    assert "batch_size" not in lines and "data_dir" not in lines
    weights = [int(cell.replace(",", "")) for cell in lines["weights"]]
    assert weights[0] > weights[1] > weights[2] > 0


def test_likelihoods_stand_on_the_line_of_the_same_estimate(runs):
    """Of a point mass at every K, of an exact likelihood on every line."""
    exact = "= 35.000 +- 0.250 (bits per dimension 0.5469)"
    point = "<= 34.000 +- 0.250 (bits per dimension 0.5312)"
    lines = {name: cells for name, cells in _lines(runs).items() if name.startswith("test")}
    assert lines == {
        "test NLL, L_K, K=10, M=1, 250 sequences": ["<= 32.000 +- 0.250 (bits per dimension 0.5000)", point, exact],
        "test NLL, L_K, K=0, M=1, 250 sequences": ["<= 33.000 +- 0.250 (bits per dimension 0.5156)", point, exact],
        "test NLL, IWAE, K=10, M=5, 250 sequences": [
            "<= 30.500 +- 0.250 (bits per dimension 0.4766, 2 noise seeds)",
            "",
            exact,
        ],
        "test NLL, IWAE, K=0, M=7, 250 sequences": ["", "<= 33.500 +- 0.250 (bits per dimension 0.5234)", exact],
    }


@pytest.mark.parametrize(
    "changed",
    [
        {"convention": "digits, sampled (seed 1), rows (T=8, D=8)"},
        {"fingerprint": "another"},
        {"num_sequences": (1, 2, 3)},
    ],
)
def test_other_data_or_another_convention_is_refused_by_name(tmp_path, changed):
    other = dataclasses.replace(SPEC, **changed)
    folders = [_run(tmp_path / name, {}, [1.0], [], spec) for name, spec in (("a", SPEC), ("b", other))]
    with pytest.raises(ValueError, match=rf"(?s)do not compare.*{next(iter(changed))}: "):
        comparison.read(folders)


def test_a_run_without_an_epoch_is_refused(tmp_path):
    with pytest.raises(ValueError, match="`workdir` must be of a run with a finished epoch"):
        comparison.read([_run(tmp_path / "a", {}, [], [])])


def test_the_picture_has_a_curve_a_run_and_its_best(runs):
    (axes,) = comparison.curves(runs).axes
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names == [run.name for run in runs]
    curves, dots = axes.get_lines()[::2], axes.get_lines()[1::2]
    np.testing.assert_array_equal(curves[0].get_ydata(), [9.0, 7.0, 8.0])
    assert [(dot.get_xdata()[0], dot.get_ydata()[0]) for dot in dots] == [(2, 7.0), (2, 8.0), (1, 9.5)]
    assert axes.get_ylabel() == "NLL ≤ [nats per sequence]"
