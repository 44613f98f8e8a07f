"""The card of an exported model: what it takes and gives, what it was trained on, how good it is."""

import inspect
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

import jinja2
import tensorflow as tf

from sisrnn_tf._version import __version__
from sisrnn_tf.export.requests import describe_shape
from sisrnn_tf.export.sentences import SentenceSignatures
from sisrnn_tf.export.sequences import SequenceSignatures
from sisrnn_tf.models.base import SequenceModel

Signatures: TypeAlias = SequenceSignatures | SentenceSignatures
_FILES = {
    "model.json": "the model as Keras describes it",
    "config.json": "the configuration of the run",
    "data.json": "what the model must know of its data",
    "normalization.json": "shift and scale of each feature: the model's units are (x - shift) / scale",
    "covariate_normalization.json": "shift and scale of each covariate, likewise; requests hold the user's units",
    "vocabulary.txt": "a word a line, in the order of their numbers",
}


class Origin(NamedTuple):
    """What a card says of a model's training.

    Attributes:
        config: of the run, JSON text.
        data: what the model must know of its data, JSON text.
        convention: of the data, and the sizes of its splits, in words.
        epoch: whose weights these are.
        metrics: a line a likelihood, each with its estimator, K, M, seed and convention.
        latent: how much it is used, in words; None where there is none, or nobody has looked.
    """

    config: str
    data: str
    convention: str
    epoch: int
    metrics: Sequence[str]
    latent: str | None = None


def render(
    title: str,
    model: SequenceModel,
    signatures: Signatures,
    functions: Mapping[str, tf.types.experimental.ConcreteFunction],
    origin: Origin | None,
    assets: Sequence[str],
) -> str:
    """Returns the card as Markdown text.

    Args:
        title: of the card.
        model: that was exported.
        signatures: a `SequenceSignatures` or `SentenceSignatures`.
        functions: signature -> its function.
        origin: an `Origin`; None where nothing is known.
        assets: names of the files beside the model.
    """
    normalization = signatures.normalization
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("sisrnn_tf.export"),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # Markdown
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("card.md").render(
        title=title,
        model=type(model).__name__,
        version=__version__,
        tensorflow_version=tf.__version__,
        normalization=normalization,
        log_volume=normalization.log_volume if normalization else 0.0,
        sizes=", ".join(f"{letter} = {size:,} {what}" for letter, size, what in signatures.sizes),
        names=list(functions),
        signatures=[_describe(signatures, name, function) for name, function in functions.items()],
        max_generated=signatures.max_generated,
        nan_is_missing=signatures.nan_is_missing,
        likelihood=signatures.likelihood,
        origin=origin,
        files=[(f"assets/{name}", _FILES[name]) for name in assets],
    )


def _describe(signatures, name: str, function) -> dict:
    inputs = [("in", spec.name, _shape(spec)) for spec in signatures.specs[name]]
    outputs = [("out", output, _shape(spec)) for output, spec in function.structured_outputs.items()]
    about = " ".join((inspect.getdoc(getattr(signatures, name)) or "").split())
    return {"name": name, "about": about, "rows": inputs + outputs}


def _shape(spec: tf.TensorSpec) -> str:
    return f"{spec.dtype.name} {describe_shape(spec)}"
