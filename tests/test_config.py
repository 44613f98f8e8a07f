"""The experiment configuration: round trips, presets, refusals."""

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sisrnn_tf.configuration import presets, training_use
from sisrnn_tf.configuration.config import ExperimentConfig, differences
from sisrnn_tf.configuration.data_config import DataConfig
from sisrnn_tf.configuration.families import FAMILIES, PRESETS
from sisrnn_tf.configuration.model_config import ModelConfig
from sisrnn_tf.configuration.presets import from_options
from sisrnn_tf.configuration.training_config import TrainingConfig

_SIZES = st.lists(st.integers(1, 512), min_size=1, max_size=4).map(tuple)

_CONFIGS = st.builds(
    ExperimentConfig,
    data=st.builds(DataConfig, dataset=st.text(), data_dir=st.none() | st.text(), download=st.booleans()),
    model=st.builds(
        lambda sizes, **fields: ModelConfig(encoder_sizes=sizes, noise_sizes=sizes, **fields),
        _SIZES,
        prior_sizes=_SIZES,
        scale_floor=st.floats(1e-9, 1.0),
    ),
    training=st.builds(
        TrainingConfig,
        learning_rate=st.floats(1e-9, 10.0),
        clip_norm=st.none() | st.floats(0.1, 10.0),
        seed=st.integers(0, 2**31 - 1),
        max_steps=st.none() | st.integers(1, 10**9),
    ),
)


@given(config=_CONFIGS)
def test_json_round_trip_is_exact(config):
    copy = ExperimentConfig.from_json(config.to_json())
    assert copy == config
    assert differences(copy, config) == []


def test_the_paper_preset_has_the_sizes_of_the_paper():
    config = from_options("paper", {})
    assert (config.model.hidden_size, config.model.prior_sizes) == (64, (64, 64))
    assert (config.model.encoder_sizes, config.model.noise_sizes) == ((128, 128, 128), (150, 100, 50))
    training = config.training
    assert (training.learning_rate, training.batch_size, training.epochs) == (1e-3, 128, 2000)
    assert (training.num_mixing_start, training.num_mixing, training.num_mixing_ramp_epochs) == (1, 100, 500)
    assert training.kl_schedule == "cyclical"


@pytest.mark.parametrize("preset", PRESETS)
def test_options_win_over_the_preset(preset):
    config = from_options(preset, {"hidden_size": 7, "dataset": "mnist", "seed": 3})
    assert (config.model.hidden_size, config.data.dataset, config.training.seed) == (7, "mnist", 3)
    rest = {name: value for name, value in FAMILIES["sisrnn"].presets[preset].items() if name != "hidden_size"}
    flat = {**dataclasses.asdict(config.model), **dataclasses.asdict(config.training)}
    assert {name: flat[name] for name in rest} == rest


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e39, 10**400])
def test_every_float_must_be_finite_in_float32(value):
    floats = [
        (section, field.name)
        for section in (DataConfig, ModelConfig, TrainingConfig)
        for field in dataclasses.fields(section)
        if field.type is float or "float" in str(field.type)
    ]
    assert len(floats) > 8
    for section, name in floats:
        with pytest.raises(ValueError, match=f"`{name}` must be finite.*Received: {name}="):
            section(**{name: value})


@pytest.mark.parametrize(
    ("section", "field", "value"),
    [
        (DataConfig, "binarization", "dithered"),
        (DataConfig, "layout", "columns"),
        (DataConfig, "max_eval_sequences", 0),
        (ModelConfig, "model", "gru"),
        (ModelConfig, "latent_size", 0),
        (ModelConfig, "prior_sizes", (64, 0)),
        (ModelConfig, "prior_sizes", (64, 2**31)),
        (ModelConfig, "noise_sizes", (1, 2)),
        (ModelConfig, "noise_weight_scale", -0.1),
        (ModelConfig, "scale_floor", 0.0),
        (ModelConfig, "auxiliary_weight", -0.1),
        (ModelConfig, "twin_weight", -0.1),
        (TrainingConfig, "epochs", 0),
        (TrainingConfig, "batch_size", -1),
        (TrainingConfig, "learning_rate", 0.0),
        (TrainingConfig, "learning_rate", float("nan")),
        (TrainingConfig, "clip_norm", 0.0),
        (TrainingConfig, "num_mixing", -1),
        (TrainingConfig, "kl_weight", -0.5),
        (TrainingConfig, "kl_weight", float("nan")),
        (TrainingConfig, "kl_weight", float("inf")),
        (TrainingConfig, "kl_schedule", "cosine"),
        (TrainingConfig, "kl_rising_fraction", 1.5),
        (TrainingConfig, "precision", "float16"),
        (TrainingConfig, "seed", -1),
        (TrainingConfig, "max_steps", 0),
        (TrainingConfig, "save_every_steps", 0),
        (TrainingConfig, "truncation", 0),
    ],
)
def test_a_value_out_of_range_is_named(section, field, value):
    with pytest.raises(ValueError, match=f"`{field}` must be .*Received: {field}="):
        section(**{field: value})


def test_an_auxiliary_cost_needs_a_backward_state():
    from_options("small", {"model": "zforcing", "posterior": "filtering", "auxiliary_weight": 0.0})
    with pytest.raises(ValueError, match="`auxiliary_weight` must be 0 with posterior=filtering"):
        from_options("small", {"model": "zforcing", "posterior": "filtering"})


def test_k_may_not_fall():
    with pytest.raises(ValueError, match=r"`num_mixing` must be .*num_mixing_start"):
        TrainingConfig(num_mixing=2, num_mixing_start=3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda fields: fields["model"].update(depth=3), "depth"),
        (lambda fields: fields.update(extra={}), "extra"),
        (lambda fields: fields["training"].update(epochs=0), "epochs"),
        (lambda fields: fields["training"].update(epochs="5"), "`epochs` must be of the type int"),
        (lambda fields: fields["training"].update(epochs=1.5), "`epochs` must be of the type int"),
        (lambda fields: fields["training"].update(epochs=True), "`epochs` must be of the type int"),
        (lambda fields: fields["data"].update(download=1), "`download` must be of the type bool"),
        (lambda fields: fields.update(training=3), "`training` must be a JSON object"),
    ],
)
def test_a_json_with_something_wrong_is_refused(change, message):
    fields = json.loads(ExperimentConfig().to_json())
    change(fields)
    with pytest.raises(ValueError, match=message):
        ExperimentConfig.from_json(json.dumps(fields))


def test_text_that_is_no_json_is_refused():
    with pytest.raises(ValueError, match="not valid JSON"):
        ExperimentConfig.from_json('{"data": ')
    with pytest.raises(ValueError, match="`configuration` must be a JSON object"):
        ExperimentConfig.from_json("[]")


def test_unknown_options_and_presets_are_refused():
    with pytest.raises(ValueError, match="depth"):
        from_options("paper", {"depth": 3})
    with pytest.raises(ValueError, match="`preset` must be one of"):
        from_options("huge", {})


def test_differences_are_named_with_both_values():
    first, second = ExperimentConfig(), from_options("paper", {"seed": 1, "latent_size": 4})
    assert differences(first, second) == ["latent_size: 16 != 4", "seed: 0 != 1"]


@pytest.mark.parametrize("objective", ["iwae", "fivo"])
def test_particle_objectives_want_particles_and_beta_1(objective):
    right = {"objective": objective, "num_importance": 3, "kl_schedule": "constant"}
    assert from_options("paper", right).training.num_importance == 3
    del right["kl_schedule"]  # is made constant
    assert from_options("paper", right).training.kl_schedule == "constant"
    for wrong, name in (
        ({"num_importance": 1}, "num_importance"),
        ({"kl_schedule": "cyclical"}, "kl_schedule"),
        ({"kl_weight": 0.5}, "kl_weight"),
        ({"model": "rnn"}, "objective"),
    ):
        with pytest.raises(ValueError, match=f"`{name}` must be"):
            from_options("paper", right | wrong)
    with pytest.raises(ValueError, match="`num_importance` must be at least 3"):
        from_options("paper", {"objective": "fivo", "num_importance": 2})
    with pytest.raises(ValueError, match="`num_importance` must be 1 with objective=sivi"):
        from_options("paper", {"num_importance": 2})


@pytest.mark.parametrize(
    ("model", "why"),
    [
        ("vae_lstm", "it has one stochastic step"),
        ("stcn", "gradients reach no further than its convolutions"),
        ("wavenet", "gradients reach no further than its convolutions"),
    ],
)
def test_models_without_a_recurrence_have_nothing_to_truncate(model, why):
    with pytest.raises(ValueError, match=f"`truncation` must be left out with model={model}: {why}"):
        from_options("small", {"model": model, "binarization": "none", "truncation": 5})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"jit_compile": True}, "`jit_compile` must be False with model=sa_vae"),
        ({"refinement_steps": -1}, "`refinement_steps` must be at least 0"),
        ({"refinement_rate": 0.0}, "`refinement_rate` must be positive"),
        ({"refinement_momentum": 1.0}, r"`refinement_momentum` must be in \[0, 1\)"),
        ({"mixing": "joint"}, r"`noise_sizes` must be as long as encoder_sizes=\(\)"),
    ],
)
def test_what_a_refinement_cannot_do_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        from_options("paper", {"model": "sa_vae", "dataset": "pydoc", "binarization": "none"} | options)


@pytest.mark.parametrize(
    ("dataset", "size", "preset", "options"),
    [
        ("csv", 20_000, "small", {"epochs": 400, "kl_schedule": "constant"}),
        ("csv", 500_000, "small", {"epochs": 160, "kl_schedule": "constant"}),
        ("npz", 4_000_000, "small", {"epochs": 20, "kl_schedule": "constant"}),
        ("csv", 16_000_000, "small", {"epochs": 5, "kl_schedule": "constant"}),
        ("csv", 17_000_000, "paper", {}),
        ("text", 600_000, "small", {"epochs": 15}),
        ("strokes", 20_000, "paper", {}),
    ],
)
def test_a_preset_follows_the_size_of_own_files_and_is_said(tmp_path, caplog, dataset, size, preset, options):
    with (tmp_path / "data").open("wb") as file:
        file.truncate(size)
    model = "sentence_sisrnn" if dataset == "text" else "sisrnn"
    with caplog.at_level("INFO"):
        assert presets.choose(dataset, str(tmp_path / "data"), model) == (preset, options)
    assert (f"Preset {preset}" in caplog.text) == (dataset != "strokes")
    assert presets.choose(dataset, str(tmp_path), model) == (preset, options)  # a folder of that file


def test_embedded_data_is_small_and_files_that_are_not_there_are_not():
    assert presets.choose("digits", None, "sisrnn") == ("small", {})
    assert presets.choose("csv", "/nonexistent", "sisrnn") == ("paper", {})


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            {"model": "wavenet"},
            {"num_mixing", "eval_num_mixing", "kl_weight", "kl_schedule", "objective", "truncation"},
        ),
        ({"model": "vrnn"}, {"num_mixing", "num_mixing_ramp_epochs"}),
        ({"model": "sisrnn", "mixing": "none", "kl_schedule": "linear"}, {"num_mixing", "kl_num_cycles"}),
        ({"model": "sisrnn", "kl_schedule": "constant"}, {"kl_num_cycles", "kl_rising_fraction"}),
    ],
)
def test_options_of_training_that_make_no_difference_are_known(options, expected):
    useless = training_use.useless(from_options("small", options))
    assert expected <= useless and not useless & {"epochs", "learning_rate", "seed", "batch_size"}
    assert ("num_mixing" in expected) == ("num_mixing" in useless)
