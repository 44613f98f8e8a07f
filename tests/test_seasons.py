"""The length of a season, guessed by the autocorrelation."""

import numpy as np
import pytest

from sisrnn_tf.analysis import seasons


def _wave(length, period, seed, slope=0.0):
    rng, times = np.random.default_rng(seed), np.arange(length)
    phase = rng.uniform(0, 2 * np.pi)
    return np.column_stack([np.sin(2 * np.pi * times / period + phase) + 0.3 * rng.normal(size=length) + slope * times])


@pytest.mark.parametrize(("period", "slope"), [(4, 0.0), (7, 0.0), (12, 0.05), (24, -0.3)])
def test_the_period_of_waves_is_found(period, slope):
    season = seasons.guess([_wave(100, period, seed, slope) for seed in range(5)], 49)
    assert season.length == period and season.correlation > 0.5
    assert f"season length {period}, guessed by the autocorrelation, 0." in season.describe()


def test_a_pattern_that_is_no_wave_is_found_by_its_first_repetition():
    pattern = np.random.default_rng(0).normal(size=(7, 2))
    assert seasons.guess([np.tile(pattern, (9, 1))], 40).length == 7


@pytest.mark.parametrize("name", ["noise", "walk", "constant", "short"])
def test_without_a_season_there_is_none(name):
    rng = np.random.default_rng(1)
    noise = rng.normal(size=(6, 80, 1))
    series = {
        "noise": list(noise),
        "walk": list(np.cumsum(noise, axis=1)),
        "constant": [np.ones((9, 1))],
        "short": [np.ones((1, 1)), np.zeros((2, 1))],
    }[name]
    assert seasons.guess(series, 40).length == 1


def test_a_season_is_no_longer_than_is_looked_for():
    assert seasons.guess([_wave(100, 24, 0)], 20).length == 1
