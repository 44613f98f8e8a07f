"""The likelihood without memory, against closed forms."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

from sisrnn_tf import emissions, factory
from sisrnn_tf.analysis import baselines
from sisrnn_tf.configuration.data_config import DataConfig
from sisrnn_tf.data import series
from sisrnn_tf.data.kinds import SERIES, STROKES
from sisrnn_tf.data.spec import Sequences


def _series(make, kind=SERIES, size=2):
    rng = np.random.default_rng(0)
    splits = {
        name: [make(rng, (int(rng.integers(1, 6)), size)) for _ in range(30)]
        for name in ("train", "validation", "test")
    }
    return series.make("made", splits, kind, "none", None), splits


def test_real_values_are_normal():
    dataset, splits = _series(lambda rng, shape: rng.normal([3.0, -1.0], [2.0, 0.5], shape))
    found = baselines.measure(emissions.NormalMixture(2), dataset)
    rows = np.concatenate(splits["train"]).astype("float32").astype(float)
    scores = [-stats.norm(rows.mean(axis=0), rows.std(axis=0)).logpdf(part).sum() for part in splits["test"]]
    assert found.nll == pytest.approx(np.mean(scores), rel=1e-5)
    assert found.standard_error == pytest.approx(np.std(scores, ddof=1) / np.sqrt(30), rel=1e-5)
    assert found.num_sequences == 30
    assert baselines.measure(emissions.NormalMixture(2), dataset, 7).num_sequences == 7


def test_counts_have_a_probability():
    dataset, splits = _series(lambda rng, shape: rng.negative_binomial(2, 0.2, shape).astype(float))
    rows = np.concatenate(splits["train"])
    mean = rows.mean(axis=0)
    size = mean**2 / (rows.var(axis=0) - mean)
    expected = np.mean([-stats.nbinom(size, size / (size + mean)).logpmf(part).sum() for part in splits["test"]])
    assert baselines.measure(emissions.NegativeBinomial(2), dataset).nll == pytest.approx(expected, rel=1e-3)


def test_strokes_have_a_pen():
    def draw(rng, shape):
        return np.concatenate([rng.normal(size=(shape[0], 2)), rng.random((shape[0], 1)) < 0.3], axis=1)

    dataset, splits = _series(draw, STROKES, 3)
    rows = np.concatenate(splits["train"])
    share = (rows[:, 2].sum() + 0.5) / (len(rows) + 1)
    offsets = stats.norm(rows[:, :2].mean(axis=0), rows[:, :2].std(axis=0))
    scores = [
        -offsets.logpdf(part[:, :2]).sum() - stats.bernoulli(share).logpmf(part[:, 2]).sum() for part in splits["test"]
    ]
    assert baselines.measure(emissions.StrokeMixture(2), dataset).nll == pytest.approx(np.mean(scores), rel=1e-5)


def test_images_have_the_frequencies_of_their_features():
    dataset = factory.make_data(DataConfig(), 0)
    share = (dataset.train.observations.reshape(-1, 8).sum(axis=0) + 0.5) / (8 * len(dataset.train) + 1)
    scores = -stats.bernoulli(share).logpmf(dataset.test.observations).sum(axis=(1, 2))
    assert baselines.measure(emissions.Bernoulli(8), dataset).nll == pytest.approx(scores.mean(), rel=1e-5)


def test_words_have_their_frequencies():
    dataset = factory.make_data(DataConfig("pydoc", binarization="none"), 0)
    few = {
        name: Sequences(getattr(dataset, name).observations[:9], getattr(dataset, name).lengths[:9])
        for name in ("train", "test")
    }
    dataset = dataclasses.replace(dataset, **few)
    words = [row[:length] for row, length in zip(few["train"].observations, few["train"].lengths, strict=True)]
    counts = 1 + np.bincount(np.concatenate(words), minlength=len(dataset.vocabulary))
    tested = zip(few["test"].observations, few["test"].lengths, strict=True)
    scores = [-np.log(counts[row[:length]] / counts.sum()).sum() for row, length in tested]
    found = baselines.measure(emissions.Categorical(len(dataset.vocabulary)), dataset)
    assert found.nll == pytest.approx(np.mean(scores), rel=1e-6)


def test_missing_values_are_left_out():
    """Moments are of what was observed, and so is the sum: with every value there they are the plain ones."""
    rng = np.random.default_rng(0)
    rows, x = rng.normal(2.0, 3.0, size=(50, 2)), rng.normal(size=(4, 2))
    gaps, missing = rows.copy(), x.copy()
    gaps[::7, 0], missing[1, 1] = np.nan, np.nan
    seen = rows[np.arange(50) % 7 > 0, 0]
    expected = stats.norm.logpdf(x[:, 0], seen.mean(), seen.std())
    expected += np.where(np.arange(4) == 1, 0.0, stats.norm.logpdf(x[:, 1], rows[:, 1].mean(), rows[:, 1].std()))
    np.testing.assert_allclose(baselines.normal_log_prob(gaps, missing), expected)
