"""The memory that a run wants: the weights counted as Keras does, and absurd sizes refused by name."""

import pytest

from sisrnn_tf import factory
from sisrnn_tf.configuration import memory
from sisrnn_tf.configuration.presets import from_options
from sisrnn_tf.data.spec import DataSpec
from sisrnn_tf.data.vocabulary import Vocabulary
from sisrnn_tf.runs.training import Trainer
from sisrnn_tf.runs.workdir import Workdir

VOCABULARY = Vocabulary(["a", "<eos>", "b", "<unk>", "c"])
SIZES = {
    "latent_size": 2,
    "hidden_size": 3,
    "encoder_sizes": (4, 5),
    "noise_sizes": (6, 7),
    "prior_sizes": (8,),
    "decoder_sizes": (9, 10),
    "embedding_size": 12,
    "decoder_blocks": 2,
    "attention_heads": 3,
    "lstm_size": 11,
    "num_components": 4,
    "channels": 5,
    "blocks": 2,
    "block_layers": 3,
    "kernel_size": 3,
}
TEXT = ("sentence_sisrnn", "vae_lstm", "vae_transformer", "sa_vae")


def _spec(emission, size=3):
    return DataSpec("made", "by hand", emission, size, 7, None, (2, 1, 1))


@pytest.mark.parametrize(
    ("model", "emission"),
    [
        *(("sisrnn", "bernoulli"), ("vrnn", "strokes"), ("zforcing", "bernoulli"), ("rnn", "reals")),
        *(("twinnet", "reals"), ("wavenet", "strokes"), ("swavenet", "strokes"), ("stcn", "reals")),
        *(("stcn_dense", "bernoulli"), *((model, "tokens") for model in TEXT)),
    ],
)
def test_weights_are_counted_as_keras_counts_them(model, emission):
    is_text = emission == "tokens"
    config = from_options("small", {"model": model} | SIZES)
    spec, vocabulary = _spec(emission, len(VOCABULARY) if is_text else 3), VOCABULARY if is_text else None
    made = factory.make_model(config.model, config.training, spec, vocabulary)
    count = sum(int(weight.numpy().size) for weight in made.trainable_weights)
    wanted = memory.estimate(config, spec, factory.make_emission(config.model, spec))
    assert wanted.num_parameters == count and wanted.weight_bytes == 16 * count


@pytest.mark.parametrize(("model", "emission"), [("srnn", "bernoulli"), ("sa_vae", "tokens")])
def test_the_weights_of_noise_are_counted_where_nothing_is_hidden(model, emission):
    config = from_options("small", {"model": model} | SIZES | {"encoder_sizes": (), "mixing": "per_dimension"})
    spec, vocabulary = _spec(emission, len(VOCABULARY)), VOCABULARY if emission == "tokens" else None
    made = factory.make_model(config.model, config.training, spec, vocabulary)
    count = sum(int(weight.numpy().size) for weight in made.trainable_weights)
    assert memory.estimate(config, spec, factory.make_emission(config.model, spec)).num_parameters == count


def test_a_step_wants_its_batch_and_noise():
    sizes = {"batch_size": 50, "num_mixing": 10**6, "precision": "float64", "eval_num_mixing": 3}
    spec = _spec("bernoulli")
    config = from_options("small", SIZES | sizes | {"objective": "iwae", "num_importance": 4})
    wanted = memory.estimate(config, spec, factory.make_emission(config.model, spec))
    assert wanted.step_bytes == 8 * (7 * 50 * 4 * (13 + 2) + 10**6 * 13 + 7 * 50 * 3)
    assert wanted.largest_draw == 10**6 * 13


LARGEST = 2**31 - 1


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"hidden_size": LARGEST}, "hidden_size"),
        ({"hidden_size": 10**6}, "hidden_size"),
        ({"latent_size": LARGEST}, "latent_size"),
        ({"encoder_sizes": (8, LARGEST), "noise_sizes": (8, 8)}, "encoder_sizes"),
        ({"noise_sizes": (8, 8, LARGEST)}, "noise_sizes"),
        ({"num_mixing": LARGEST}, "num_mixing"),
        ({"eval_num_mixing": LARGEST}, "eval_num_mixing"),
        ({"eval_batch_size": LARGEST}, "eval_batch_size"),
        ({"objective": "fivo", "num_importance": LARGEST}, "num_importance"),
        ({"model": "vae_lstm", "lstm_size": LARGEST}, "lstm_size"),
        ({"model": "vae_transformer", "decoder_blocks": LARGEST}, "decoder_blocks"),
    ],
)
def test_absurd_sizes_are_refused_by_name_with_the_estimate(options, name):
    config = from_options("small", options)
    spec = _spec("tokens" if "model" in options else "bernoulli")
    part = factory.make_emission(config.model, spec)
    with pytest.raises(ValueError, match=rf"`{name}` must be smaller: .* GB, and there are [\d.]+ GB.*{name}="):
        memory.check(config, spec, part)
    for preset in ("small", "paper"):
        memory.check(from_options(preset, {"model": config.model.model}), spec, part)


def test_more_numbers_than_tensorflow_draws_at_once_are_refused(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 10**15)
    config, spec = from_options("small", {"num_mixing": 2**28, "noise_sizes": (3, 3, 2)}), _spec("bernoulli")
    with pytest.raises(ValueError, match="`num_mixing` must be smaller: of 2,147,483,648 numbers of noise"):
        memory.check(config, spec, factory.make_emission(config.model, spec))


def test_a_run_is_refused_before_it_begins(tmp_path):
    config = from_options("small", {"hidden_size": 10**6})
    with pytest.raises(ValueError, match="`hidden_size` must be smaller"):
        Trainer.prepare(config, Workdir(tmp_path / "run"))
    assert not (tmp_path / "run").exists()
