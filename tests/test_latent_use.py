"""Whether a latent is used: against the diagnostics, in the limit of a posterior that is its prior, and on file."""

import json

import numpy as np
import pytest
import tensorflow as tf

from sisrnn_tf.analysis import diagnostics, latent_use
from sisrnn_tf.runs import latents, pictures
from sisrnn_tf.runs.workdir import Workdir

R = 6


def unused(make_model, kind):
    """A model whose posterior is its prior, whatever it sees."""
    model = make_model(kind)
    for weight in [*model.cell.posterior_part.weights, *model.cell.prior_part.weights]:
        weight.assign(tf.zeros_like(weight))
    return model


@pytest.mark.parametrize("kind", ["SISRNN", "VRNN"])
def test_it_is_what_the_diagnostics_find(make_model, observations, mask, kind):
    model = make_model(kind)
    found = diagnostics.diagnose(model, observations, mask, R, seed=3)
    record = diagnostics.record(found, "name", "test", "convention", 3)
    use = latent_use.measure(model, observations, mask, R, seed=3)
    assert (use.latent_size, use.active_units) == (2, record["active_units"])
    assert use.kl_per_step == pytest.approx(record["kl_of_a_step"], rel=1e-5)
    assert use.active_units > 0 and not use.is_unused and not record["latent_unused"]
    assert use.describe() == f"2 of 2 latent units are active, the KL to the prior is {use.kl_per_step:.3f} nats a step"


@pytest.mark.parametrize("kind", ["SISRNN", "VRNN"])
def test_a_posterior_that_is_its_prior_is_said_to_be_unused(make_model, observations, mask, kind):
    model = unused(make_model, kind)
    use = latent_use.measure(model, observations, mask, R, seed=3)
    assert use.active_units == 0 and use.kl_per_step == pytest.approx(0, abs=1e-6)
    assert use.describe().endswith("0.000 nats a step: the latent is unused: its posterior is its prior")
    record = diagnostics.record(diagnostics.diagnose(model, observations, mask, R), "name", "test", "convention", 0)
    assert record["latent_unused"]
    assert record["verdict"] == "the latent is unused: its posterior is its prior"
    assert diagnostics.describe(record).splitlines()[-1] == f"verdict: {record['verdict']}"


@pytest.mark.parametrize(("active", "kl", "expected"), [(0, 0.01, True), (1, 0.01, False), (0, 1.0, False)])
def test_unused_is_without_an_active_unit_and_without_kl(active, kl, expected):
    assert latent_use.LatentUse(4, active, kl).is_unused == expected


def test_marginals_that_are_all_gaussian_are_a_sentence_and_no_picture(vrnn, sisrnn, observations, tmp_path):
    (tmp_path / "plots").mkdir()
    for model, gaussian in ((sisrnn, False), (vrnn, True)):
        found = diagnostics.diagnose(model, observations, None, 64)
        record = diagnostics.record(found, "name", "test", "convention", 0)
        assert record["largest_negentropy"] == pytest.approx(np.nanmax(found.marginals.negentropy))
        assert record["marginals_gaussian"] == diagnostics.are_gaussian(found) == gaussian
        assert ("all are Gaussian, negentropy" in diagnostics.describe(record)) == gaussian
        pictures.draw_diagnostics(found, Workdir(tmp_path))  # which removes that of an earlier model
        assert (tmp_path / "plots" / "marginals.png").exists() != gaussian


def test_what_was_found_is_read_and_a_damaged_file_named(tmp_path):
    workdir = Workdir(tmp_path)
    assert latents.read(workdir) is None
    workdir.latent.write_text(json.dumps({"latent_size": 4, "active_units": 0, "kl_per_step": 0.01}))
    assert latents.read(workdir) == latent_use.LatentUse(4, 0, 0.01)
    for text in ("{", "[]", '{"latent_size": 4}', '{"latent_size": 4, "active_units": 0, "kl_per_step": null}'):
        workdir.latent.write_text(text)
        with pytest.raises(ValueError, match=r"latent.json is damaged: .* Remove it"):
            latents.read(workdir)
