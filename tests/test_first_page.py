"""The first page: short, and its figures are those of the results."""

import json

import numpy as np
import pytest

from tests.test_pages import ROOT

TEXT = (ROOT / "README.md").read_text()


def _results(name):
    assert f"results/{name}.json" in TEXT
    return json.loads((ROOT / "results" / f"{name}.json").read_text())


def test_it_is_short_and_has_the_two_commands():
    lines = TEXT.splitlines()
    assert len(lines) <= 160
    assert "    pip install -e . && python -m launch.train" in lines
    assert "    pip install -e '.[test]' && pytest" in lines


def test_nats_of_images():
    nll = {
        name: [each["nll"] for each in run["evaluation"] if (each["split"], each["estimator"]) == ("test", estimator)]
        for (name, run), estimator in zip(
            _results("binarized_mnist-larochelle-rows")["runs"].items(), ("exact", "IWAE", "IWAE"), strict=True
        )
    }
    (rnn,), (vrnn,), (sisrnn,) = nll["rnn"], nll["vrnn"], nll["sisrnn"]
    assert f"RNN = {rnn:.2f} (exact), VRNN <= {vrnn:.2f}, SIS-RNN <= {sisrnn:.2f}" in TEXT


@pytest.mark.parametrize("name", ["growth-model", "range-model"])
def test_nats_of_known_dynamics(name):
    results = _results(name)
    nll = {
        row["kind"]: row["nll_smc_100"]
        for row in results["summary"]
        if row["objective"] == "FIVO" and not row["smoothing"]
    }
    assert f"-log p(x) = {results['particle_filter']['nll'][0]:.2f}" in TEXT
    assert f"Gaussian <= {nll['Gaussian']:.2f}, semi-implicit <= {nll['per dimension']:.2f}" in TEXT


def test_forecasts():
    crps = {}
    for record in _results("elnino-backtest")["records"]:
        crps.setdefault(record["method"], []).append(record["crps"])
    for name, values in crps.items():
        assert f"{name} {np.mean(values):.3f}" in TEXT


def test_speed():
    contenders = _results("benchmark-train-step")["results"]["b"]["contenders"]
    for name, label in (("library", ""), ("jax_fused", "JAX "), ("tf_loop", "plain TensorFlow ")):
        contender = contenders[name]
        assert f"{label}{np.median(contender['cpu_ms']):.0f} ms, {contender['peak_mb']:.0f} MB" in TEXT
