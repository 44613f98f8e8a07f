"""SavedModels: what they answer without this package, by themselves and through a model server."""

import pickle
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.tools import saved_model_cli

import sisrnn_tf
from sisrnn_tf import export
from sisrnn_tf.data.normalization import Normalization
from sisrnn_tf.data.vocabulary import Vocabulary
from sisrnn_tf.export import warmup
from sisrnn_tf.export.sentences import SentenceSignatures
from tests.conftest import SIZES, build_model, tiny_encoder

K, M, D = 2, 3, 3
SEED = np.array([5, -7], np.int32)
NORMALIZATION = Normalization("by hand", (1.0, -2.0, 0.0), (0.5, 3.0, 1.0))
VOCABULARY = Vocabulary(["a", "<eos>", "b", "<unk>", "c", "d"])
SENTENCES = ["a b zorkmid", "", "d", " c \t c\u00a0b "]
ORIGIN = export.Origin("{}\n", "[]\n", "numbers by hand: 3 / 2 / 1 sequences", 4, ["test NLL <= 1.0 (L_K, K=2)"])


def _real_model():
    keras.utils.set_random_seed(1)
    encoder = tiny_encoder("semi_implicit")
    return sisrnn_tf.SISRNN(sisrnn_tf.emissions.Normal(D, scale_floor=0.1), encoder=encoder, **SIZES)


def _sentence_model():
    keras.utils.set_random_seed(1)
    decoder = sisrnn_tf.decoders.LSTMDecoder(6, 5)
    parts = {"decoder": decoder, "encoder": tiny_encoder("semi_implicit"), "end_id": 1, "unknown_id": 3}
    return sisrnn_tf.SentenceSISRNN(len(VOCABULARY), 2, 6, 4, **parts)


@pytest.fixture(scope="module")
def models():
    """Of real numbers in the user's units with particles; binary; exact; and of sentences."""
    return {"sisrnn": _real_model(), "vrnn": build_model("VRNN"), "rnn": build_model("RNN"), "text": _sentence_model()}


@pytest.fixture(scope="module")
def exports(models, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exports")
    models["sisrnn"].export(folder / "sisrnn" / "1", K, M, normalization=NORMALIZATION, origin=ORIGIN)
    models["vrnn"].export(folder / "vrnn" / "1", K)
    models["rnn"].export(folder / "rnn" / "1", K, M)
    models["text"].export(folder / "text" / "12", K, M, vocabulary=VOCABULARY)
    return folder


def _sequences(name, batch_size=4, num_steps=5):
    """Observations in the user's units, and right padding."""
    rng = np.random.default_rng(0)
    values = (
        rng.normal(size=(batch_size, num_steps, D)) * 4
        if name == "sisrnn"
        else rng.random([batch_size, num_steps, D]) < 0.5
    )
    return {
        "observations": values.astype(np.float32),
        "mask": np.arange(num_steps) < rng.integers(1, num_steps + 1, size=(batch_size, 1)),
        "seed": SEED,
    }


TEXT = {"sentences": np.array([text.encode() for text in SENTENCES], object), "seed": SEED}
MADE = {"batch": np.int32(3), "steps": np.int32(6), "seed": SEED}
STREAMS = ("sisrnn", "vrnn", "rnn")
REQUESTS = {
    **{(name, "score", size): _sequences(name, *size) for name in STREAMS for size in ((4, 5), (1, 1), (7, 9))},
    **{(name, signature): _sequences(name) for name in STREAMS for signature in ("encode", "reconstruct", "stream")},
    **{("text", signature): TEXT for signature in ("score", "encode", "reconstruct")},
    **{(name, "generate"): MADE for name in (*STREAMS, "text")},
}
ANSWER = """
import pathlib, pickle, sys

BLOCKED = ("keras", "tf_keras", "tensorflow_probability", "sisrnn_tf")
sys.modules |= dict.fromkeys(BLOCKED)  # so that their import raises
import tensorflow as tf

def answer(signatures, name, inputs):
    inputs = {key: tf.constant(value) for key, value in inputs.items()}
    return {key: value.numpy() for key, value in signatures[name](**inputs).items()}

def stream(signatures, inputs):
    observations, seed = inputs["observations"], inputs["seed"]
    specs = signatures["step"].structured_input_signature[1]
    state = {
        name: tf.zeros([len(observations), *specs[name].shape[1:]]) for name in ("hidden", "particle_log_weights")
    }
    weights = []
    for time in range(observations.shape[1]):
        step_seed = tf.random.experimental.stateless_fold_in(seed, time, "philox")
        outputs = answer(signatures, "step", {"observation": observations[:, time], "seed": step_seed, **state})
        state = {name: outputs[name] for name in state}
        weights.append(outputs["log_weight"] * inputs["mask"][:, time])
    return {"log_likelihood": sum(weights), "mean": outputs["mean"], "parameters": outputs["emission_parameters"]}

folder, requests = pathlib.Path(sys.argv[1]), pickle.load(sys.stdin.buffer)
paths = {path.parent.name: path for path in folder.glob("*/*")}
loaded = {name: tf.saved_model.load(str(path)).signatures for name, path in paths.items()}
answers = {}
for key, inputs in requests.items():
    signatures = loaded[key[0]]
    answers[key] = stream(signatures, inputs) if key[1] == "stream" else answer(signatures, key[1], inputs)
for name in BLOCKED:
    try:
        __import__(name)
    except ImportError:
        continue
    sys.exit(f"{name} can be imported")
pickle.dump(answers, sys.stdout.buffer)
"""


@pytest.fixture(scope="module")
def answers(exports):
    """What the SavedModels answer in a process that cannot import what made them."""
    command = [sys.executable, "-c", ANSWER, str(exports)]
    process = subprocess.run(command, input=pickle.dumps(REQUESTS), capture_output=True, timeout=240)
    assert process.returncode == 0, process.stderr.decode()
    return pickle.loads(process.stdout)


def _volume(name, mask):
    return mask.sum(axis=1) * NORMALIZATION.log_volume if name == "sisrnn" else 0.0


def _apply(name, values):
    return NORMALIZATION.apply(values) if name == "sisrnn" else values


def _invert(name, values):
    return NORMALIZATION.invert(values) if name == "sisrnn" else values


@pytest.mark.parametrize("key", [key for key in REQUESTS if key[1] == "score" and key[0] != "text"])
def test_score_is_the_models_in_the_users_units(models, answers, key):
    name, inputs = key[0], REQUESTS[key]
    num_importance = M if name == "sisrnn" else 1
    values = _apply(name, inputs["observations"])
    expected = models[name].score(values, inputs["mask"], num_importance, K, SEED) - _volume(name, inputs["mask"])
    np.testing.assert_allclose(answers[key]["log_likelihood"], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", STREAMS)
def test_the_steps_add_up_to_the_score(answers, name):
    received = answers[name, "stream"]["log_likelihood"]
    np.testing.assert_allclose(received, answers[name, "score", (4, 5)]["log_likelihood"], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", STREAMS)
def test_the_other_signatures_are_the_models_methods(models, answers, name):
    model, inputs = models[name], REQUESTS[name, "encode"]
    values = _apply(name, inputs["observations"])
    outputs = model.infer(values, inputs["mask"], SEED)
    for part in ("latent", "hidden"):
        np.testing.assert_allclose(answers[name, "encode"][part], outputs[part], rtol=1e-4, atol=1e-5)
    rebuilt = _invert(name, model.reconstruct(values, inputs["mask"], SEED).numpy())
    np.testing.assert_allclose(answers[name, "reconstruct"]["observations"], rebuilt, rtol=1e-4, atol=1e-5)
    made = _invert(name, model.generate(3, 6, SEED).numpy())
    np.testing.assert_allclose(answers[name, "generate"]["observations"], made, rtol=1e-4, atol=1e-5)
    step = answers[name, "stream"]
    mean = _invert(name, model.likelihood.mean(step["parameters"]).numpy())
    np.testing.assert_allclose(step["mean"], mean, rtol=1e-5, atol=1e-5)


def test_sentences_go_in_and_out_as_text(models, answers):
    model = models["text"]
    encoded = [VOCABULARY.encode(text) for text in SENTENCES]
    mask = np.arange(4) < np.array([[len(ids)] for ids in encoded])
    words = np.array([[*ids, *[VOCABULARY.end_id] * (4 - len(ids))] for ids in encoded])
    score = model.score(words, mask, M, K, SEED)
    np.testing.assert_allclose(answers["text", "score"]["log_likelihood"], score, rtol=1e-5)
    np.testing.assert_allclose(answers["text", "encode"]["latent"], model.encode(words, mask, SEED), rtol=1e-4)
    for signature, made in (
        ("generate", model.generate(3, 6, SEED)),
        ("reconstruct", model.reconstruct(words, mask, SEED)),
    ):
        lines = [VOCABULARY.decode(ids).encode() for ids in made.numpy().tolist()]
        assert answers["text", signature]["sentences"].tolist() == lines


def test_text_is_split_as_the_training_data_was(models):
    """At every character at which Python's `split` does, and no other."""
    characters = [chr(code) for code in range(1, 0x3100) if not 0xD800 <= code < 0xE000]
    signatures = SentenceSignatures(models["text"], K, M, VOCABULARY)
    words, mask = signatures._to_words(tf.constant([f"a{character}b" for character in characters]))
    received = [row[real].tolist() for row, real in zip(words.numpy(), mask.numpy(), strict=True)]
    assert received == [VOCABULARY.encode(f"a{character}b").tolist() for character in characters]


def _show(path, capsys):
    arguments = saved_model_cli.create_parser().parse_args(["show", "--dir", str(path), "--all"])
    arguments.func(arguments)
    return capsys.readouterr().out


@pytest.mark.parametrize(("name", "version"), [("sisrnn", "1"), ("text", "12")])
def test_the_command_line_and_the_card_list_all_signatures(exports, capsys, name, version):
    path = exports / name / version
    shown, card = _show(path, capsys), (path / "README.md").read_text()
    sentences = name == "text"
    names = ["score", "encode", "reconstruct", "generate", *([] if sentences else ["step"])]
    for signature in ("serving_default", *names):
        assert f"signature_def['{signature}']" in shown
    for signature in names:
        assert f"### {signature}\n" in card
    rows = (
        ("`sentences` | string [B]",)
        if sentences
        else (
            "`observations` | float32 [B, T, 3]",
            "`mask` | bool [B, T]",
            "`hidden` | float32 [B, 3, 4]",
            "`log_likelihood` | float32 [B]",
            "`emission_parameters` | float32 [B, 6]",
            "`seed` | int32 [2]",
        )
    )
    assert all(row in card for row in rows)
    shapes = ("(-1)",) if sentences else ("(-1, -1, 3)", "(-1, -1)", "(-1, 3, 4)", "(-1, 3)", "(-1, 6)", "(2)", "()")
    assert all(f"shape: {shape}\n" in shown for shape in shapes)
    assert f"K = {K}" in card and f"M = {M}" in card and "lower bound" in card


def test_the_card_says_where_the_model_is_from(exports):
    card = (exports / "sisrnn" / "1" / "README.md").read_text()
    assert ORIGIN.convention in card and f"- {ORIGIN.metrics[0]}" in card and "validation: 4" in card
    assert f"larger by {NORMALIZATION.log_volume:.6g} nats" in card
    assert "log p(x), exact" in (exports / "rnn" / "1" / "README.md").read_text()
    assets = sorted(path.name for path in (exports / "sisrnn" / "1" / "assets").iterdir())
    assert assets == ["config.json", "data.json", "model.json", "normalization.json"]
    assert (exports / "text" / "12" / "assets" / "vocabulary.txt").read_text() == VOCABULARY.to_text()


REFUSED = {
    "exists": ("vrnn", {"path": "vrnn/1"}, "`path` must be new"),
    "K": ("vrnn", {"num_mixing": -1}, "`num_mixing` must be an int of at least 0"),
    "M": ("vrnn", {"num_importance": 0}, "`num_importance` must be an int of at least 1"),
    "features": ("vrnn", {"normalization": Normalization("", (0.0,), (1.0,))}, "`normalization` must be of 3 features"),
    "words": ("vrnn", {"vocabulary": VOCABULARY}, "`vocabulary` must be None"),
    "no vocabulary": ("text", {}, "`vocabulary` must be that of the model"),
    "another": ("text", {"vocabulary": Vocabulary(["<eos>", "<unk>"])}, "`vocabulary` must be the model's"),
    "units": ("text", {"vocabulary": VOCABULARY, "normalization": NORMALIZATION}, "`normalization` must be None"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_exported_is_refused(models, exports, case):
    name, arguments, message = REFUSED[case]
    before = sorted(exports.rglob("*"))
    with pytest.raises(ValueError, match=message):
        models[name].export(
            exports / arguments.get("path", "new/1"), **{k: v for k, v in arguments.items() if k != "path"}
        )
    assert sorted(exports.rglob("*")) == before


def test_an_export_that_fails_leaves_nothing(models, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("the disk is full")

    monkeypatch.setattr(warmup, "write", fail)
    with pytest.raises(OSError, match="the disk is full"):
        models["rnn"].export(tmp_path / "rnn" / "1")
    assert list((tmp_path / "rnn").iterdir()) == []


def test_without_their_package_there_are_no_warm_up_requests(tmp_path, monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "tensorflow_serving.apis", None)
    warmup.write(tmp_path, "rnn", {})
    assert "pip install 'sisrnn-tf[serving]'" in caplog.text and not list(tmp_path.iterdir())
