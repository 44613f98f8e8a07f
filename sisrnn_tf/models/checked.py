"""Keras' own methods, which check what they are given before work begins."""

import abc
import inspect
import os
from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf

from sisrnn_tf.core import batches, inputs
from sisrnn_tf.core.keras_internals import BuiltModel, is_checked
from sisrnn_tf.core.random import RandomStream
from sisrnn_tf.core.types import Batch, Inputs
from sisrnn_tf.core.validation import require
from sisrnn_tf.emissions import Emission


class CheckedModel(BuiltModel, abc.ABC):
    """A Keras model of inputs alone, without targets, that brings its loss.

    Attributes:
        emission: the likelihood of one step.
        covariate_size: U, of what is known of each step and not scored.
        evaluation_stream: of the noise of `evaluate`, which starts anew with each.
    """

    emission: Emission
    covariate_size: int = 0
    evaluation_stream: RandomStream

    @property
    @abc.abstractmethod
    def density_dtype(self) -> tf.DType:
        """The dtype of densities and samples."""

    @abc.abstractmethod
    def prepare(self, inputs: Inputs) -> Batch:
        """Returns a batch that can be scored.

        Raises:
            ValueError: it cannot be.
        """

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Compiles as `keras.Model.compile` does; the loss and its metrics are the model's own.

        Raises:
            ValueError: a loss or metrics are given.
        """
        arguments = _bind(super().compile, *args, **kwargs)
        for name in ("loss", "loss_weights", "metrics", "weighted_metrics"):
            received = arguments.get(name)
            expected = "left out: the model brings its loss, minus the bound, and its metrics"
            require(received is None or received == [], name, expected, received)
        super().compile(**arguments)

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles as when the model was saved; Keras leaves out models that have a `compile` of their own."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def save(self, filepath: str | os.PathLike[str], *args: Any, **kwargs: Any) -> None:
        """Saves as `keras.Model.save` does.

        Raises:
            ValueError: the file is to be HDF5, which has no place for all of the model's state.
        """
        is_hdf5 = str(filepath).endswith((".h5", ".hdf5"))
        require(not is_hdf5, "filepath", "the name of a .keras file: HDF5 could not be loaded again", str(filepath))
        super().save(filepath, *args, **kwargs)

    def fit(self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any) -> keras.callbacks.History:
        """Trains as `keras.Model.fit` does, after a check: of arrays whole, of a data set's first batch.

        Raises:
            ValueError: `y`, `sample_weight` or `class_weight` is given, or targets beside `validation_data`; or the
                data holds what the model cannot score, see `batches.check_batch`.
        """
        arguments = _bind(super().fit, x, y, *args, **kwargs)
        self._refuse_beside(arguments)
        held_out = arguments.get("validation_data")
        if held_out is not None:
            # Keras would take a list for inputs, targets and weights.
            held_out = inputs.inputs_of(held_out) if isinstance(held_out, tuple) else held_out
            arguments["validation_data"] = (self._checked(held_out),)
        return super().fit(**{**arguments, "x": self._checked(x)})

    def evaluate(self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Evaluates as `keras.Model.evaluate` does, with the same noise at every call and checked as by `fit`.

        The noise goes by batch, so within its spread the value depends on `batch_size`; that of a model's `estimate`,
        whose noise goes by sequence, does not.

        Raises:
            ValueError: `y` or `sample_weight` is given, or the data holds what the model cannot score.
        """
        arguments = _bind(super().evaluate, x, y, *args, **kwargs)
        self._refuse_beside(arguments)
        if not is_checked(kwargs):
            arguments["x"] = self._checked(x)
        self.evaluation_stream.restart()
        return super().evaluate(**arguments)

    def predict(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Predicts as `keras.Model.predict` does, the outputs of a call; checked as by `fit`.

        Raises:
            ValueError: the data holds what the model cannot score.
        """
        return super().predict(self._checked(x), *args, **kwargs)

    def train_on_batch(self, x: Any, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Trains as `keras.Model.train_on_batch` does; arguments and errors as of `fit`."""
        arguments = _bind(super().train_on_batch, x, y, *args, **kwargs)
        self._refuse_beside(arguments)
        return super().train_on_batch(**{**arguments, "x": self._checked(x)})

    def test_on_batch(self, x: Any, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Evaluates as `keras.Model.test_on_batch` does; arguments and errors as of `evaluate`."""
        arguments = _bind(super().test_on_batch, x, y, *args, **kwargs)
        self._refuse_beside(arguments)
        return super().test_on_batch(**{**arguments, "x": self._checked(x)})

    def predict_on_batch(self, x: Any) -> Any:
        """Predicts as `keras.Model.predict_on_batch` does; errors as of `predict`."""
        return super().predict_on_batch(self._checked(x))

    @staticmethod
    def _refuse_beside(arguments: Mapping) -> None:
        inputs.refuse_beside(**{name: arguments.get(name) for name in ("y", "sample_weight", "class_weight")})

    def _checked(self, x):
        of_model = (self.emission, self.density_dtype, self.covariate_size)
        return inputs.checked(x, lambda arrays: batches.check_arrays(arrays, *of_model), self.prepare)


def _bind(method: Callable, *args, **kwargs) -> dict:
    """Returns the arguments of a call of a method by their names, so that Keras' own order holds."""
    arguments = inspect.signature(method).bind(*args, **kwargs).arguments
    return arguments | arguments.pop("kwargs", {})
