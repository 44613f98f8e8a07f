"""Tiny models to export, and requests to their SavedModels."""

import keras
import numpy as np

import sisrnn_tf
from sisrnn_tf import export
from sisrnn_tf.data.normalization import Normalization
from sisrnn_tf.data.vocabulary import Vocabulary
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


def sentence_model():
    """Of text, with an LSTM."""
    keras.utils.set_random_seed(1)
    decoder = sisrnn_tf.decoders.LSTMDecoder(6, 5)
    parts = {"decoder": decoder, "encoder": tiny_encoder("semi_implicit"), "end_id": 1, "unknown_id": 3}
    return sisrnn_tf.SentenceSISRNN(len(VOCABULARY), 2, 6, 4, **parts)


def make_models():
    """Of real numbers in the user's units with particles; binary; exact; and of sentences."""
    return {"sisrnn": _real_model(), "vrnn": build_model("VRNN"), "rnn": build_model("RNN"), "text": sentence_model()}


def _sequences(name, batch_size=4, num_steps=5):
    """Observations in the user's units, and right padding."""
    rng = np.random.default_rng(0)
    shape = (batch_size, num_steps, D)
    values = rng.normal(size=shape) * 4 if name == "sisrnn" else rng.random(shape) < 0.5
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


def volume(name, mask):
    """What densities lose in the user's units."""
    return mask.sum(axis=1) * NORMALIZATION.log_volume if name == "sisrnn" else 0.0


def apply(name, values):
    """Values in the model's units."""
    return NORMALIZATION.apply(values) if name == "sisrnn" else values


def invert(name, values):
    """Values in the user's units."""
    return NORMALIZATION.invert(values) if name == "sisrnn" else values


def changed(name="sisrnn", **inputs):
    """A request of a sequence with other inputs; without those that are None."""
    request = {**REQUESTS[name, "encode"], **inputs}
    return {key: value for key, value in request.items() if value is not None}


X, MASK = (REQUESTS["sisrnn", "encode"][name] for name in ("observations", "mask"))
# Model, signature, inputs, and the status that they must get.
WRONG = {
    "features": ("sisrnn", "score", changed(observations=X[..., :2]), "INVALID_ARGUMENT"),
    "rank": ("sisrnn", "score", changed(observations=X[0]), "INVALID_ARGUMENT"),
    "mask's shape": ("sisrnn", "score", changed(mask=MASK[:2]), "INVALID_ARGUMENT"),
    "mask with a gap": ("sisrnn", "encode", changed(mask=np.arange(5) != np.full([4, 1], 1)), "INVALID_ARGUMENT"),
    "no sequences": (
        "sisrnn",
        "generate",
        {**REQUESTS["sisrnn", "generate"], "batch": np.int32(0)},
        "INVALID_ARGUMENT",
    ),
    "missing": ("sisrnn", "score", changed(mask=None), "INVALID_ARGUMENT"),
    "unknown input": ("sisrnn", "score", changed(mask=None, lengths=MASK[:, 0]), "INVALID_ARGUMENT"),
    "model": ("nothing", "score", changed(), "NOT_FOUND"),
}
