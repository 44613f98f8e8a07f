"""Backtests: windows, naive forecasts, and measures against their definitions."""

import numpy as np
import pytest

from sisrnn_tf.analysis import backtests


def _ramp(length, start=0.0):
    return start + np.arange(length, dtype=float)[:, np.newaxis]


def test_windows_are_of_all_origins_after_which_a_sequence_goes_on():
    found = backtests.windows([_ramp(10), _ramp(6, 100.0), _ramp(4)], 4, 3, num_origins=3, stride=2)
    assert found.numbers.tolist() == [0, 0, 0, 1]
    assert [len(context) for context in found.contexts] == [4, 6, 8, 4]
    expected = [[4, 5, 6], [6, 7, 8], [8, 9, np.nan], [104, 105, np.nan]]
    np.testing.assert_array_equal(found.truth[..., 0], expected)
    with pytest.raises(ValueError, match="`context_steps` must be below the 4 steps of the longest sequence"):
        backtests.windows([_ramp(4)], 4, 1)


def test_naive_forecasts_repeat_the_last_value_or_season():
    contexts = [_ramp(5), _ramp(7)]
    np.testing.assert_array_equal(backtests.naive(contexts, 2)[..., 0], [[4, 4], [6, 6]])
    np.testing.assert_array_equal(backtests.naive(contexts, 5, 3)[..., 0], [[2, 3, 4, 2, 3], [4, 5, 6, 4, 5]])


def test_the_crps_is_that_of_the_distribution_that_is_drawn_from():
    # Of a standard normal at x: x (2 Phi(x) - 1) + 2 phi(x) - 1 / sqrt(pi) (Gneiting & Raftery 2007).
    rng = np.random.default_rng(0)
    draws = rng.normal(size=(5, 4000, 1, 1))  # of 5 draws each: a biased estimate would be larger by a tenth
    value = backtests.crps(draws, np.full((4000, 1, 1), 0.5)).mean()
    expected = 0.5 * (2 * 0.691462 - 1) + 2 * 0.352065 - 1 / np.sqrt(np.pi)
    np.testing.assert_allclose(value, expected, atol=0.015)


def _windows():
    rng = np.random.default_rng(2)
    walks = np.cumsum(rng.normal(size=(20, 30, 2)) * [1.0, 50.0], axis=1)
    walks[3, 26:] = np.nan
    return backtests.windows([walk[np.isfinite(walk[:, 0])] for walk in walks], 20, 8, num_origins=2, stride=3)


def test_measures_are_their_definitions():
    found = _windows()
    rng, m = np.random.default_rng(3), 4
    samples = np.stack([context[-1] for context in found.contexts])[:, np.newaxis] + rng.normal(size=(50, 40, 8, 2))
    records = backtests.measure(found, samples, m, ["a", "b"])
    assert [(record["feature"], record["method"]) for record in records] == [
        (feature, method) for feature in (None, "a", "b") for method in ("model", "naive", "seasonal naive")
    ]
    of_b = {record["method"]: record for record in records if record["feature"] == "b"}
    truth, median, mean = found.truth[..., 1], np.median(samples, axis=0)[..., 1], samples.mean(axis=0)[..., 1]
    changes = [context[m:, 1] - context[:-m, 1] for context in found.contexts]
    mase = [np.nanmean(np.abs(x - y)) / np.abs(c).mean() for x, y, c in zip(truth, median, changes, strict=True)]
    rmsse = [np.sqrt(np.nanmean((x - y) ** 2) / (c**2).mean()) for x, y, c in zip(truth, mean, changes, strict=True)]
    np.testing.assert_allclose(of_b["model"]["mase"], np.mean(mase))
    np.testing.assert_allclose(of_b["model"]["rmsse"], np.mean(rmsse))
    crps = np.abs(samples[..., 1] - truth).mean(axis=0)
    draws = np.sort(samples[..., 1], axis=0)
    pairs = np.abs(draws[:, np.newaxis] - draws[np.newaxis]).sum(axis=(0, 1)) / (50 * 49)
    np.testing.assert_allclose(of_b["model"]["crps"], np.nanmean(crps - pairs / 2))
    inside = (np.quantile(samples[..., 1], 0.1, axis=0) <= truth) & (truth <= np.quantile(samples[..., 1], 0.9, axis=0))
    np.testing.assert_allclose(of_b["model"]["coverage"]["80"], inside[np.isfinite(truth)].mean())
    assert of_b["naive"]["coverage"] is None and of_b["model"]["num_values"] == np.isfinite(truth).sum() < truth.size
    last = np.stack([context[-1:, 1] for context in found.contexts])
    np.testing.assert_allclose(of_b["naive"]["crps"], np.nanmean(np.abs(truth - last)))
    both = records[0]
    assert both["crps"] is None and both["feature"] is None
    np.testing.assert_allclose(both["scaled_crps"], np.mean([each["scaled_crps"] for each in (records[3], records[6])]))


def test_the_right_distribution_is_covered_as_it_says_and_beats_the_naive_forecast():
    found = _windows()
    rng = np.random.default_rng(4)
    steps = np.cumsum(rng.normal(size=(400, 40, 8, 2)) * [1.0, 50.0], axis=2)
    samples = np.stack([context[-1] for context in found.contexts])[:, np.newaxis] + steps
    model, naive = backtests.measure(found, samples, 1, ["a", "b"])[:2]
    for level, share in model["coverage"].items():
        assert abs(share - float(level) / 100) < 0.08
    assert model["scaled_crps"] < 0.8 * naive["scaled_crps"]
    text = backtests.table(backtests.measure(found, samples, 1, ["a", "b"]))
    assert len({line.index("model") for line in text.splitlines() if "model" in line}) == 1 and "seasonal" not in text


def test_all_methods_are_measured_on_the_same_values():
    found = _windows()
    for window, context in enumerate(found.contexts):
        context[:, 1] = np.nan if window < 30 else context[:, 1]  # nothing that a naive forecast could repeat
        context[-3:, 0] = np.nan  # what is before the gap is
    samples = np.random.default_rng(3).normal(size=(5, *found.truth.shape))
    records = {(record["feature"], record["method"]): record for record in backtests.measure(found, samples, 2, "ab")}
    known = np.isfinite(found.truth)
    for method in ("model", "naive", "seasonal naive"):
        assert records["a", method]["num_values"] == known[..., 0].sum()
        assert records["b", method]["num_values"] == known[30:, :, 1].sum()
    np.testing.assert_allclose(
        records["b", "model"]["crps"], np.nanmean(backtests.crps(samples, found.truth)[30:, :, 1])
    )
    alone = backtests.Windows(found.numbers[:30], found.contexts[:30], found.truth[:30])
    records = backtests.measure(alone, samples[:, :30], 2, "ab")
    assert records[6]["num_values"] == 0 and records[6]["coverage"] is None and records[6]["crps"] is None
    assert "-" in backtests.table(records)
    with pytest.raises(ValueError, match="`truth` must be known for a value at least, and a value before it"):
        backtests.measure(alone._replace(contexts=[part * np.nan for part in alone.contexts]), samples[:, :30], 2, "ab")


def test_a_window_that_never_changes_has_no_scale():
    found = backtests.windows([np.ones((6, 1))], 4, 2)
    (model, _) = backtests.measure(found, np.ones((3, 1, 2, 1)), 1, ["a"])
    assert (model["crps"], model["mase"], model["scaled_crps"]) == (0.0, None, None)
    with pytest.raises(ValueError, match="`num_samples` must be at least 2, for a CRPS"):
        backtests.measure(found, np.ones((1, 1, 2, 1)), 1, ["a"])
