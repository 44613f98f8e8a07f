"""Families of models and kinds of data: their tables hold the same names, and are true of what they name."""

import dataclasses

import pytest

from sisrnn_tf import factory
from sisrnn_tf.configuration import families
from sisrnn_tf.configuration.data_config import DataConfig
from sisrnn_tf.configuration.families import FAMILIES, PRESETS
from sisrnn_tf.configuration.model_config import EMISSIONS, ModelConfig
from sisrnn_tf.configuration.presets import from_options
from sisrnn_tf.configuration.training_config import TrainingConfig
from sisrnn_tf.data import kinds
from sisrnn_tf.data.kinds import IMAGES, KINDS, SERIES, STROKES, SUPPORTS, TEXT
from sisrnn_tf.data.registry import DATASETS, load
from sisrnn_tf.data.spec import DataSpec
from sisrnn_tf.data.vocabulary import Vocabulary
from sisrnn_tf.inference import traits
from sisrnn_tf.inference.objectives import OBJECTIVES
from sisrnn_tf.runs.pictures import PICTURES

VOCABULARY = Vocabulary(["a", "<eos>", "b", "<unk>", "c"])
TINY = {
    "latent_size": 2,
    "hidden_size": 3,
    "embedding_size": 4,
    "attention_heads": 1,
    "decoder_blocks": 1,
    "channels": 2,
}


def test_every_name_has_its_builder_and_every_field_is_one_of_the_configuration():
    assert set(factory.BUILDERS) == set(FAMILIES)
    assert set(factory.EMISSIONS) == set(SUPPORTS) and set(factory.REAL_EMISSIONS) == set(EMISSIONS)
    fields = {
        section: {field.name for field in dataclasses.fields(section)}
        for section in (DataConfig, ModelConfig, TrainingConfig)
    }
    scoring = {name for kind in KINDS.values() for name in kind.scoring_options}
    # Whatever a model takes but its name is asked for by a family or by a kind of data.
    assert families.options() | scoring == fields[ModelConfig] - {"model"}
    asked = {name for entry in DATASETS.values() for name in entry.options}
    assert asked == fields[DataConfig] - {"dataset", "max_eval_sequences"}
    sizes = [family.presets for family in FAMILIES.values()] + [entry.sizes for entry in DATASETS.values()]
    assert all(set(each) <= set(PRESETS) for each in sizes)
    assert all(set(family.presets) == set(PRESETS) for family in FAMILIES.values())
    for kind in KINDS.values():
        assert kind in FAMILIES[kind.default_model].kinds
        assert (kind.picture is None) == kind.has_words and kind.picture in (None, *PICTURES)
    assert {kind.picture for kind in KINDS.values()} - {None} == set(PICTURES)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_says_what_its_model_is(name):
    family = FAMILIES[name]
    support = family.kinds[0].supports[0].name
    size, shape = (len(VOCABULARY), None) if family.kinds[0].has_words else (3, (2, 3))
    spec = DataSpec("made", "by hand", support, size, 2, shape, (1, 1, 1))
    made = from_options("small", {"model": name} | TINY)
    model = factory.make_model(made.model, made.training, spec, VOCABULARY if shape is None else None)
    assert (model.is_exact, model.has_steps) == (family.is_exact, family.has_steps)
    assert model.observation_rank == spec.kind.observation_rank
    assert (model.cell.latent_size > 0) == family.has_latent
    assert model.mixes == family.mixes(vars(made.model))
    fits = {objective: family.fits(each) for objective, each in traits.OBJECTIVES.items()}
    assert fits == {"sivi": True, "iwae": True, "fivo": model.has_steps}
    if not family.is_exact:
        assert type(model.loss_layer.objective) is OBJECTIVES[made.training.objective]


def test_what_is_known_of_an_objective_is_true_of_it():
    assert set(traits.OBJECTIVES) == set(OBJECTIVES)
    for name, known in traits.OBJECTIVES.items():
        objective = OBJECTIVES[name]
        assert objective.__doc__.startswith(f"{known.description}.")
        for field in set(known._fields) - {"description"}:
            assert getattr(objective, field) == getattr(known, field), (name, field)


def test_a_model_of_another_kind_of_data_is_refused():
    spec = DataSpec("made", "by hand", "reals", 3, 2, None, (1, 1, 1))
    made = from_options("small", {"model": "vae_lstm"})
    with pytest.raises(ValueError, match=r"`model` must be one of sisrnn, .* for made\. Received: model='vae_lstm'"):
        factory.make_model(made.model, made.training, spec, VOCABULARY)


@pytest.mark.parametrize("name", ["digits", "pydoc", "glyphs"])
def test_a_data_set_is_of_the_kind_that_its_entry_names(name):
    dataset = load(name)
    assert dataset.kind is DATASETS[name].kind is DataSpec.of(dataset).kind
    assert DataSpec.of(dataset).y_up == (name == "glyphs")


def test_the_kind_of_data_follows_from_what_it_can_be():
    found = {(name, is_image): kinds.of(name, is_image) for name, is_image in [("bernoulli", True), ("tokens", False)]}
    assert found == {("bernoulli", True): IMAGES, ("tokens", False): TEXT}
    assert kinds.of("bernoulli", False) is kinds.of("reals", False) is SERIES and kinds.of("strokes", False) is STROKES
    for support, is_image in (("reals", True), ("counts", False)):
        with pytest.raises(ValueError, match=f"`emission` must be one of bernoulli, .*Received: emission='{support}'"):
            kinds.of(support, is_image)
    text = DataSpec("made", "by hand", "bernoulli", 3, 2, None, (1, 1, 1)).to_json()
    with pytest.raises(ValueError, match="specification of the data is damaged: `emission` must be one of"):
        DataSpec.from_json(text.replace("bernoulli", "counts"))
