"""The deterministic RNN that is trained beside a backward one, of Serdyuk et al. (2018)."""

import math
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from sisrnn_tf.core import networks
from sisrnn_tf.core.types import Activation, Batch
from sisrnn_tf.core.validation import require_between
from sisrnn_tf.emissions import Emission
from sisrnn_tf.inference import bounds
from sisrnn_tf.inference.auxiliary_loss import AuxiliaryLoss
from sisrnn_tf.inference.recurrence import batch_to_time_major
from sisrnn_tf.models.deterministic import RNN
from sisrnn_tf.models.exact import ExactPass


@keras.saving.register_keras_serializable("sisrnn_tf")
class TwinNet(RNN):
    """Twin network: an RNN whose states are drawn to those of one that runs backward (Serdyuk et al. 2018).

        loss = -log p(x) - log p_b(x) + twin_weight sum_t distance(g(h_{t-1}), b_{t+1}),    g affine

    h_{t-1} has read x_1..x_{t-1} and b_{t+1} x_T..x_{t+1}, with b_{T+1} = 0: the two states from which x_t is
    predicted. The penalty's gradient stops at b, which learns by its own likelihood p_b alone. The backward network is
    for training: likelihood, samples and forecasts are those of the `RNN`, and exact, and an export has none of it.

    The paper's distance is Euclidean; the code published for its sequential MNIST takes the mean square over units, the
    default here, and 0.5 or more as its weight. There each network is an LSTM of up to three layers whose output layer
    reads the last pixel's embedding too; here each is one GRU.

    Args:
        emission: the likelihood of one step, an object of `sisrnn_tf.emissions`.
        hidden_size: H, of either network.
        seed: int, where the model's stream of noise starts; only generation draws from it.
        decoder_sizes: units of the hidden layers of either network's decoder.
        activation: of the hidden layers; a Keras name or function.
        twin_weight: of the penalty; 0 makes no backward network, and an `RNN` of this. It changes by
            `model.twin_loss.coefficient = weight`.
        euclidean: whether the distance is the Euclidean one, in place of the mean square.
        **kwargs: `truncation`, `covariate_size` and others, as of `RNN`; missing values and covariates are the
            backward network's too.

    Call arguments and outputs: see `RNN`. Metrics beside its loss: `twin`, the distances' sum over steps, and
    `backward`, -log p_b(x), of which the validation's loss has none.
    """

    def __init__(
        self,
        emission: Emission,
        hidden_size: int = 64,
        seed: int = 0,
        decoder_sizes: Sequence[int] = (128, 128),
        activation: Activation = "relu",
        twin_weight: float = 0.5,
        euclidean: bool = False,
        **kwargs: Any,
    ):
        super().__init__(emission, hidden_size, seed, decoder_sizes, activation, **kwargs)
        self.twin_weight = require_between("twin_weight", twin_weight, 0, math.inf, "finite and at least 0")
        self.euclidean = euclidean
        if not twin_weight:
            return
        dtype: dict[str, Any] = {"dtype": self.dtype_policy}
        self.backward_gru = keras.layers.GRU(hidden_size, return_sequences=True, name="backward_gru", **dtype)
        self.backward_gru.build((None, None, emission.event_size + self.covariate_size))
        sizes = decoder_sizes, emission.parameter_size
        self.backward_decoder = networks.MLP(*sizes, activation, name="backward_decoder", **dtype)
        self.backward_decoder.build((None, hidden_size + self.covariate_size))
        self.affine = keras.layers.Dense(hidden_size, name="affine", **dtype)
        self.affine.build((None, hidden_size))
        self.backward_loss = AuxiliaryLoss(1.0, name="backward")
        self.twin_loss = AuxiliaryLoss(twin_weight, name="twin")

    def auxiliary_costs(self, passed: ExactPass, batch: Batch) -> list[tuple[AuxiliaryLoss, tf.Tensor]]:
        """See `SequenceModel`."""
        if not self.twin_weight:
            return []
        names = ("observations", "observed", "covariates")
        turned = batch._replace(**{name: reverse(getattr(batch, name), batch.mask) for name in names})
        log_likelihood, _, states = self._score_steps(self.backward_gru, self.backward_decoder, turned)
        backward = -bounds.sum_over_time(batch_to_time_major(log_likelihood), passed.mask)
        target = tf.stop_gradient(reverse(self._previous(states), batch.mask))
        guess = self.affine(self._previous(passed.outputs["hidden"]))
        guess, target = tf.cast(guess, self.density_dtype), tf.cast(target, self.density_dtype)
        twin = bounds.sum_over_time(batch_to_time_major(distance(guess, target, self.euclidean)), passed.mask)
        return [(self.backward_loss, backward), (self.twin_loss, twin)]

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "twin_weight": self.twin_weight, "euclidean": self.euclidean}


def reverse(values: tf.Tensor | None, mask: tf.Tensor | None) -> tf.Tensor | None:
    """Returns sequences with their real steps in reverse order, the padding still on the right; None of None.

    Args:
        values: `[B, T, ..]`.
        mask: bool `[B, T]`, right padding; None where every step is real.
    """
    if values is None:
        return None
    if mask is None:
        return tf.reverse(values, [1])
    return tf.reverse_sequence(values, tf.reduce_sum(tf.cast(mask, tf.int32), axis=1), seq_axis=1)


def distance(left: tf.Tensor, right: tf.Tensor, euclidean: bool) -> tf.Tensor:
    """Returns the distance between states, `[..]`: the mean square over units, or the Euclidean one.

    Args:
        left: `[.., H]`.
        right: `[.., H]`.
        euclidean: which.
    """
    squares = tf.square(left - right)
    if not euclidean:
        return tf.reduce_mean(squares, axis=-1)
    total = tf.reduce_sum(squares, axis=-1)
    apart = total > 0  # a root has no gradient at 0
    return tf.where(apart, tf.sqrt(tf.where(apart, total, 1.0)), 0.0)
