"""The printed commands: their flags exist and make the same run."""

import dataclasses
import json
import re
import shlex

import pytest
from absl import app
from absl.flags import FLAGS

from sisrnn_tf.configuration.config import ExperimentConfig
from sisrnn_tf.configuration.data_config import DataConfig
from sisrnn_tf.configuration.model_config import ModelConfig
from sisrnn_tf.configuration.presets import from_options
from sisrnn_tf.configuration.training_config import TrainingConfig
from sisrnn_tf.data.spec import DataSpec
from sisrnn_tf.reproduction import plans
from sisrnn_tf.runs import commands
from sisrnn_tf.runs.workdir import Workdir
from tests.launch import launcher

SPEC = DataSpec("digits", "digits, threshold, rows (T=8, D=8)", "bernoulli", 8, 8, (8, 8), (1297, 250, 250))
OTHER = ExperimentConfig(
    DataConfig("mnist", "a folder/it's $HOME", True, "grey", "pixels", 7),
    ModelConfig(
        latent_size=3,
        hidden_size=5,
        encoder_sizes=(7,),
        noise_sizes=(9,),
        noise_weight_scale=0.25,
        prior_sizes=(),
        decoder_sizes=(2, 3),
        activation="tanh",
        scale_floor=1e-5,
        posterior="smoothing",
        backward_size=6,
        prior_components=4,
    ),
    TrainingConfig(
        *(
            3,
            11,
            4,
            3e-4,
            0.5,
            "sivi",
            1,
            20,
            2,
            0,
            "linear",
            0.75,
            2,
            0.3,
            1,
            9,
            12,
            "mixed_bfloat16",
            True,
            True,
            1,
            6,
            1,
            5,
            "plateau",
            4,
            "another/run",
        )
    ),
)
OTHER_TEXT = ExperimentConfig(
    DataConfig("text", "a folder", False, "none", "rows", 7, "val", "some words.txt", 5, 6),
    dataclasses.replace(
        OTHER.model,
        model="sentence_sisrnn",
        posterior="filtering",
        backward_size=64,
        prior_components=1,
        prior_sizes=(64, 64),
        decoder_sizes=(128, 128),
        embedding_size=12,
        decoder_blocks=2,
        attention_heads=3,
        dropout=0.3,
        word_dropout=0.1,
    ),
    dataclasses.replace(OTHER.training, truncation=None),
)
LSTM = from_options("paper", {"dataset": "yahoo", "binarization": "none", "model": "vae_lstm", "lstm_size": 7})
NO_IMAGE = {"binarization": "none"}
REFINEMENT = {"refinement_steps": 3, "refinement_rate": 0.2, "refinement_momentum": 0.25, "refinement_clip": 4.0}
REFINED = from_options("paper", {"dataset": "pydoc", "model": "sa_vae"} | REFINEMENT | NO_IMAGE)
STROKES = {"data_dir": "kanji.npz", "num_components": 3, "emission_scale_floor": 0.01, "max_correlation": 0.0}
SERIES = [
    from_options("paper", {"dataset": "strokes", "allow_pickle": True} | STROKES | NO_IMAGE),
    from_options(
        "small", {"dataset": "iamondb", "binarization": "none", "splits": "official", "normalization": "vrnn"}
    ),
    from_options(
        "small", {"dataset": "glyphs", "normalization": "per_channel", "max_length": 9, "num_replicas": 2} | NO_IMAGE
    ),
    from_options("paper", {"dataset": "csv", "emission": "logistic_mixture", "model": "rnn"} | NO_IMAGE),
    from_options("small", {"dataset": "npz", "emission": "negative_binomial"} | NO_IMAGE),
    from_options(
        "small",
        {"dataset": "npz", "model": "wavenet", "channels": 3, "blocks": 4, "block_layers": 2, "kernel_size": 3}
        | NO_IMAGE,
    ),
    from_options("small", {"dataset": "csv", "window_length": 50, "covariates": ("day", "hour")} | NO_IMAGE),
]
SYSTEMS = [
    from_options("small", {"model": "zforcing", "auxiliary_weight": 0.1}),
    from_options("paper", {"model": "twinnet", "twin_weight": 0.25}),
]
CONFIGS = [
    *SERIES,
    *SYSTEMS,
    from_options("small", {}),
    from_options("paper", {}),
    from_options("small", {"dataset": "binarized_mnist", "binarization": "larochelle", "seed": 3}),
    from_options("paper", {"binarization": "dynamic", "model": "rnn", "epochs": 30, "decoder_sizes": (1, 2, 3)}),
    from_options("paper", {"objective": "fivo", "num_importance": 4, "kl_schedule": "constant"}),
    OTHER,
    OTHER_TEXT,
    LSTM,
    REFINED,
    from_options("small", {"dataset": "pydoc", "binarization": "none", "model": "vae_transformer", "epochs": 3}),
    *(
        row.config(seed, "DIR")
        for table in plans.TABLES
        for scale in plans.SCALES
        for row, seed in plans.make(table, scale).select()
    ),
]


def _parse(arguments):
    """Flags are defined once a process, so this is called in one of its own."""
    from flags import experiment

    FLAGS.unparse_flags()
    for name in FLAGS:
        FLAGS[name].unparse()
    assert FLAGS(arguments) == arguments[:1]
    return experiment.from_flags()


def print_configurations(lines):
    for arguments in lines:
        config = _parse(arguments)
        print(json.dumps([FLAGS.workdir, json.loads(config.to_json())]))


def print_refusals(lines):
    for arguments in lines:
        try:
            _parse(["train", *arguments])
            print("accepted")
        except app.UsageError as error:
            print(error)
            if "makes no use of" in str(error):  # its advice is to leave these flags out
                named = re.findall(r"--(\w+)", str(error).split("makes no use of")[1])
                _parse(["train", *(each for each in arguments if each[2:].split("=")[0] not in named)])


def words(command):
    """The words that a shell makes of a command, without those that start Python."""
    return shlex.split(command.replace("\\\n", " "))[2:]


def test_no_field_of_the_other_configuration_is_the_default():
    """Each field differs in a configuration of images, text, the LSTM, a refinement, real values, or another system."""
    configs = (OTHER, OTHER_TEXT, LSTM, REFINED, *SERIES, *SYSTEMS)
    for section in dataclasses.fields(ExperimentConfig):
        parts = (section.default, *(getattr(config, section.name) for config in configs))
        defaults, *others = map(dataclasses.asdict, parts)
        same = {name for name in defaults if all(other[name] == defaults[name] for other in others)}
        # The last two forbid a beta; of the two kinds of mixing each has noise of its own.
        given = {"mixing", "noise_per_dimension", "steps_per_execution", "objective", "num_importance"}
        assert same <= given


def test_the_training_command_makes_the_same_configuration():
    lines = [words(commands.train(Workdir("runs/a b"), config)) for config in CONFIGS]
    status, output = launcher.call(print_configurations, lines)
    assert status == 0, output
    received = [json.loads(line) for line in output.splitlines() if line.startswith("[")]  # warnings beside them
    assert received == [["runs/a b", json.loads(config.to_json())] for config in CONFIGS]


def test_the_training_command_names_what_differs_from_the_nearest_preset():
    config = from_options("small", {"dataset": "digits", "epochs": 7})
    expected = ["launch.train", "--workdir=run", "--preset=small", "--dataset=digits", "--binarization=threshold"]
    assert words(commands.train(Workdir("run"), config)) == [*expected, "--model=sisrnn", "--seed=0", "--epochs=7"]


def record(**fields):
    values = {"split": "test", "estimator": "IWAE", "num_mixing": 10, "num_importance": 20, "seed": 4}
    return values | {"num_sequences": 250} | fields


@pytest.mark.parametrize(
    ("fields", "flags"),
    [
        ({}, ["--estimator=iwae", "--split=test", "--num_mixing=10", "--num_importance=20", "--sampling_seed=4"]),
        (
            {"estimator": "SMC", "split": "validation", "num_sequences": 30, "seed": 0},
            [
                *("--estimator=smc", "--split=validation", "--num_mixing=10", "--num_importance=20"),
                *("--max_eval_sequences=30", "--sampling_seed=0"),
            ],
        ),
        (
            {"estimator": "L_K", "num_mixing": 100, "num_importance": 1, "seed": 0},
            ["--estimator=bound", "--split=test", "--num_mixing=100", "--sampling_seed=0"],
        ),
        ({"estimator": "L_K", "seed": 0, "num_importance": 1}, None),
        (
            {"estimator": "L_K", "seed": 0, "num_importance": 1, "num_sequences": 30},
            [
                *("--estimator=bound", "--split=test", "--num_mixing=10", "--max_eval_sequences=30"),
                "--sampling_seed=0",
            ],
        ),
    ],
)
def test_the_evaluation_command_makes_the_record_unless_training_does(fields, flags):
    command = commands.evaluate(Workdir("run"), from_options("small", {}), SPEC, record(**fields))
    assert (command and words(command)) == (flags and ["launch.evaluate", "--workdir=run", *flags])


@pytest.mark.parametrize(("model", "estimator"), [("vrnn", "L_K"), ("rnn", "exact")])
def test_training_makes_the_bound_at_no_mixing_of_models_without(model, estimator):
    config = from_options("small", {"model": model})
    made = record(estimator=estimator, num_mixing=0, num_importance=1, seed=0)
    assert commands.evaluate(Workdir("run"), config, SPEC, made) is None


REFUSED = {
    "--dataset=pydoc --model=vrnn": "`model` must be one of sentence_sisrnn",
    "--dataset=digits --model=vae_lstm": "`model` must be one of sisrnn",
    "--dataset=pydoc --layout=rows": "--dataset=pydoc makes no use of --layout",
    "--dataset=glyphs --data_dir=x": "--dataset=glyphs makes no use of --data_dir",
    "--dataset=digits --max_length=5": "--dataset=digits makes no use of --max_length: leave it out",
    "--model=rnn --latent_size=2 --noise_sizes=1,1": "makes no use of --latent_size, --noise_sizes: leave them out",
    "--dataset=pydoc --model=vae_lstm --attention_heads=2": "--model=vae_lstm makes no use of --attention_heads",
    "--dataset=pydoc --objective=fivo --num_importance=4": "a sentence has one latent",
    "--dataset=pydoc --word_dropout=1": "`word_dropout` must be in [0, 1)",
    "--dataset=csv --emission=negative_binomial --normalization=per_channel": "`normalization` must be none with",
    "--dataset=npz --emission=negative_binomial --num_components=2": "negative_binomial makes no use of",
    "--dataset=npz --emission=normal --num_components=2": "--emission=normal makes no use of --num_components",
    "--dataset=pydoc --vocabulary_size=2": "`vocabulary_size` must be",
}


def test_flags_that_would_do_nothing_or_do_not_fit_are_refused():
    status, output = launcher.call(print_refusals, [flags.split() for flags in REFUSED])
    assert status == 0, output
    for message, (flags, expected) in zip(output.splitlines(), REFUSED.items(), strict=True):
        assert expected in message, flags
