"""Tiny models to export, and requests to their SavedModels."""

import keras
import numpy as np

import sisrnn_tf
from sisrnn_tf import export
from sisrnn_tf.data.normalization import Normalization
from sisrnn_tf.data.vocabulary import Vocabulary
from tests.conftest import SIZES, build_model, tiny_posterior

K, M, D = 2, 3, 3
SEED = np.array([5, -7], np.int32)
NORMALIZATION = Normalization("by hand", (1.0, -2.0, 0.0), (0.5, 3.0, 1.0))
VOCABULARY = Vocabulary(["a", "<eos>", "b", "<unk>", "c", "d"])
SENTENCES = ["a b zorkmid", "", "d", " c \t c\u00a0b "]
ORIGIN = export.Origin("{}\n", "[]\n", "numbers by hand: 3 / 2 / 1 sequences", 4, ["test NLL <= 1.0 (L_K, K=2)"])


def _real_model():
    keras.utils.set_random_seed(1)
    posterior = tiny_posterior("semi_implicit")
    return sisrnn_tf.SISRNN(sisrnn_tf.emissions.Normal(D, scale_floor=0.1), posterior=posterior, **SIZES)


def sentence_model():
    """Of text, with an LSTM."""
    keras.utils.set_random_seed(1)
    decoder = sisrnn_tf.decoders.LSTMDecoder(6, 5)
    parts = {"decoder": decoder, "encoder": tiny_posterior("semi_implicit"), "end_id": 1, "unknown_id": 3}
    return sisrnn_tf.SentenceSISRNN(len(VOCABULARY), 2, 6, 4, **parts)


def refined_model():
    """Of text, whose posterior is refined."""
    keras.utils.set_random_seed(1)
    decoder = sisrnn_tf.decoders.LSTMDecoder(6, 5, use_cudnn=False)
    steps = {"refinement_steps": 2, "refinement_rate": 0.3}
    return sisrnn_tf.SAVAE(len(VOCABULARY), 2, 6, 4, decoder, end_id=1, unknown_id=3, **steps)


def make_models():
    """Of real numbers in the user's units with particles; binary; exact; and two of sentences."""
    return {
        "sisrnn": _real_model(),
        "vrnn": build_model("VRNN"),
        "rnn": build_model("RNN"),
        "text": sentence_model(),
        "refined": refined_model(),
    }


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
TEXTS = ("text", "refined")
REQUESTS = {
    **{(name, "score", size): _sequences(name, *size) for name in STREAMS for size in ((4, 5), (1, 1), (7, 9))},
    **{(name, signature): _sequences(name) for name in STREAMS for signature in ("encode", "reconstruct", "stream")},
    **{(name, signature): TEXT for name in TEXTS for signature in ("score", "encode", "reconstruct")},
    **{(name, "generate"): MADE for name in (*STREAMS, *TEXTS)},
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
BITS = REQUESTS["vrnn", "encode"]["observations"]
REAL = MASK[..., np.newaxis]


def streamed(name="sisrnn", **inputs):
    """A request of `step` with other inputs."""
    observations, size = REQUESTS[name, "encode"]["observations"], M if name == "sisrnn" else 1
    state = {"hidden": np.zeros([4, size, 4], np.float32), "particle_log_weights": np.zeros([4, size], np.float32)}
    return {"observation": observations[:, 0], "seed": SEED, **state, **inputs}


def lost(value, count):
    """Log-weights of which the last sequence's first are this value."""
    weights = np.zeros([4, M], np.float32)
    weights[-1, :count] = value
    return weights


_SEED = r"`seed` must have the shape \[2\]"
_SHAPE = r"`observations` must have the shape \[B, T, 3\], B and T at least 1"
_PADDING = "`mask` must be right padding, true from the first step"
# Model, signature, inputs, and the status and words that they must get.
WRONG = {
    "missing": ("sisrnn", "score", changed(mask=None), "INVALID_ARGUMENT", "mask"),
    "unknown input": ("sisrnn", "score", changed(mask=None, lengths=MASK[:, 0]), "INVALID_ARGUMENT", "mask"),
    "model": ("nothing", "score", changed(), "NOT_FOUND", "nothing"),
}
_WRONG_SEQUENCES = {
    "seed of 1": (changed(seed=SEED[:1]), _SEED),
    "seed of 3": (changed(seed=np.zeros(3, np.int32)), _SEED),
    "features": (changed(observations=X[..., :2]), _SHAPE),
    "rank": (changed(observations=X[0]), _SHAPE),
    "no steps": (changed(observations=X[:, :0], mask=MASK[:, :0]), _SHAPE),
    "no sequences": (changed(observations=X[:0], mask=MASK[:0]), _SHAPE),
    "mask's shape": (changed(mask=MASK[:2]), r"`mask` must have the shape \[B, T\] of `observations`"),
    "gap": (changed(mask=np.arange(5) != np.full([4, 1], 1)), _PADDING),
    "left padding": (changed(mask=~MASK[:, ::-1]), _PADDING),
    "no step": (changed(mask=MASK & (np.arange(4) != 2)[:, np.newaxis]), rf"{_PADDING}.*\[2\]"),
    "NaN": (changed(observations=np.where(REAL, np.nan, X).astype(np.float32)), "`observations` must be finite"),
    "infinity": (changed(observations=np.where(REAL, np.inf, X).astype(np.float32)), "`observations` must be finite"),
    "units": (changed(observations=np.full_like(X, 3e38)), "`observations` must be finite"),
    "negated bits": (changed("vrnn", observations=-BITS), r"`observations` must be 0 or 1 .*\[-1\]"),
    "halves": (changed("vrnn", observations=BITS / 2), r"`observations` must be 0 or 1 .*\[0.5\]"),
    "NaN in bits": (
        changed("vrnn", observations=np.where(BITS, np.nan, 0).astype("float32")),
        "`observations` must be",
    ),
}
_BITS = ("negated bits", "halves", "NaN in bits")
WRONG |= {
    f"{signature}: {case}": ("vrnn" if case in _BITS else "sisrnn", signature, inputs, "INVALID_ARGUMENT", message)
    for signature in ("score", "encode", "reconstruct")
    for case, (inputs, message) in _WRONG_SEQUENCES.items()
}
_WRONG_SIZES = {
    "batch": ({"batch": np.int32(0)}, "`batch` must be at least 1"),
    "steps": ({"steps": np.int32(-1)}, "`steps` must be at least 1"),
    "a row": ({"batch": np.int32([1])}, r"`batch` must have the shape \[\]"),
    "too long": ({"steps": np.int32(2**16 // 3 + 1)}, "`batch` times `steps` must be at most (4096|65536), "),
    "too many": (dict.fromkeys(("batch", "steps"), np.int32(2**16)), r"must be at most .*\[4294967296\]"),
    "seed": ({"seed": SEED[:1]}, _SEED),
}
WRONG |= {
    f"generate of {name}: {case}": (name, "generate", {**MADE, **inputs}, "INVALID_ARGUMENT", message)
    for name in ("sisrnn", "text")
    for case, (inputs, message) in _WRONG_SIZES.items()
}
WRONG |= {
    f"{signature} of text: {case}": ("text", signature, {**TEXT, **inputs}, "INVALID_ARGUMENT", message)
    for signature in ("score", "encode", "reconstruct")
    for case, inputs, message in (
        ("seed", {"seed": SEED[:1]}, _SEED),
        (
            "a mark within",
            {"sentences": np.array([b"a b", b"a </s> b"], object)},
            "`sentences` must be one sentence each",
        ),
        ("no sentences", {"sentences": np.array([], object)}, r"`sentences` must have the shape \[B\], B at least 1"),
    )
}
_WEIGHTS = "`particle_log_weights` must be numbers below infinity"
WRONG |= {
    f"step: {case}": ("vrnn" if "bits" in case else "sisrnn", "step", inputs, "INVALID_ARGUMENT", message)
    for case, inputs, message in (
        ("seed", streamed(seed=SEED[:1]), _SEED),
        ("observation", streamed(observation=X[:, 0, :2]), r"`observation` must have the shape \[B, 3\]"),
        ("NaN", streamed(observation=np.full([4, 3], np.nan, np.float32)), "`observation` must be finite"),
        ("bits", streamed("vrnn", observation=-BITS[:, 0]), "`observation` must be 0 or 1"),
        ("sequences", streamed(hidden=np.zeros([3, M, 4], np.float32)), "`hidden` must be of as many sequences"),
        (
            "particles",
            streamed(hidden=np.zeros([4, M + 1, 4], np.float32)),
            r"`hidden` must have the shape \[B, 3, 4\]",
        ),
        ("NaN hidden", streamed(hidden=np.full([4, M, 4], np.nan, np.float32)), "`hidden` must be finite"),
        ("NaN weights", streamed(particle_log_weights=lost(np.nan, 1)), rf"{_WEIGHTS}.*\[3\]"),
        ("infinite weights", streamed(particle_log_weights=lost(np.inf, 1)), _WEIGHTS),
        ("lost particles", streamed(particle_log_weights=lost(-np.inf, M)), _WEIGHTS),
    )
}
