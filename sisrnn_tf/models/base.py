"""What all models share: the steps of Keras' training loop, a call, a configuration and an export."""

import abc
import logging
import os
from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from sisrnn_tf.cells.cell import PARTS
from sisrnn_tf.core import batches, inputs, random, strategies
from sisrnn_tf.core.keras_internals import build_optimizer, clear_losses, record_loss
from sisrnn_tf.core.types import Array, Batch, Inputs
from sisrnn_tf.core.validation import require, require_precision
from sisrnn_tf.emissions import Emission
from sisrnn_tf.emissions.contract import require_emission
from sisrnn_tf.inference.auxiliary_loss import AuxiliaryLoss
from sisrnn_tf.models.estimating import EstimatingModel

_LOGGER = logging.getLogger(__name__)
_FAR = (
    "Observations lie far outside what the model was trained on. It takes values that are normalized, %s; what "
    "`sisrnn_tf.load` returns for its run takes them in the data's units."
)
# Validation draws its noise from a stream of its own, so that training does not depend on how often it is validated.
_EVALUATION_SEED = 2**32


class SequenceModel(EstimatingModel):
    """A likelihood of sequences, trained by Keras' `fit` on a bound.

    What the model cannot score, a value outside the emission's support, a mask that is no right padding or a weight
    that is none, is a ValueError where it is known before work begins: in eager calls, of arrays whole and of a data
    set's first batch. Inside a graph (a `tf.function`, later batches of a data set, an export) the likelihood of such
    a sequence, alone, is NaN, and so is the loss of its batch; the loss's gradient is that of the others.

    A subclass gives what is abstract here, and in its constructor the `stream` and the `loss_layer`.

    Args:
        emission: the likelihood of one step, an object of `sisrnn_tf.emissions`.
        seed: int, where the model's stream of noise starts.

    Call arguments:
        inputs: observations `[B, T, D]`, or {"observations": `[B, T, D]`, "mask": bool `[B, T]` of right padding,
            "weight": `[B]`, "observed": bool `[B, T, D]`}, all but the first optional. A value that is not observed is
            left out of the likelihood, and read as 0; see `inference.step.log_densities`. Of a model with covariates
            there is "covariates": u, `[B, T, U]`, beside the observations.
        training: whether to add the loss, minus the bound in mean nats per sequence.

    Returns:
        {"emission_parameters": `[B, T, P]`, "latent": `[B, T, Z]`, "hidden": `[B, T, H]`}.

    Attributes:
        loss_layer: adds the loss, minus the objective.
        observation_rank: 3 of observations `[B, T, D]`, 2 of words `[B, T]`.
        units: what the values are that a run trained the model on, in words; values far from them are warned of, once.
            None where they may be anything.
    """

    units: str | None = None
    loss_layer: keras.layers.Layer
    observation_rank: int = 3
    is_exact: bool = False

    def __init__(self, emission: Emission, seed: int = 0, **kwargs: Any):
        super().__init__(autocast=False, **kwargs)  # observations are scored as they come
        require_precision(self)
        require_emission(emission)
        of_words = "`OneHotCategorical`, or a `SentenceSISRNN` for words, as `Categorical` has no features"
        require(emission.has_features == (self.observation_rank == 3), "emission", of_words, emission)
        self.emission = emission
        self.seed = random.require_seed(seed)
        self.evaluation_stream = random.RandomStream((seed + _EVALUATION_SEED) % 2**64, name="evaluation_stream")

    @abc.abstractmethod
    def outputs_of(self, passed: Any) -> dict[str, tf.Tensor]:
        """Returns what a call of the model does; see the class."""

    @abc.abstractmethod
    def apply_loss(self, passed: Any, weight: tf.Tensor | None, training: bool) -> None:
        """Calls the loss layer.

        Args:
            passed: the pass.
            weight: of the sequences, `[B]`; None where every sequence counts once.
            training: whether by the objective of training, or by the evaluation's bound.
        """

    def auxiliary_costs(self, passed: Any, batch: Batch) -> list[tuple[AuxiliaryLoss, tf.Tensor]]:
        """Returns the costs that training adds beside the objective, each `[B]`, with the layers that add them.

        Args:
            passed: the pass.
            batch: what it passes over.
        """
        return []

    def _apply_losses(self, passed: Any, batch: Batch, training: bool) -> None:
        """Calls the loss layer, and those of the auxiliary costs, which outside training are metrics alone."""
        costs = self.auxiliary_costs(passed, batch)
        if training and self.distribute_strategy.num_replicas_in_sync > 1:
            for layer in (self.loss_layer, *(layer for layer, _ in costs)):
                clear_losses(layer)
        self.apply_loss(passed, batch.weight, training)
        for layer, cost in costs:
            layer(cost, weight=batch.weight, training=training)

    @property
    def mixes(self) -> bool:
        """Whether the posterior is a mixture over noise, so that K makes a difference."""
        return self.cell.posterior_part.noise_size > 0

    def call(self, inputs: Inputs, training: bool | None = None) -> dict[str, tf.Tensor]:
        """Infers z and h for all steps; see the class."""
        batch = self.prepare(inputs)
        passed = self.make_pass(batch, self.stream.next_seed(), training=bool(training))
        if training:
            self._apply_losses(passed, batch, True)
        return batches.mark(self.outputs_of(passed), batch.weight)

    def train_step(self, data: Any) -> Mapping[str, tf.Tensor]:
        """Trains on a batch, without targets."""
        return self._to_logs(super().train_step((inputs.inputs_of(data),)))

    def test_step(self, data: Any) -> Mapping[str, tf.Tensor]:
        """Evaluates a batch under the evaluation's K and beta = 1."""
        batch = self.prepare(inputs.inputs_of(data))
        self._apply_losses(self.make_pass(batch, self.evaluation_stream.next_seed()), batch, False)
        rows = tf.shape(batch.observations)[0]
        weight = tf.ones([rows]) if batch.weight is None else tf.cast(batch.weight, tf.float32)
        record_loss(self, sum(self.loss_layer.losses), tf.reduce_sum(weight))
        return self._to_logs(self.get_metrics_result())

    def _to_logs(self, metrics: Mapping) -> Mapping:
        """Returns metrics in the shape in which Keras can average them over replicas."""
        if not strategies.in_several_processes(self.distribute_strategy):
            return metrics
        return {name: tf.reshape(value, [1]) for name, value in metrics.items()}

    def prepare(self, inputs: Inputs) -> Batch:
        """See `CheckedModel`; arguments of the class's call."""
        batch = batches.prepare(inputs, self.emission, self.density_dtype, self.covariate_size)
        if self.units is not None and tf.executing_eagerly() and batches.is_far(batch):
            _LOGGER.warning(_FAR, self.units)
            self.units = None  # said once
        return batch

    def make_train_function(self, force: bool = False) -> Any:
        """Makes the training step; were the optimizer's variables made within it, it would be traced twice."""
        build_optimizer(self)
        return super().make_train_function(force)

    def infer(
        self,
        observations: Array,
        mask: Array | None = None,
        seed: random.Seed | None = None,
        observed: Array | None = None,
        covariates: Array | None = None,
    ) -> dict[str, tf.Tensor]:
        """Returns what a call of the model does, with the noise of a seed; arguments as of `bound`."""
        batch = self._to_batch(observations, mask, observed, covariates)
        outputs = self._infer_function(*batch[:2], self._to_seed(seed), batch.observed, batch.covariates)
        return batches.mark(outputs, batch.weight)

    def export(
        self,
        filepath: str | os.PathLike[str],
        format: str = "tf_saved_model",
        verbose: bool | None = None,
        input_signature: None = None,
        **options: Any,
    ) -> None:
        """Writes a SavedModel with the signatures score, encode, reconstruct, generate and, of sequences, step.

        Args:
            filepath: of the folder to make.
            format, verbose, input_signature: of `keras.Model.export`, to be left as they are.
            **options: `num_mixing`, `num_importance`, `normalization`, `covariate_normalization`, `vocabulary`,
                `origin`, `max_generated` and `nan_is_missing`, as of `sisrnn_tf.export.export`.

        Raises:
            ValueError: one of Keras' arguments is given, or what `sisrnn_tf.export.export` raises.
        """
        require(format == "tf_saved_model", "format", "'tf_saved_model', the only one", format)
        require(not verbose, "verbose", "left out: the export's card says what it holds", verbose)
        expected = "left out: the signatures are the model's own"
        require(input_signature is None, "input_signature", expected, input_signature)
        from sisrnn_tf.export import export  # when it is called: a model needs nothing of it to be one

        export(self, filepath, **options)

    @tf.function(reduce_retracing=True, autograph=False)
    def _infer_function(self, observations, mask, seed, observed, covariates):
        return self.outputs_of(self.make_pass(Batch(observations, mask, None, observed, covariates), seed))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        emission = keras.saving.serialize_keras_object(self.emission)
        return {**super().get_config(), "emission": emission, "seed": self.seed}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> "SequenceModel":
        """Builds the model from its `get_config`."""
        require(
            "encoder" not in config, "config", "of this version: train the model again, older weights do not fit", cls
        )
        parts = ("emission", "objective", *PARTS)
        return cls(
            **{
                name: keras.saving.deserialize_keras_object(value, custom_objects) if name in parts else value
                for name, value in config.items()
            }
        )
