"""The semi-implicit loss layer: an objective, added as a loss, and its bound's terms as metrics."""

import math
from typing import Any

import keras
import tensorflow as tf

from sisrnn_tf.core.types import BoundTerms
from sisrnn_tf.core.validation import require, require_between, require_draws
from sisrnn_tf.inference import bounds
from sisrnn_tf.inference.objective import Objective
from sisrnn_tf.inference.passes import Pass
from sisrnn_tf.inference.sivi import SIVI


def add_state(layer: keras.layers.Layer, name: str, value: float, dtype: str) -> keras.Variable:
    """Makes a scalar weight of a loss layer, which does not train: what sets it sets it on all replicas.

    Args:
        layer: the layer.
        name: of the weight.
        value: to start with.
        dtype: of the weight.
    """
    return layer.add_weight(
        name=name,
        shape=(),
        dtype=dtype,
        initializer=keras.initializers.Constant(value),
        trainable=False,
        aggregation="only_first_replica",
    )


@keras.saving.register_keras_serializable("sisrnn_tf")
class SIVILoss(keras.layers.Layer):
    """Adds minus an objective, mean nats per sequence, as a loss; of the bound L_K

        loss = -mean_b sum_t log p(x_t|.) + beta (log p(z_t|.) - log ghat_t)

    beta and K are weights: they change while training without a new trace, and checkpoints keep them. Outside
    training the loss is L_K at beta = 1 and at the K given for evaluation, whatever the objective, so that epochs and
    runs compare.

    Args:
        objective: what training maximizes; its K is the one to start with.
        kl_weight: beta; other than 1 only where the objective has such a bound.
        eval_num_mixing: K outside training.

    Call arguments:
        passed: a `Pass` of the model over the batch.
        weight: `[B]`; the mean over sequences is weighted by it.
        num_mixing: K in training where it has to be known in advance, as under XLA; None for the weight.

    Returns:
        The bound's terms, each `[B]`.
    """

    def __init__(
        self, objective: Objective | None = None, kl_weight: float = 1.0, eval_num_mixing: int = 10, **kwargs: Any
    ):
        # Densities keep their dtype; beta and the metrics are float32, and a mixed policy would round them when read.
        super().__init__(autocast=False, **{**kwargs, "dtype": "float32"})
        self.objective = SIVI() if objective is None else objective
        require(isinstance(self.objective, Objective), "objective", "such as SIVI(num_mixing=5)", objective)
        self.objective.require_trainable()
        self.initial_kl_weight = self._require_kl_weight(kl_weight)
        self.evaluation = SIVI(num_mixing=require_draws("eval_num_mixing", eval_num_mixing, 0))
        # int64: int32 variables live on the CPU and break XLA on GPU.
        self._num_mixing = add_state(self, "num_mixing", self.objective.num_mixing, "int64")
        self._kl_weight = add_state(self, "kl_weight", kl_weight, "float32")
        self._trackers = {
            name: keras.metrics.Mean(name=name) for name in (*BoundTerms._fields, "kl_weight", "num_mixing")
        }
        self.built = True

    @property
    def num_mixing(self) -> keras.Variable:
        """K, a weight; assign an int of at least 0."""
        return self._num_mixing

    @num_mixing.setter
    def num_mixing(self, value: int) -> None:
        self._num_mixing.assign(require_draws("num_mixing", value, 0))

    @property
    def kl_weight(self) -> keras.Variable:
        """beta, a weight; set it to a number of at least 0, to 1 alone where the objective does not weigh the KL."""
        return self._kl_weight

    @kl_weight.setter
    def kl_weight(self, value: float) -> None:
        self._kl_weight.assign(self._require_kl_weight(value))

    def _require_kl_weight(self, value: float) -> float:
        require_between("kl_weight", value, 0, math.inf, "finite and at least 0")
        name = type(self.objective).__name__
        expected = f"1 with the objective {name}, which weighs the KL by no other beta (`weighs_kl`)"
        require(self.objective.weighs_kl or value == 1, "kl_weight", expected, value)
        return value

    def call(
        self,
        passed: Pass,
        weight: tf.Tensor | None = None,
        num_mixing: int | tf.Tensor | None = None,
        training: bool = False,
    ) -> BoundTerms:
        """Adds the loss and updates the metrics; see the class."""
        if training:
            num_mixing = tf.cast(self._num_mixing, tf.int32) if num_mixing is None else num_mixing
            kl_weight = tf.convert_to_tensor(self._kl_weight if self.objective.weighs_kl else 1.0)
            objective = self.objective.with_sizes(num_mixing=num_mixing)
            value, terms = objective.training_value(passed, weight, kl_weight)
        else:
            num_mixing, kl_weight = self.evaluation.num_mixing, 1.0
            terms = self.evaluation.estimate(passed).terms
            value = bounds.weighted_mean(terms.surrogate, weight)
        self.add_loss(-value)
        for name, values in terms._asdict().items():
            self._trackers[name].update_state(values, sample_weight=weight)
        self._trackers["kl_weight"].update_state(kl_weight)
        self._trackers["num_mixing"].update_state(passed.used_mixing(num_mixing))
        return terms

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "objective": keras.saving.serialize_keras_object(self.objective),
            "kl_weight": self.initial_kl_weight,
            "eval_num_mixing": self.evaluation.num_mixing,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "SIVILoss":
        """Builds the layer from its `get_config`."""
        return cls(**{**config, "objective": keras.saving.deserialize_keras_object(config["objective"])})
