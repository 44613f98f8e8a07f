"""Trained models that come with the package: each has a card, gives what it is recorded to give, and is only read."""

import dataclasses
import json

import numpy as np
import pytest
import yaml

import sisrnn_tf
from sisrnn_tf import factory
from sisrnn_tf.analysis import likelihood_records, likelihoods
from sisrnn_tf.configuration.presets import from_options
from sisrnn_tf.data import pipeline
from sisrnn_tf.runs import presets, sharing, training
from sisrnn_tf.runs.outputs import Output
from sisrnn_tf.runs.workdir import Workdir

# log p(x), by particles, of sequences that a preset of data that is not at hand draws itself.
OWN_SCORES = {"kanji": (-104.1857, -99.3386), "larochelle-rows": (-45.2356, -38.0158)}


@pytest.fixture(scope="module")
def load():
    """Returns a function: the name of a preset -> its predictor."""
    loaded = {}

    def load(name):
        if name not in loaded:
            loaded[name] = sisrnn_tf.load(f"preset:{name}")
        return loaded[name]

    return load


def _front_matter(card):
    opening, text, rest = card.split("---\n", 2)
    assert opening == ""
    return yaml.safe_load(text), rest


def test_they_are_small_and_few():
    files = [path for name in presets.names() for path in presets.find(f"preset:{name}").iterdir()]
    assert presets.names() == ["digits", "glyphs", "kanji", "larochelle-rows"]
    assert sum(path.stat().st_size for path in files) < 5e6
    assert {path.suffix for path in files} == {".json", ".md", ".safetensors"}  # nothing that runs, no data


@pytest.mark.parametrize("name", presets.names())
def test_each_has_a_card_of_what_it_is(name):
    folder = Workdir(f"preset:{name}")
    matter, text = _front_matter(folder.card.read_text())
    records = json.loads(folder.evaluation.read_text())
    assert matter["library_name"] == "keras"
    (model,) = matter["model-index"]
    assert model["name"] == name
    (result,) = model["results"]
    assert [each["value"] for each in result["metrics"]] == [record["nll"] for record in records]
    assert {record["estimator"] for record in records} == {"L_K", "IWAE", "SMC"}
    assert "Trained at commit" in text and "licence" in text and f'sisrnn_tf.load("{name}")' in text
    assert "python -m launch.train" in text and "--num_importance=100" in text
    assert "/" not in str(folder.read_config().data.data_dir).split("data/")[0]  # no path of the machine it is from


@pytest.mark.parametrize("name", [name for name in presets.names() if name not in OWN_SCORES])
def test_a_recorded_likelihood_of_data_at_hand_is_had_again(load, name):
    run, folder = load(name), Workdir(f"preset:{name}")
    dataset = factory.make_data(run.config.data, run.config.training.seed)
    (record,) = (
        each
        for each in json.loads(folder.evaluation.read_text())
        if (each["split"], each["estimator"]) == ("test", "L_K")
    )
    estimate = likelihoods.Estimate(*(record[field] for field in likelihoods.Estimate._fields))
    batches = pipeline.evaluation_batches(dataset, "test", run.config.training.eval_batch_size)
    values = likelihoods.sequence_likelihoods(run.model, batches, estimate)
    again = likelihood_records.to_record(run.model, run.epoch, estimate, record["convention"], "float32", values)
    assert again["num_sequences"] == record["num_sequences"]
    np.testing.assert_allclose(again["nll"], record["nll"], rtol=1e-4)


@pytest.mark.parametrize("name", OWN_SCORES)
def test_a_recorded_score_of_sequences_of_its_own_is_had_again(load, name):
    run = load(name)
    drawn = run.generate(2, 12, seed=3)
    np.testing.assert_allclose(run.score(drawn, num_importance=8, num_mixing=2, seed=4), OWN_SCORES[name], rtol=1e-3)


def test_a_folder_that_is_handed_on_twice_is_the_same(load, tmp_path):
    source, run = Workdir("preset:digits"), training.load_best(Workdir("preset:digits"))
    copy = tmp_path / "digits"
    sharing.write(source, run, copy, "By hand.")
    for path in source.path.iterdir():
        if path != source.card:
            assert (copy / path.name).read_bytes() == path.read_bytes()
    assert "\nBy hand.\n" in (copy / "README.md").read_text()
    again = sisrnn_tf.load(copy)
    assert again.epoch == load("digits").epoch
    images = load("digits").generate(2, seed=1)
    np.testing.assert_array_equal(again.score(images), load("digits").score(images))
    with pytest.raises(ValueError, match=r"`output` must be no file that the run in .* needs"):
        Output("output", copy / "README.md")
    with pytest.raises(ValueError, match=r"holds a run that was handed on, .* start from its weights by --init_from="):
        Workdir(copy).check(run.config)
    with pytest.raises(ValueError, match="`export_dir` must be new"):
        sharing.write(source, run, copy)


def test_a_run_without_a_likelihood_is_not_handed_on(tmp_path):
    run = training.load_best(Workdir("preset:digits"))
    with pytest.raises(ValueError, match="`workdir` must be of a run that is evaluated at its best epoch, 99"):
        sharing.write(Workdir("preset:digits"), run._replace(epoch=99), tmp_path / "new")
    assert not list(tmp_path.iterdir())


def test_a_run_starts_with_the_weights_of_a_preset(load, tmp_path):
    config = from_options("small", {"init_from": "preset:digits", "seed": 5})
    trainer = training.Trainer.prepare(config, Workdir(tmp_path / "run"))
    known = load("digits").model.trainable_variables
    for variable, expected in zip(trainer.model.trainable_variables, known, strict=True):
        np.testing.assert_array_equal(variable.numpy(), expected.numpy())
    other = dataclasses.replace(config, model=dataclasses.replace(config.model, hidden_size=7))
    with pytest.raises(ValueError, match=r"(?s)`init_from` must be a run of the same model.*hidden_size: 32 != 7"):
        training.Trainer.prepare(other, Workdir(tmp_path / "other"))


def test_nothing_is_written_to_one(load, tmp_path):
    folder = Workdir("preset:digits")
    (tmp_path / "link").symlink_to(folder.path)
    for path in (folder.path / "generated" / "samples.npz", tmp_path / "link" / "x.npz", folder.weights):
        with pytest.raises(ValueError, match=r"presets, which come with the package|the run in .* needs"):
            Output("output_dir", path)
    with pytest.raises(ValueError, match="`workdir` must be given, outside of presets"):
        folder.check(load("digits").config)
    with pytest.raises(ValueError, match="`workdir` must be given, outside of presets"):
        folder.check_writable()


def test_an_unknown_one_is_named():
    with pytest.raises(ValueError, match=r"no preset 'digit'. Expected one of preset:digits.*Received: preset:digit"):
        sisrnn_tf.load("preset:digit")
