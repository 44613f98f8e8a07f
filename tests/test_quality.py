"""How the comparison of posteriors reckons: intervals, times to a target, and a page that says what the files say."""

import json

import numpy as np
import pytest
import scipy.stats

from benchmarks import quality_plan, quality_table, state_space_table
from sisrnn_tf.configuration.config import ExperimentConfig


def _run(model, seed, smc, column_epochs=2):
    test = {
        name: {"epoch": column_epochs, "bound": [value + 1 for value in smc], "smc": smc}
        for name in ("epochs", "seconds")
    }
    epochs = [{"epoch": 1, "cpu_seconds": 5.0}, {"epoch": 2, "cpu_seconds": 10.0, "val_smc": 90.0}]
    epochs += [{"epoch": 4, "cpu_seconds": 20.0, "val_smc": 86.0}]
    return {"model": model, "seed": seed, "test": test, "epochs": epochs}


def test_the_interval_is_student_s_of_paired_differences():
    differences = [-1.2, -0.7, -1.9, -1.0, -1.4]
    mean, half = quality_table.paired_interval(differences)
    expected = scipy.stats.ttest_1samp(differences, 0.0).confidence_interval(0.95)
    np.testing.assert_allclose([mean - half, mean + half], expected)
    assert np.isnan(quality_table.paired_interval([1.0])[1])


def test_the_time_to_a_target_is_read_between_epochs():
    run = _run("vrnn", 0, [86.0])
    assert quality_table.seconds_to(run, 88.0) == pytest.approx(15.0)
    assert quality_table.seconds_to(run, 91.0) == 10.0
    assert quality_table.seconds_to(run, 85.0) is None


def test_the_table_has_means_and_differences_of_the_same_seeds():
    runs = {
        "vrnn": {seed: _run("vrnn", seed, [85.0 + seed, 87.0 + seed]) for seed in (0, 1)},
        "both": {seed: _run("both", seed, [84.0 + 2 * seed, 86.0 + 2 * seed]) for seed in (1, 2)},
    }
    first, second = quality_table.table("rows", runs).splitlines()[2:]
    assert first.startswith("| VRNN | 2 | <= 87.50 | <= 86.50 |  |")
    # Seed 1 alone is in both: 87 - 87.
    assert "| <= 89.00 | <= 88.00 | +0.00 |" in second and second.endswith("| 15 |")


@pytest.mark.parametrize("data", quality_plan.DATA)
def test_models_of_a_plan_differ_in_posterior_and_prior_alone(data):
    allowed = {
        "model",
        "mixing",
        "posterior",
        "prior_components",
        "num_mixing",
        "num_mixing_start",
        "num_mixing_ramp_epochs",
    }
    configs = [quality_plan.configuration(data, model, 3, "DIR", {}) for model in quality_plan.MODELS]
    assert all(isinstance(config, ExperimentConfig) and config.training.seed == 3 for config in configs)
    for config in configs[1:]:
        for section in ("data", "model", "training"):
            first, other = (vars(getattr(each, section)) for each in (configs[0], config))
            assert {name for name in first if first[name] != other[name]} <= allowed


def test_the_page_says_what_the_files_say():
    text = quality_table.PAGE.read_text()
    assert quality_table.filled(text) == text
    for data in quality_plan.DATA:
        for path in (quality_table.RESULTS / data).glob("*.json"):
            run = json.loads(path.read_text())
            assert path.stem == f"{run['model']}-{run['seed']}" and run["data"] == data


def test_the_page_on_state_spaces_says_what_its_files_say():
    text = state_space_table.PAGE.read_text()
    assert state_space_table.filled(text) == text
    for path in state_space_table.RESULTS.values():
        results = json.loads(path.read_text())
        for run in results["runs"]:  # of the summary that the table is made of
            rows = [row for row in results["summary"] if all(row[name] == run[name] for name in ("kind", "smoothing"))]
            assert any(run["seed"] in row["seeds"] and row["objective"] == run["objective"] for row in rows)
