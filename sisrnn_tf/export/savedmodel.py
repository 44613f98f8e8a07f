"""Writes a model as a SavedModel."""

import json
import os
import pathlib
import tempfile
from collections.abc import Mapping

import keras
import tensorflow as tf

from sisrnn_tf.configuration import memory
from sisrnn_tf.core.validation import require, require_int
from sisrnn_tf.data.normalization import Normalization
from sisrnn_tf.data.vocabulary import Vocabulary
from sisrnn_tf.export import card, warmup
from sisrnn_tf.export.sentences import SentenceSignatures
from sisrnn_tf.export.sequences import SequenceSignatures
from sisrnn_tf.models.base import SequenceModel

_MAX_GENERATED = {3: 2**16, 2: 2**12}  # by the rank of observations
_DEFAULT = "score"  # the signature that a request gets that names none


def export(
    model: SequenceModel,
    filepath: str | os.PathLike[str],
    num_mixing: int = 10,
    num_importance: int = 1,
    normalization: Normalization | None = None,
    vocabulary: Vocabulary | None = None,
    origin: card.Origin | None = None,
    max_generated: int | None = None,
    covariate_normalization: Normalization | None = None,
    nan_is_missing: bool = False,
) -> None:
    """Writes a model as a SavedModel that loads where neither Keras nor this package is; whole or not at all.

    Args:
        model: a model of this package.
        filepath: of the folder to make; TensorFlow Serving wants NAME/NUMBER.
        num_mixing: K of `score` and `step`.
        num_importance: M of them.
        normalization: of the model's observations; requests and answers are in the user's units.
        vocabulary: of a model of sentences; requests and answers are text.
        origin: what its card says of its training.
        max_generated: the largest B T, sequences times steps, that a request of `generate` may ask for: it is
            INVALID_ARGUMENT beyond. None for 65,536, of sentences 4,096: on two cores the costliest such request, one
            sequence of all the steps, takes the paper's sizes 5 s, and a transformer, of quadratic cost, 80 s.
        covariate_normalization: of the model's covariates; requests give them in the user's units.
        nan_is_missing: whether NaN stands for a missing value in requests, which is left out of the likelihood; else it
            is INVALID_ARGUMENT, as what else cannot be observed.

    Raises:
        ValueError: the path exists, a number is out of its range, the vocabulary is missing or not the model's, or
            values of sentences, or by the emission, cannot be missing.
    """
    path = pathlib.Path(filepath)
    known = normalization is None or isinstance(normalization, Normalization)
    require(known, "normalization", "a `sisrnn_tf.data.normalization.Normalization`", normalization)
    scales = (normalization, covariate_normalization)
    signatures = _signatures(model, num_mixing, num_importance, scales, vocabulary, max_generated, nan_is_missing)
    check_new("filepath", path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as temporary:
        folder, assets = pathlib.Path(temporary, "model"), pathlib.Path(temporary, "assets")
        module = tf.Module()
        module.table = getattr(signatures, "table", None)
        texts = _assets(model, scales, vocabulary, origin)
        module.assets = _write_assets(assets, texts)
        functions = {name: _to_function(signatures, name) for name in signatures.specs}
        # What is of training alone stays out.
        used = {id(variable) for function in functions.values() for variable in function.variables}
        module.weights = [each.value for each in model.variables if id(each.value) in used]
        tf.saved_model.save(module, str(folder), {"serving_default": functions[_DEFAULT], **functions})
        title = f"{path.absolute().parent.name}/{path.name}"
        text = card.render(title, model, signatures, functions, origin, list(texts))
        (folder / "README.md").write_text(text, encoding="utf-8")
        warmup.write(folder, path.absolute().parent.name, _named(signatures))
        os.rename(folder, path)


def check_new(name: str, path: pathlib.Path) -> None:
    """Checks that an export can be written to a path.

    Args:
        name: of the argument that holds it.
        path: of the folder.

    Raises:
        ValueError: there is something already.
    """
    require(not path.exists(), name, "new: an export is never changed. Choose the next number", str(path))


def _signatures(
    model: SequenceModel,
    num_mixing: int,
    num_importance: int,
    scales: tuple[Normalization | None, Normalization | None],
    vocabulary: Vocabulary | None,
    max_generated: int | None,
    nan_is_missing: bool,
) -> card.Signatures:
    num_mixing = require_int("num_mixing", num_mixing, 0)
    num_importance = require_int("num_importance", num_importance, 1)
    if max_generated is None:
        max_generated = _MAX_GENERATED[model.observation_rank]
    max_generated = require_int("max_generated", max_generated, 1)
    _check_draws(model, num_mixing, num_importance)
    normalization, of_covariates = scales
    size, given = model.covariate_size, None if of_covariates is None else len(of_covariates.shift)
    require(given in (None, size), "covariate_normalization", f"of {size} covariates, as the model's", given)
    if model.observation_rank == 3:
        require(vocabulary is None, "vocabulary", "None: the model is not of sentences", vocabulary)
        size, given = model.emission.event_size, None if normalization is None else len(normalization.shift)
        require(given in (None, size), "normalization", f"of {size} features, as the model's observations", given)
        sizes = (num_mixing, num_importance)
        return SequenceSignatures(model, *sizes, normalization, max_generated, of_covariates, nan_is_missing)
    require(not nan_is_missing, "nan_is_missing", "False: a sentence has no missing words", nan_is_missing)
    if vocabulary is None:
        raise ValueError("`vocabulary` must be that of the model: it reads and writes text. Received: vocabulary=None")
    require(normalization is None, "normalization", "None: words have no units", normalization)
    ids = (len(vocabulary), vocabulary.end_id, vocabulary.unknown_id)
    expected = (model.emission.parameter_size, model.end_id, model.unknown_id)
    require(ids == expected, "vocabulary", f"the model's, with (words, end, unknown) = {expected}", ids)
    return SentenceSignatures(model, num_mixing, num_importance, vocabulary, max_generated)


def _check_draws(model, num_mixing: int, num_importance: int) -> None:
    """Checks that one step of one sequence can be scored, whose particles and mixing draws a server holds."""
    noise_size = model.cell.posterior_part.noise_size
    most = memory.MAX_DRAW // max(1, noise_size)
    expected = f"at most {most}: of more draws of {noise_size} numbers of noise TensorFlow loses count"
    require(num_mixing <= most, "num_mixing", expected, num_mixing)
    numbers = num_importance * (noise_size + model.cell.latent_size + model.cell.hidden_size)
    memory.check_bytes("num_importance", num_importance, 4 * numbers, "one step of one sequence")


def _to_function(signatures, name: str):
    function = tf.function(getattr(signatures, name), input_signature=signatures.specs[name], autograph=False)
    return function.get_concrete_function()


def _named(signatures) -> dict[str, dict]:
    """Returns an example of each signature's request by the names of its arguments."""
    examples = signatures.examples()
    return {
        signature: {spec.name: value for spec, value in zip(specs, examples[signature], strict=True)}
        for signature, specs in signatures.specs.items()
    }


def _assets(model, scales, vocabulary, origin) -> dict[str, str]:
    """Returns file name -> text."""
    model_config = keras.saving.serialize_keras_object(model)
    texts = {"model.json": json.dumps(model_config, indent=2) + "\n"}
    if origin is not None:
        texts["config.json"], texts["data.json"] = origin.config, origin.data
    for name, normalization in zip(("normalization.json", "covariate_normalization.json"), scales, strict=True):
        if normalization is not None:
            values = {"shift": normalization.shift, "scale": normalization.scale, "name": normalization.name}
            texts[name] = json.dumps(values, indent=2) + "\n"
    if vocabulary is not None:
        texts["vocabulary.txt"] = vocabulary.to_text()
    return texts


def _write_assets(folder: pathlib.Path, texts: Mapping[str, str]) -> list[tf.saved_model.Asset]:
    folder.mkdir()
    assets = []
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
        assets.append(tf.saved_model.Asset(str(folder / name)))
    return assets
