"""The launchers on tables as they are found: one series with dates and gaps, by semicolons; long Parquet."""

import json

import matplotlib.image
import numpy as np
import pandas as pd
import pytest

import sisrnn_tf
from tests.launch import launcher

FLAGS = ("--dataset=csv", "--preset=small", "--batch_size=8", "--max_steps=3", "--emission=normal")


@pytest.fixture(scope="module")
def trained_table(tmp_path_factory):
    """The workdir of a run on a series with empty cells, and what it printed."""
    folder, steps = tmp_path_factory.mktemp("table"), np.arange(400)
    frame = pd.DataFrame({"Datum": pd.date_range("2024-01-30", periods=400, freq="h").strftime("%d.%m.%Y %H:%M")})
    frame["Temp, innen"], frame["Last"] = np.sin(steps / 4), np.where(steps % 7 == 3, np.nan, steps % 24 + 0.5)
    text = frame.to_csv(index=False, sep=";", decimal=",", lineterminator="\r\n")
    (folder / "house.csv").write_bytes(f"\ufeff{text}".encode())
    flags = (f"--data_dir={folder / 'house.csv'}", f"--workdir={folder / 'run'}")
    status, output = launcher.run("train", *launcher.TINY, *FLAGS, *flags)
    assert status == 0, output
    return folder, output


def test_what_was_found_is_said_and_kept(trained_table):
    folder, output = trained_table
    assert "wide form, cells divided by ';', decimal ',', all rows one series, time `Datum`" in output
    assert (
        "1 series of 400 steps, cut in windows of 10 steps (--window_length): 32 train, 4 validation, 4 test" in output
    )
    assert "all steps of `Datum` are 0 days 01:00:00 long" in output
    spec = json.loads((folder / "run" / "data.json").read_text())
    assert spec["features"] == ["Temp, innen", "Last"] and spec["layout"]["delimiter"] == ";"
    assert "57 values are missing and not scored" in spec["convention"]
    records = json.loads((folder / "run" / "evaluation.json").read_text())
    assert all(np.isfinite(record["nll_data_units"]) for record in records)


def test_a_run_with_gaps_is_evaluated_forecast_and_scored(trained_table, tmp_path):
    folder, _ = trained_table
    run = f"--workdir={folder / 'run'}"
    status, output = launcher.run("evaluate", run, "--estimator=smc", "--num_importance=3", "--num_mixing=1")
    assert status == 0 and "SMC" in output, output
    status, output = launcher.run("forecast", run, "--context_steps=6", "--num_samples=5", "--num_importance=5")
    assert status == 0 and "in 80%" in output, output
    with np.load(folder / "run" / "forecasts" / "forecasts.npz") as arrays:
        assert np.isnan(arrays["context"]).any() and np.isfinite(arrays["samples"]).all()
        assert arrays["sequence"][0].startswith("house from 14.02.2024")
    quantiles = pd.read_csv(folder / "run" / "forecasts" / "quantiles.csv")
    assert quantiles.columns[:5].tolist() == ["sequence", "origin", "quantile", "step", "Datum"]
    assert quantiles["Datum"][:2].tolist() == ["14.02.2024 06:00", "14.02.2024 07:00"]  # of the window's steps 6 and 7
    flags = (f"--input={folder / 'house.csv'}", f"--output={tmp_path / 'scores'}")
    status, output = launcher.run("score", run, *flags)
    assert status == 0, output
    scores = pd.read_csv(tmp_path / "scores" / "house.csv")
    assert scores["sequence"].tolist() == ["house"] and scores["num_steps"].tolist() == [400]
    assert np.isfinite(scores["log_likelihood"]).all()
    given = pd.read_csv(folder / "house.csv", sep=";", decimal=",")
    flags = (f"--input={folder / 'house.csv'}", f"--output={tmp_path / 'steps'}", "--per_step", "--num_importance=2")
    status, output = launcher.run("score", run, *flags)
    assert status == 0, output
    assert pd.read_csv(tmp_path / "steps" / "house.csv")["Datum"].equals(given["Datum"])


def test_dates_come_out_of_gaps_and_go_on_in_forecasts(trained_table, tmp_path):
    folder, _ = trained_table
    given = pd.read_csv(folder / "house.csv", sep=";", decimal=",")[-20:]
    given.to_csv(tmp_path / "last.csv", index=False, sep=";", decimal=",")
    flags = (f"--workdir={folder / 'run'}", f"--input={tmp_path / 'last.csv'}", "--num_samples=3")
    status, output = launcher.run("impute", *flags, f"--output={tmp_path / 'filled.csv'}")
    assert status == 0 and f"Picture: {tmp_path / 'filled.png'}" in output, output
    assert matplotlib.image.imread(tmp_path / "filled.png")[..., :3].std() > 0.01
    filled = pd.read_csv(tmp_path / "filled.csv")
    assert filled.columns.tolist() == ["sequence", *given] and filled["Datum"].tolist() == given["Datum"].tolist()
    status, output = launcher.run("forecast", *flags, "--num_steps=2", f"--output_dir={tmp_path / 'next'}")
    assert status == 0, output
    samples = pd.read_csv(tmp_path / "next" / "samples.csv")
    assert samples["Datum"].tolist() == ["15.02.2024 16:00", "15.02.2024 17:00"] * 3


def test_a_long_parquet_trains(tmp_path):
    frame = pd.DataFrame(
        {"unique_id": np.repeat(np.arange(30), 8), "time": np.tile(np.arange(4).repeat(2), 30)},
    )
    frame["variable"], frame["value"] = np.tile(["a", "b"], 120), np.random.default_rng(0).normal(size=240)
    frame.drop(index=[5, 77]).to_parquet(tmp_path / "panel.parquet")
    flags = (f"--data_dir={tmp_path / 'panel.parquet'}", f"--workdir={tmp_path / 'run'}")
    status, output = launcher.run("train", *launcher.TINY, *FLAGS, *flags)
    assert status == 0, output
    assert (
        "long form, sequence `unique_id`, time `time`, variable `variable`, value `value`; 2 features: a, b" in output
    )
    assert "2 values are missing and not scored" in output


def test_covariates_go_all_the_way(tmp_path):
    steps = np.arange(400)
    frame = pd.DataFrame({"load": np.sin(steps / 4), "day": steps // 24 % 7, "hour": steps % 24})
    frame.to_csv(tmp_path / "house.csv", index=False)
    run = f"--workdir={tmp_path / 'run'}"
    flags = (f"--data_dir={tmp_path / 'house.csv'}", run, "--covariates=day,hour")
    status, output = launcher.run("train", *launcher.TINY, *FLAGS, *flags)
    assert status == 0 and "covariates `day`, `hour`; 1 features: load" in output, output
    spec = json.loads((tmp_path / "run" / "data.json").read_text())
    assert spec["features"] == ["load"] and spec["layout"]["covariates"] == ["day", "hour"]
    status, output = launcher.run("evaluate", run, "--estimator=smc", "--num_importance=3", "--num_mixing=1")
    assert status == 0 and "SMC" in output, output
    status, output = launcher.run("forecast", run, "--context_steps=6", "--num_samples=5", "--num_importance=5")
    assert status == 0 and "in 80%" in output, output
    with np.load(tmp_path / "run" / "forecasts" / "forecasts.npz") as arrays:
        assert arrays["samples"].shape == (5, 4, 4, 1) and np.isfinite(arrays["samples"]).all()
    status, output = launcher.run("score", run, f"--input={tmp_path / 'house.csv'}", f"--output={tmp_path / 'scores'}")
    assert status == 0 and np.isfinite(pd.read_csv(tmp_path / "scores" / "house.csv")["log_likelihood"]).all(), output
    future = pd.DataFrame({"load": np.nan, "day": [0, 0, 1], "hour": [22, 23, 0]})
    pd.concat([frame[-20:], future]).to_csv(tmp_path / "next.csv", index=False)
    flags = (f"--input={tmp_path / 'next.csv'}", f"--output_dir={tmp_path / 'next'}", "--num_samples=5")
    status, output = launcher.run("forecast", run, *flags, "--num_steps=3")
    assert status == 0, output
    with np.load(tmp_path / "next" / "forecasts.npz") as arrays:
        assert arrays["samples"].shape == (5, 1, 3, 1) and arrays["lengths"].tolist() == [20]
    given = pd.read_csv(tmp_path / "next.csv")
    drawn, written = (
        sisrnn_tf.load(tmp_path / "run").forecast(given, 3, 5),
        pd.read_csv(tmp_path / "next" / "samples.csv"),
    )
    np.testing.assert_allclose(drawn["load"], written["load"], rtol=1e-6)
    gaps = frame[-20:].assign(load=frame["load"][-20:].where(np.arange(20) % 5 > 0))
    filled = sisrnn_tf.load(tmp_path / "run").impute(gaps, 3).observations
    np.testing.assert_array_equal(filled["load"].isna() | (filled["load"] == gaps["load"]), gaps["load"].notna())
    steps = sisrnn_tf.load(tmp_path / "run").score(frame[-20:], 5, per_step=True)
    assert len(steps) == 20 and steps["quantile"].between(0, 1).all()
    assert sisrnn_tf.load(tmp_path / "run").reconstruct(frame[-20:]).shape == (20, 1)
    status, output = launcher.run("forecast", run, *flags, "--num_steps=4")
    assert status != 0 and "`num_steps` must be at most 3" in output, output
    status, output = launcher.run("generate", run)
    assert status != 0 and "`input` must be given: a file with the covariates ['day', 'hour']" in output, output
    flags = (f"--input={tmp_path / 'next.csv'}", f"--output_dir={tmp_path / 'made'}", "--num_samples=5")
    status, output = launcher.run("generate", run, *flags)
    assert status == 0, output
    made = pd.read_csv(tmp_path / "made" / "samples.csv")
    assert made["step"].tolist() == [*range(23)] * 5 and matplotlib.image.imread(tmp_path / "made" / "samples.png").size
    again = sisrnn_tf.load(tmp_path / "run").generate(5, covariates=given[["hour", "day"]])
    np.testing.assert_allclose(again["load"], made["load"], rtol=1e-6)
    status, output = launcher.run("export", run, f"--export_dir={tmp_path / 'served' / '1'}")
    assert status == 0 and "U = 2 covariates" in (tmp_path / "served" / "1" / "README.md").read_text(), output
