"""The launchers on series with names: forecast, backtest, fill in, score; Python gives the same by `sisrnn_tf.load`."""

import json

import matplotlib.image
import numpy as np
import pandas as pd
import pytest

import sisrnn_tf
from sisrnn_tf.runs import scoring
from tests.launch import launcher

NUM_STEPS, PERIOD = 30, 6
FEATURES = ["flow", "level"]


def _frame(names, num_steps, seed):
    """Noisy waves, each of its own phase, far from 0 and 1."""
    rng, times = np.random.default_rng(seed), np.arange(num_steps)
    frames = []
    for name in names:
        wave = np.sin(2 * np.pi * (times / PERIOD + rng.random()))
        noise = 0.1 * rng.normal(size=(2, num_steps))
        frames.append(
            pd.DataFrame({"sequence": name, "flow": 300 + 20 * (wave + noise[0]), "level": 2 * wave + noise[1] - 7})
        )
    return pd.concat(frames, ignore_index=True)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The workdir of a run on a csv of series."""
    folder = tmp_path_factory.mktemp("series")
    _frame([f"s{number}" for number in range(60)], NUM_STEPS, 0).to_csv(folder / "series.csv", index=False)
    arguments = ("--dataset=csv", f"--data_dir={folder / 'series.csv'}", "--preset=small", "--emission=normal")
    arguments += ("--batch_size=8", "--max_steps=12")
    status, output = launcher.run("train", f"--workdir={folder / 'run'}", *launcher.TINY, *arguments)
    assert status == 0, output
    return folder / "run"


@pytest.fixture
def new(tmp_path):
    """A csv of new series, of two lengths, its columns in another order."""
    frame = pd.concat([_frame(["north"], 12, 1), _frame(["south"], 9, 2)])[["sequence", "level", "flow"]]
    frame.to_csv(tmp_path / "new.csv", index=False)
    return tmp_path / "new.csv"


def test_a_forecast_continues_series_under_their_names_as_python_does(run, new, tmp_path, monkeypatch):
    flags = (f"--input={new}", "--num_steps=4", "--num_samples=7", "--num_importance=8", f"--output_dir={tmp_path}/out")
    status, output = launcher.run("forecast", f"--workdir={run}", *flags)
    assert status == 0 and "Forecasts (7, 2, 4, 2)" in output, output
    samples, quantiles = (pd.read_csv(tmp_path / "out" / f"{name}.csv") for name in ("samples", "quantiles"))
    assert list(samples.columns) == ["sequence", "sample", "step", *FEATURES]
    assert samples.groupby("sequence")["step"].unique().map(list).to_dict() == {
        "north": [12, 13, 14, 15],
        "south": [9, 10, 11, 12],
    }
    monkeypatch.chdir(tmp_path)
    predictor = sisrnn_tf.load(run)
    found = predictor.forecast(pd.read_csv(new), 4, num_samples=7, num_importance=8)
    assert found["sequence"].tolist() == samples["sequence"].tolist()
    np.testing.assert_allclose(found[FEATURES], samples[FEATURES], rtol=1e-6)
    assert 200 < samples["flow"].mean() < 400 and -10 < samples["level"].mean() < -4

    medians = quantiles[quantiles["quantile"] == 0.5].set_index(["sequence", "step"])[FEATURES]
    expected = samples.groupby(["sequence", "step"])[FEATURES].median()
    np.testing.assert_allclose(medians, expected.loc[medians.index], rtol=1e-6)
    with np.load(tmp_path / "out" / "forecasts.npz") as arrays:
        assert arrays["sequence"].tolist() == ["north", "south"] and arrays["lengths"].tolist() == [12, 9]
        np.testing.assert_allclose(arrays["samples"][2, 1], samples[FEATURES].to_numpy().reshape(2, 7, 4, 2)[1, 2])
    assert matplotlib.image.imread(tmp_path / "out" / "forecasts.png").std() > 0.01
    status, output = launcher.run("forecast", f"--workdir={run}", *flags)
    assert status == 0 and output.count("in the place of an earlier one") == 4, output


def test_a_score_of_a_csv_is_that_of_python(run, new, tmp_path):
    flags = (f"--input={new}", f"--output={tmp_path / 'scores'}", "--num_importance=3", "--num_mixing=2")
    status, output = launcher.run("score", f"--workdir={run}", *flags)
    assert status == 0, output
    values = pd.read_csv(tmp_path / "scores" / "new.csv", index_col="sequence")["log_likelihood"]
    found = sisrnn_tf.load(run).score(pd.read_csv(new), 3, 2, scoring.shard_seed(0, "new"))
    assert found.index.tolist() == values.index.tolist() == ["north", "south"]
    np.testing.assert_allclose(found, values, rtol=1e-6)


def test_gaps_of_a_csv_are_filled_under_their_names(run, new, tmp_path):
    gappy = pd.read_csv(new)
    gappy.loc[[3, 15], "flow"] = gappy.loc[[3, 20], "level"] = np.nan
    gappy.to_csv(tmp_path / "gaps.csv", index=False)
    flags = (f"--input={tmp_path / 'gaps.csv'}", f"--output={tmp_path / 'filled.csv'}", "--num_samples=5")
    status, output = launcher.run("impute", f"--workdir={run}", *flags, "--num_importance=6")
    assert status == 0 and "Filled 4 values of 2 sequences" in output, output
    filled = pd.read_csv(tmp_path / "filled.csv")
    assert filled["sequence"].tolist() == gappy["sequence"].tolist() and not filled.isna().any(axis=None)
    known = gappy[FEATURES].notna()
    pd.testing.assert_frame_equal(filled[FEATURES].where(known), gappy[FEATURES])
    found = sisrnn_tf.load(run).impute(gappy, num_samples=5, num_importance=6).observations
    np.testing.assert_allclose(found[FEATURES], filled[FEATURES], rtol=1e-6)


def test_a_backtest_measures_forecasts_beside_naive_ones_and_the_report_has_it(run):
    flags = ("--context_steps=18", "--num_steps=6", "--num_origins=3", "--stride=3", "--num_samples=20")
    status, output = launcher.run("forecast", f"--workdir={run}", *flags, "--num_importance=10")
    assert status == 0 and f"season length {PERIOD}, guessed by the autocorrelation" in output, output
    found = json.loads((run / "forecasts" / "forecasts.json").read_text())
    assert (found["num_windows"], found["num_sequences"], found["season_length"]) == (15, 5, PERIOD)
    records = {(record["feature"], record["method"]): record for record in found["records"]}
    assert len(records) == 9 and records["flow", "model"]["num_values"] == 6 * 15
    assert records["flow", "seasonal naive"]["crps"] < records["flow", "naive"]["crps"]  # waves without a change
    assert all(0 <= share <= 1 for share in records["level", "model"]["coverage"].values())
    samples = pd.read_csv(run / "forecasts" / "samples.csv")
    assert list(samples.columns) == ["sequence", "origin", "sample", "step", *FEATURES]
    assert (
        len(samples) == 15 * 20 * 6
        and sorted(samples["origin"].unique()) == [18, 21, 24]
        and (samples["step"] >= samples["origin"]).all()
    )

    status, output = launcher.run("report", f"--workdir={run}")
    assert status == 0, output
    page = (run / "report.html").read_text()
    assert "Backtest, test split: 15 forecasts of" in page and "seasonal naive" in page
    assert f"{records['flow', 'model']['crps']:.4f}" in page


def test_a_planted_anomaly_is_found_in_its_step_and_feature(run, new, tmp_path):
    planted = pd.read_csv(new)
    planted.loc[7, "flow"] += 200
    planted.to_csv(tmp_path / "planted.csv", index=False)
    flags = (f"--input={tmp_path / 'planted.csv'}", f"--output={tmp_path / 'out'}", "--num_importance=20", "--per_step")
    status, output = launcher.run("score", f"--workdir={run}", *flags, "--threshold=0.995")
    assert status == 0, output
    steps = pd.read_csv(tmp_path / "out" / "planted.csv")
    assert len(steps) == 21 and steps["nll"].idxmax() == 7 and steps["nll_flow"].idxmax() == 7
    row = steps.loc[7]
    assert (row["sequence"], row["step"], row["quantile"], row["beyond"]) == ("north", 7, 1.0, 1)
    assert row["quantile_flow"] == 1.0 and row["quantile_level"] < 0.995
    assert steps["beyond"].sum() < 6 and f"{steps['beyond'].sum()} steps are beyond the threshold" in output
    assert ((steps["quantile"] > 0.995) == steps["beyond"]).all()
    assert matplotlib.image.imread(tmp_path / "out" / "planted.png").std() > 0.01

    found = sisrnn_tf.load(run).score(planted, 20, seed=scoring.shard_seed(0, "planted"), per_step=True)
    np.testing.assert_allclose(found["nll"], steps["nll"], rtol=1e-6)
    np.testing.assert_allclose(found["nll_level"], steps["nll_level"], rtol=1e-5)
    status, output = launcher.run("score", f"--workdir={run}", *flags, "--threshold=0.995")
    assert status == 0 and "1 of them done before" in output and f"{steps['beyond'].sum()} steps are beyond" in output


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ((), "`context_steps` must be given: a backtest's steps before a forecast; or --input"),
        (("--input=x.csv",), "`num_steps` must be given with --input"),
        (("--input=x.csv", "--num_steps=2", "--stride=2"), "A forecast of --input makes no use of --stride"),
        (("--input=x.csv", "--num_steps=2"), "`input` must be a file that exists"),
        (("--context_steps=9", "--season_length=9"), "`season_length` must be below the 9 steps"),
    ],
)
def test_what_makes_no_forecast_is_named(run, flags, message):
    status, output = launcher.run("forecast", f"--workdir={run}", *flags)
    assert status == 1 and output.startswith(f"ERROR: {message}") and "Traceback" not in output, output
