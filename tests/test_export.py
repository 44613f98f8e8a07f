"""SavedModels: what they answer without this package, by themselves and through a model server."""

import concurrent.futures
import inspect
import pathlib
import pickle
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from examples import serving_client
from sisrnn_tf.data.normalization import Normalization
from sisrnn_tf.data.vocabulary import Vocabulary
from sisrnn_tf.export import warmup
from sisrnn_tf.export.sentences import SentenceSignatures
from sisrnn_tf.export.sequences import SequenceSignatures
from sisrnn_tf.models.base import SequenceModel
from tests import exports as cases
from tests.exports import NORMALIZATION, ORIGIN, REQUESTS, SEED, SENTENCES, STREAMS, VOCABULARY, K, M

ROOT = pathlib.Path(__file__).parents[1]


@pytest.fixture(scope="module")
def models():
    return cases.make_models()


@pytest.fixture(scope="module")
def exports(models, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exports")
    models["sisrnn"].export(
        folder / "sisrnn" / "1", num_mixing=K, num_importance=M, normalization=NORMALIZATION, origin=ORIGIN
    )
    models["vrnn"].export(folder / "vrnn" / "1", num_mixing=K)
    models["rnn"].export(folder / "rnn" / "1", num_mixing=K, num_importance=M)
    models["text"].export(folder / "text" / "12", num_mixing=K, num_importance=M, vocabulary=VOCABULARY)
    models["refined"].export(folder / "refined" / "1", num_mixing=K, num_importance=M, vocabulary=VOCABULARY)
    return folder


@pytest.fixture(scope="module")
def answers(exports):
    """What the SavedModels answer in a process that cannot import what made them."""
    command = [sys.executable, str(ROOT / "tests" / "saved_model_process.py"), str(exports)]
    process = subprocess.run(command, input=pickle.dumps(REQUESTS), capture_output=True, timeout=240)
    assert process.returncode == 0, process.stderr.decode()
    return pickle.loads(process.stdout)


@pytest.mark.parametrize("key", [key for key in REQUESTS if key[1] == "score" and key[0] in STREAMS])
def test_score_is_the_models_in_the_users_units(models, answers, key):
    name, inputs = key[0], REQUESTS[key]
    num_importance = M if name == "sisrnn" else 1
    values = cases.apply(name, inputs["observations"])
    expected = models[name].score(values, inputs["mask"], num_importance, K, SEED) - cases.volume(name, inputs["mask"])
    np.testing.assert_allclose(answers[key]["log_likelihood"], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", STREAMS)
def test_the_steps_add_up_to_the_score(answers, name):
    received = answers[name, "stream"]["log_likelihood"]
    np.testing.assert_allclose(received, answers[name, "score", (4, 5)]["log_likelihood"], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", STREAMS)
def test_the_other_signatures_are_the_models_methods(models, answers, name):
    model, inputs = models[name], REQUESTS[name, "encode"]
    values = cases.apply(name, inputs["observations"])
    outputs = model.infer(values, inputs["mask"], SEED)
    for part in ("latent", "hidden"):
        np.testing.assert_allclose(answers[name, "encode"][part], outputs[part], rtol=1e-4, atol=1e-5)
    rebuilt = cases.invert(name, model.reconstruct(values, inputs["mask"], SEED).numpy())
    np.testing.assert_allclose(answers[name, "reconstruct"]["observations"], rebuilt, rtol=1e-4, atol=1e-5)
    made = cases.invert(name, model.generate(3, 6, SEED).numpy())
    np.testing.assert_allclose(answers[name, "generate"]["observations"], made, rtol=1e-4, atol=1e-5)
    step = answers[name, "stream"]
    mean = cases.invert(name, model.emission.mean(step["parameters"]).numpy())
    np.testing.assert_allclose(step["mean"], mean, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["sisrnn", "rnn"])
def test_nan_is_a_missing_value_where_the_export_says_so(models, name):
    scale = NORMALIZATION if name == "sisrnn" else None
    signatures = SequenceSignatures(models[name], K, M, scale, 1, nan_is_missing=True)
    request = REQUESTS[name, "encode"]
    x, mask = request["observations"].copy(), request["mask"]
    x[0, 0, 1] = x[1, :, 2] = x[2, 0] = np.nan
    observed, real = ~np.isnan(x), mask[..., np.newaxis]
    values = cases.apply(name, x)
    score = models[name].score(values, mask, signatures.num_importance, K, SEED, observed=observed)
    volume = (np.log(NORMALIZATION.scale) * (observed & real)).sum(axis=(1, 2)) if scale else 0.0
    found = signatures.score(x, mask, tf.constant(SEED))["log_likelihood"]
    np.testing.assert_allclose(found, score - volume, rtol=1e-5)
    rebuilt = models[name].reconstruct(values, mask, SEED, observed).numpy()
    made = signatures.reconstruct(x, mask, tf.constant(SEED))["observations"]
    np.testing.assert_allclose(made, cases.invert(name, rebuilt), rtol=1e-4, atol=1e-5)
    state = {part.name: np.zeros([4, *part.shape[1:]], np.float32) for part in signatures.specs["step"][1:3]}
    step = signatures.step(x[:, 0], *state.values(), serving_client.step_seed(SEED, 0))
    first = signatures.score(x[:, :1], mask[:, :1], tf.constant(SEED))["log_likelihood"]
    np.testing.assert_allclose(step["log_weight"], first, rtol=1e-4, atol=1e-5)
    assert name == "sisrnn" or step["log_weight"][2] == 0.0  # of nothing
    with pytest.raises(tf.errors.InvalidArgumentError, match="`observations` must be"):
        signatures.score(np.where(observed, np.inf, np.nan).astype(np.float32), mask, tf.constant(SEED))


@pytest.mark.parametrize("name", cases.TEXTS)
def test_sentences_go_in_and_out_as_text(models, answers, name):
    model = models[name]
    encoded = [VOCABULARY.encode(text) for text in SENTENCES]
    mask = np.arange(4) < np.array([[len(ids)] for ids in encoded])
    words = np.array([[*ids, *[VOCABULARY.end_id] * (4 - len(ids))] for ids in encoded])
    score = model.score(words, mask, M, K, SEED)
    np.testing.assert_allclose(answers[name, "score"]["log_likelihood"], score, rtol=1e-5)
    np.testing.assert_allclose(answers[name, "encode"]["latent"], model.encode(words, mask, SEED), rtol=1e-4)
    for signature, made in (
        ("generate", model.generate(3, 6, SEED)),
        ("reconstruct", model.reconstruct(words, mask, SEED)),
    ):
        lines = [VOCABULARY.decode(ids).encode() for ids in made.numpy().tolist()]
        assert answers[name, signature]["sentences"].tolist() == lines


def test_text_is_split_as_the_training_data_was(models):
    """At every character at which Python's `split` does, and no other."""
    characters = [chr(code) for code in range(1, 0x3100) if not 0xD800 <= code < 0xE000]
    signatures = SentenceSignatures(models["text"], K, M, VOCABULARY, 1)
    words, mask = signatures._to_words(tf.constant([f"a{character}b" for character in characters]))
    received = [row[real].tolist() for row, real in zip(words.numpy(), mask.numpy(), strict=True)]
    assert received == [VOCABULARY.encode(f"a{character}b").tolist() for character in characters]
    marked = ["<s> a b </s>", " a b <eos>\t", "<s>\n<bos> a b", "a b </s> <EOS>", "</s>", "", "a<s> b </s>x"]
    words, mask = signatures._to_words(tf.constant(marked))
    received = [row[real].tolist() for row, real in zip(words.numpy(), mask.numpy(), strict=True)]
    assert received == [VOCABULARY.encode(text).tolist() for text in marked]


NAMES = ("score", "encode", "reconstruct", "generate", "step")


def test_the_command_line_lists_all_signatures_with_their_shapes(exports):
    command = [sys.executable, "-m", "tensorflow.python.tools.saved_model_cli", "show", "--all"]
    shown = subprocess.run([*command, "--dir", str(exports / "sisrnn" / "1")], capture_output=True, text=True).stdout
    for signature in ("serving_default", *NAMES):
        assert f"signature_def['{signature}']" in shown
    for shape in ("(-1, -1, 3)", "(-1, -1)", "(-1, 3, 4)", "(-1, 3)", "(-1, 6)", "(-1)", "(2)", "()"):
        assert f"shape: {shape}\n" in shown


@pytest.mark.parametrize(
    ("path", "rows"),
    [
        ("sisrnn/1", ("`observations` | float32 [B, T, 3]", "`mask` | bool [B, T]", "`hidden` | float32 [B, 3, 4]")),
        (
            "sisrnn/1",
            ("`log_likelihood` | float32 [B]", "`emission_parameters` | float32 [B, 6]", "`seed` | int32 [2]"),
        ),
        ("text/12", ("`sentences` | string [B]", "`latent` | float32 [B, 2]", "`log_likelihood` | float32 [B]")),
    ],
)
def test_the_card_lists_all_signatures_with_their_shapes(exports, path, rows):
    card = (exports / path / "README.md").read_text()
    assert all(row in card for row in rows)
    assert all(f"### {name}\n" in card for name in NAMES[: 4 if "text" in path else 5])
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
    "format": ("vrnn", {"format": "onnx"}, "`format` must be 'tf_saved_model'"),
    "verbose": ("vrnn", {"verbose": True}, "`verbose` must be left out"),
    "signature": ("vrnn", {"input_signature": []}, "`input_signature` must be left out"),
    "exists": ("vrnn", {"filepath": pathlib.Path(__file__)}, "`filepath` must be new"),
    "K": ("vrnn", {"num_mixing": -1}, "`num_mixing` must be an int of at least 0"),
    "M": ("vrnn", {"num_importance": 0}, "`num_importance` must be an int of at least 1"),
    "size": ("vrnn", {"max_generated": 0}, "`max_generated` must be an int of at least 1"),
    "draws": ("sisrnn", {"num_mixing": 2**31 - 1}, "`num_mixing` must be at most"),
    "particles": ("vrnn", {"num_importance": 2**31 - 1}, "`num_importance` must be smaller: .* GB, and there are"),
    "features": ("vrnn", {"normalization": Normalization("", (0.0,), (1.0,))}, "`normalization` must be of 3 features"),
    "words": ("vrnn", {"vocabulary": VOCABULARY}, "`vocabulary` must be None"),
    "no vocabulary": ("text", {}, "`vocabulary` must be that of the model"),
    "another": ("text", {"vocabulary": Vocabulary(["<eos>", "<unk>"])}, "`vocabulary` must be the model's"),
    "units": ("text", {"vocabulary": VOCABULARY, "normalization": NORMALIZATION}, "`normalization` must be None"),
}


def test_export_can_be_called_as_that_of_keras():
    """A caller who knows `keras.Model` alone gives these, by position or by name."""
    theirs, ours = (list(inspect.signature(each.export).parameters.values()) for each in (keras.Model, SequenceModel))
    known = [each for each in theirs if each.kind is not each.VAR_KEYWORD]
    assert [(each.name, each.default) for each in ours[: len(known)]] == [(each.name, each.default) for each in known]


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_exported_is_refused(models, exports, case):
    name, arguments, message = REFUSED[case]
    before = sorted(exports.rglob("*"))
    with pytest.raises(ValueError, match=message):
        models[name].export(**({"filepath": exports / "new/1"} | arguments))
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


@pytest.fixture(scope="module")
def server(exports):
    """Ports of gRPC and REST of a process that serves the SavedModels."""
    command = [sys.executable, str(ROOT / "tests" / "serving_server.py"), str(exports)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    line = process.stdout.readline().split()
    if not line:
        pytest.fail(process.stderr.read())
    yield tuple(f"localhost:{port}" for port in line[1:])
    process.kill()
    process.communicate()


CLIENTS = (serving_client.GrpcClient, serving_client.RestClient)


@pytest.fixture(scope="module", params=[0, 1], ids=["grpc", "rest"])
def connect(request, server):
    """A function: name of a model -> client."""
    return lambda name: CLIENTS[request.param](server[request.param], name, 60.0)


SERVED = [key for key in REQUESTS if key[1] != "stream" and key[2:] in ((), ((7, 9),))]


def test_the_client_gets_what_the_savedmodel_answers(connect, answers):
    assert {key[1] for key in SERVED} == {"score", "encode", "reconstruct", "generate"}
    for key in SERVED:
        received = connect(key[0]).predict(key[1], **REQUESTS[key])
        assert set(received) == set(answers[key])
        for name, value in answers[key].items():
            assert received[name].dtype == value.dtype
            if value.dtype == object:
                assert received[name].tolist() == value.tolist()
            else:
                np.testing.assert_allclose(received[name], value, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["sisrnn", "text"])
def test_the_example_shows_every_signature(connect, name, capsys):
    serving_client.show(connect(name))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if "encode" not in line] == [
        "generate",
        "score",
        "reconstruct",
        *([] if name == "text" else ["step"]),
    ]


@pytest.mark.parametrize("case", cases.WRONG)
def test_wrong_requests_have_the_right_status(connect, case):
    name, signature, inputs, status, words = cases.WRONG[case]
    with pytest.raises(serving_client.ServingError, match=words) as error:
        connect(name).predict(signature, **inputs)
    assert error.value.status == status and status in str(error.value)


def test_what_is_right_is_answered_to_its_edges(server, answers):
    """NaN in the padding, a lost particle, and as many steps as may be generated."""
    client = serving_client.GrpcClient(server[0], "sisrnn", 60.0)
    padded = np.where(cases.REAL, cases.X, np.nan).astype(np.float32)
    received = client.predict("score", **cases.changed(observations=padded))["log_likelihood"]
    np.testing.assert_allclose(received, answers["sisrnn", "score", (4, 5)]["log_likelihood"], rtol=1e-5)
    step = client.predict("step", **cases.streamed(particle_log_weights=cases.lost(-np.inf, M - 1)))
    assert np.isfinite(step["log_weight"]).all()
    made = client.predict("generate", **{**cases.MADE, "batch": np.int32(2**13), "steps": np.int32(8)})
    assert made["observations"].shape == (2**13, 8, 3)


def test_what_only_grpc_can_get_wrong(server):
    """REST converts types, and calls an unknown signature INVALID_ARGUMENT, as TensorFlow Serving does."""
    grpc, rest = (make(address, "sisrnn") for make, address in zip(CLIENTS, server, strict=True))
    for client, signature, inputs, status in (
        (grpc, "score", cases.changed(observations=cases.X.astype(np.float64)), "INVALID_ARGUMENT"),
        (grpc, "score", cases.changed(seed=SEED.astype(np.int64)), "INVALID_ARGUMENT"),
        (grpc, "guess", cases.changed(), "FAILED_PRECONDITION"),
        (rest, "guess", cases.changed(), "INVALID_ARGUMENT"),
    ):
        with pytest.raises(serving_client.ServingError) as error:
            client.predict(signature, **inputs)
        assert error.value.status == status


def test_a_hundred_requests_at_once_get_each_its_own_answer(server):
    client = serving_client.GrpcClient(server[0], "sisrnn", timeout=120.0)

    def ask(number):
        return client.predict("score", **cases.changed(seed=np.array([0, number % 10], np.int32)))["log_likelihood"]

    alone = [ask(number) for number in range(10)]
    assert len({values.tobytes() for values in alone}) == 10
    with concurrent.futures.ThreadPoolExecutor(100) as pool:
        received = list(pool.map(ask, range(100)))
    for number, values in enumerate(received):
        np.testing.assert_allclose(values, alone[number % 10], rtol=1e-5)


def test_without_a_server_or_in_too_little_time_the_error_says_so(server):
    for make, address in zip(CLIENTS, server, strict=True):
        with pytest.raises(serving_client.ServingError, match="UNAVAILABLE"):
            make("localhost:1", "sisrnn", 5.0).predict("score", **cases.changed())
        with pytest.raises(serving_client.ServingError, match="DEADLINE_EXCEEDED"):
            make(address, "sisrnn", 1e-4).predict("score", **cases.changed())


def test_rest_is_what_is_left_without_grpc(server, monkeypatch):
    assert isinstance(serving_client.connect("sisrnn", *server), serving_client.GrpcClient)
    assert isinstance(serving_client.connect("sisrnn", "localhost:1", server[1], 0.1), serving_client.RestClient)
    monkeypatch.setitem(sys.modules, "tensorflow_serving.apis", None)
    assert isinstance(serving_client.connect("sisrnn", *server), serving_client.RestClient)


def test_the_warm_up_requests_are_answered(exports, server):
    path = exports / "sisrnn" / "1" / warmup.FILE
    logs = [
        prediction_log_pb2.PredictionLog.FromString(record.numpy()) for record in tf.data.TFRecordDataset(str(path))
    ]
    requests = [log.predict_log.request for log in logs]
    assert [request.model_spec.signature_name for request in requests] == list(NAMES)
    client = serving_client.GrpcClient(server[0], "sisrnn", 60.0)
    for request in requests:
        inputs = {name: tf.make_ndarray(value) for name, value in request.inputs.items()}
        assert client.predict(request.model_spec.signature_name, **inputs)
