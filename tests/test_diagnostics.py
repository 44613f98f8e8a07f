"""Diagnostics of a model: against its bound, over padding, in their limits."""

import json
import math

import numpy as np
import pytest
import tensorflow as tf

from sisrnn_tf import cells, posteriors
from sisrnn_tf.analysis import diagnostics, gaussian_mixtures
from sisrnn_tf.analysis.posterior_walk import PosteriorWalk
from sisrnn_tf.core import random

R = 6


def _record(found):
    return diagnostics.record(found, "name", "test", "convention", 0)


def test_the_kl_is_that_of_the_bound(sisrnn, observations, mask):
    found = diagnostics.diagnose(sisrnn, observations, mask, R, seed=3)
    np.testing.assert_array_equal(found.num_sequences, [4, 3, 3, 2, 1])
    total = (found.kl * found.num_sequences).sum()
    assert total == pytest.approx(sisrnn.bound(observations, mask, R, seed=3).kl.numpy().sum(), rel=1e-5)


def test_the_kl_of_a_point_mass_is_that_of_its_bound_with_the_same_seed(vrnn, observations, mask):
    found = diagnostics.diagnose(vrnn, observations, mask, R, seed=3)
    total = (found.kl * found.num_sequences).sum()
    assert total == pytest.approx(vrnn.bound(observations, mask, seed=3).kl.numpy().sum(), rel=1e-5)


@pytest.mark.parametrize(
    ("kind", "parts"),
    [
        ("SISRNN", lambda: {"prior": cells.MixturePrior(2, (4,), 3)}),
        ("SISRNN", lambda: {"posterior": posteriors.PerDimension(2, (5,), noise_weight_scale=2.0)}),
        ("SRNN", dict),
    ],
    ids=["mixture prior", "per dimension", "srnn"],
)
def test_every_part_s_own_densities_make_the_kl(kind, parts, make_model, observations, mask):
    model = make_model(kind, **parts())
    found = diagnostics.diagnose(model, observations, mask, R, seed=3)
    total = (found.kl * found.num_sequences).sum()
    assert total == pytest.approx(model.bound(observations, mask, R, seed=3).kl.numpy().sum(), rel=1e-5)
    assert np.isfinite(found.activity).all()
    assert (found.mutual_information / math.log(4) <= 1).all()


def test_dependence_is_of_joint_mixing_alone(sisrnn, vrnn, make_model, observations, mask):
    found = diagnostics.diagnose(sisrnn, observations, mask, R)
    record = _record(found)
    for name in diagnostics.DEPENDENCE_MEASURES:
        values = getattr(found.dependence, name)
        assert (values[mask.T] > 0).all() and np.isnan(values[~mask.T]).all()
        assert record[name] == pytest.approx(values[mask.T].mean())
    assert "total correlation" in diagnostics.describe(record)
    per_dimension = make_model("SISRNN", posterior=posteriors.PerDimension(2, (5,), noise_weight_scale=2.0))
    for model in (vrnn, per_dimension):
        record = _record(diagnostics.diagnose(model, observations, mask, R))
        assert record["factorizes"] and record["strongest_correlation"] == record["total_correlation"] == 0
        assert "by construction" in diagnostics.describe(record).splitlines()[3]


def test_a_point_mass_is_exactly_gaussian(vrnn, observations):
    record = _record(diagnostics.diagnose(vrnn, observations, None, R))
    names = ("mean_abs_skewness", "mean_excess_kurtosis", "fraction_multimodal", "mean_negentropy")
    for values in (record, *record["dimensions"]):
        assert [values[name] for name in names] == [0, 0, 0, 0]
    assert record["num_noise_draws"] == 0
    assert record["mean_mixing_share"] == record["mean_log_scale_spread"] == 0
    assert not record["mixing_collapsed"]
    assert "point mass by construction" in record["verdict"]


def test_mixing_shows(sisrnn, observations):
    found = diagnostics.diagnose(sisrnn, observations, None, 64)
    record = _record(found)
    assert record["mean_mixing_share"] > 0.01
    assert record["mean_negentropy"] > 0
    shares = [dimension["mixing_share"] for dimension in record["dimensions"] if dimension["active"]]
    assert record["mean_mixing_share_of_active"] == pytest.approx(np.mean(shares))
    share, active = record["mean_mixing_share"], record["mean_mixing_share_of_active"]
    expected = f"{share:.2%} of the posterior's variance comes from it, {active:.1%} in the active dimensions"
    assert record["verdict"] == f"the mixing has not collapsed: {expected}"
    for values in (found.marginals.mixing_share, found.mutual_information / math.log(4)):
        assert (values <= 1).all()


def test_without_noise_weights_the_mixing_has_collapsed(make_model, observations):
    model = make_model("SISRNN")
    for layer in model.cell.posterior_part.network.noise_layers:
        layer.kernel.assign(tf.zeros_like(layer.kernel))
    record = _record(diagnostics.diagnose(model, observations, None, R))
    assert record["mixing_collapsed"]
    assert record["verdict"] == "the mixing has collapsed, below 0.1% of the variance: this SIS-RNN has become a VRNN"
    assert record["num_noise_draws"] == R
    assert record["mean_negentropy"] == pytest.approx(0, abs=1e-6)


def test_mixing_of_the_scale_alone_is_no_collapse(sisrnn, observations):
    found = diagnostics.diagnose(sisrnn, observations, None, R)
    none = np.zeros_like(found.marginals.mixing_share)
    fixed_loc = found._replace(marginals=found.marginals._replace(mixing_share=none))
    fixed_scale = found._replace(marginals=found.marginals._replace(log_scale_spread=none))
    neither = found._replace(marginals=fixed_loc.marginals._replace(log_scale_spread=none))
    collapsed = [_record(changed)["mixing_collapsed"] for changed in (found, fixed_loc, fixed_scale, neither)]
    assert collapsed == [False, False, False, True]


def test_padding_is_as_if_it_were_cut_off(sisrnn, observations):
    padded = observations.copy()
    padded[:, 3:] = math.nan
    mask = np.broadcast_to(np.arange(5) < 3, [4, 5])
    whole = diagnostics.diagnose(sisrnn, padded, mask, R)
    cut = diagnostics.diagnose(sisrnn, observations[:, :3], None, R)
    for name in ("kl", "mutual_information"):
        np.testing.assert_allclose(getattr(whole, name)[:3], getattr(cut, name), rtol=1e-5)
        assert np.isnan(getattr(whole, name)[3:]).all()
    received, expected = _record(whole), _record(cut)
    for values, other in zip(received["dimensions"], expected["dimensions"], strict=True):
        assert values == pytest.approx(other, rel=1e-5)
    assert received["kl_per_step"][3:] == received["mutual_information_per_step"][3:] == [None, None]
    json.dumps(received, allow_nan=False)


def test_a_sequence_does_not_depend_on_the_length_of_others(sisrnn, observations, mask):
    ragged = diagnostics.diagnose(sisrnn, observations, mask, R).marginals
    full = diagnostics.diagnose(sisrnn, observations, None, R).marginals
    for values, other in zip(ragged, full, strict=True):
        np.testing.assert_allclose(values[mask.T], other[mask.T], rtol=1e-5, atol=1e-12)
        assert np.isnan(values[~mask.T]).all()


def test_examples_are_the_most_non_gaussian_marginals(sisrnn, observations, mask):
    shortest_first = mask[[2, 1, 3, 0]]
    found = diagnostics.diagnose(sisrnn, observations, shortest_first, R)
    negentropy = found.marginals.negentropy
    places = [(example.step, example.sequence, example.dimension) for example in found.examples]
    received = [negentropy[place] for place in places]
    assert received == sorted(received, reverse=True)
    assert received[0] == np.nanmax(negentropy)
    for example, value in zip(found.examples, received, strict=True):
        assert gaussian_mixtures.shapes(example.loc, example.scale).negentropy == pytest.approx(value, rel=1e-9)
    assert len(set(place[1:] for place in places)) == len(places) == 6  # three of each dimension
    assert [place[2] for place in places].count(0) == 3


def test_results_follow_the_seed(sisrnn, observations):
    first, again, other = (diagnostics.diagnose(sisrnn, observations, None, R, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.kl, again.kl)
    assert (first.kl != other.kl).all()


def test_more_draws_extend_fewer(sisrnn, observations):
    mask = np.ones([4, 5], bool)
    few, many = (PosteriorWalk(sisrnn, observations, mask, count, random.as_seed(0)) for count in (2, 5))
    for part, more in zip(few.posterior(2), many.posterior(2), strict=True):
        np.testing.assert_allclose(more[:3], part, rtol=1e-6)


def test_a_summary_ends_with_the_verdict(sisrnn, observations):
    record = _record(diagnostics.diagnose(sisrnn, observations, None, R))
    assert diagnostics.describe(record).splitlines()[-1] == f"verdict: {record['verdict']}"


def test_an_rnn_has_no_posterior(make_model, observations):
    with pytest.raises(ValueError, match=r"`model` must .* no latent.*Received: model='RNN'"):
        diagnostics.diagnose(make_model("RNN"), observations)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("observations", np.zeros([4, 5, 2])),
        ("observations", np.zeros([4, 3])),
        ("mask", np.ones([4, 4], bool)),
        ("mask", np.ones([4, 5])),
        ("mask", np.zeros([4, 5], bool)),
        ("num_noise_draws", 0),
    ],
)
def test_bad_arguments_are_named(sisrnn, observations, name, value):
    with pytest.raises(ValueError, match=f"`{name}` must .*Received: {name}="):
        diagnostics.diagnose(sisrnn, **{"observations": observations, name: value})
