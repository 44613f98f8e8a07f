"""The deterministic RNN, whose likelihood is exact."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from sisrnn_tf.cells.deterministic import DeterministicCell
from sisrnn_tf.core import networks, random
from sisrnn_tf.core.arrays import size_of
from sisrnn_tf.core.types import Activation, Batch, BoundTerms
from sisrnn_tf.core.validation import require_int, require_memory
from sisrnn_tf.emissions import Emission
from sisrnn_tf.emissions.contract import try_emission
from sisrnn_tf.inference import bounds, step
from sisrnn_tf.inference.exact_loss import ExactLoss
from sisrnn_tf.inference.objective import Estimate, Objective
from sisrnn_tf.inference.recurrence import batch_to_time_major, cut_gradient
from sisrnn_tf.models.stepwise import StepwiseModel


class ExactPass(NamedTuple):
    """A pass whose likelihood is exact.

    Attributes:
        mask: bool, time-major `[T, B]`, True on real steps; None where every step is real.
        log_likelihood: log p(x_t | x_{<t}), time-major `[T, B]`.
        outputs: of the model's call.
    """

    mask: tf.Tensor | None
    log_likelihood: tf.Tensor
    outputs: dict[str, tf.Tensor]


@keras.saving.register_keras_serializable("sisrnn_tf")
class RNN(StepwiseModel):
    """Deterministic recurrent network, whose likelihood is exact: p(x_t | x_{<t}) = phi_decoder(h_{t-1}).

    Args:
        emission: the likelihood of one step, an object of `sisrnn_tf.emissions`.
        hidden_size: H.
        seed: int, where the model's stream of noise starts; only generation draws from it.
        decoder_sizes: units of the decoder's hidden layers.
        activation: of the hidden layers; a Keras name or function.
        truncation, covariate_size: as of `SISRNN`; with covariates the decoder reads [h_{t-1}, u_t].

    Call arguments and outputs: see `SequenceModel`; there is no latent, so Z = 0.
    """

    is_exact = True

    def __init__(
        self,
        emission: Emission,
        hidden_size: int = 64,
        seed: int = 0,
        decoder_sizes: Sequence[int] = (128, 128),
        activation: Activation = "relu",
        truncation: int | None = None,
        covariate_size: int = 0,
        **kwargs: Any,
    ):
        super().__init__(emission, seed, **kwargs)
        hidden_size = require_int("hidden_size", hidden_size, 1)
        self.covariate_size = require_int("covariate_size", covariate_size, 0)
        require_memory(3 * hidden_size**2, hidden_size=hidden_size)
        self.truncation = truncation if truncation is None else require_int("truncation", truncation, 1)
        self.stream = random.RandomStream(seed, name="stream")
        self.gru = keras.layers.GRU(hidden_size, return_sequences=True, dtype=self.dtype_policy, name="gru")
        self.gru.build((None, None, emission.event_size + covariate_size))
        self.decoder = networks.MLP(
            decoder_sizes, emission.parameter_size, activation, dtype=self.dtype_policy, name="decoder"
        )
        self.decoder.build((None, hidden_size + covariate_size))
        parts = (self.decoder, self._transition, self._initial_hidden, self.density_dtype)
        self.cell = DeterministicCell(emission, hidden_size, *parts)
        self.loss_layer = ExactLoss(name="loss_layer")
        with tf.init_scope():  # of a model made within a `tf.function` too
            try_emission(emission, self.density_dtype)
        self.built = True

    @property
    def hidden_size(self) -> int:
        """H."""
        return self.gru.units

    @property
    def density_dtype(self) -> tf.DType:
        """The dtype of densities and samples."""
        return networks.density_dtype(self.decoder)

    def make_pass(
        self, batch: Batch, seed: tf.Tensor, first_row: int | tf.Tensor = 0, training: bool = False
    ) -> ExactPass:
        """See `SequenceModel`; there is no noise."""
        mask = None if batch.mask is None else batch_to_time_major(batch.mask)
        log_likelihood, parameters, hidden = self._score_steps(self.gru, self.decoder, batch)
        outputs = {"emission_parameters": parameters, "latent": hidden[..., :0], "hidden": hidden}
        return ExactPass(mask, batch_to_time_major(log_likelihood), outputs)

    def _score_steps(
        self, gru: keras.layers.GRU, decoder: networks.MLP, batch: Batch
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Returns log p(x_t | x_{<t}), `[B, T]`, the emission's parameters, `[B, T, P]`, and h_t, `[B, T, H]`."""
        observations, covariates = self._without_padding(batch)
        hidden = self._unroll(gru, step.join(observations, covariates))
        parameters = decoder(step.join(self._previous(hidden), covariates))
        if batch.observed is None:
            return self.emission.log_prob(parameters, observations), parameters, hidden
        # The GRU has read 0 for what is missing.
        return self.emission.log_prob_observed(parameters, observations, batch.observed), parameters, hidden

    def _previous(self, hidden: tf.Tensor) -> tf.Tensor:
        """Returns h_{t-1}, `[B, T, H]`, as it goes into step t, of h_t."""
        previous = tf.concat([tf.zeros_like(hidden[:, :1]), hidden[:, :-1]], axis=1)
        return cut_gradient(previous, tf.range(tf.shape(hidden)[1])[:, tf.newaxis], self.truncation)

    def _without_padding(self, batch: Batch) -> tuple[tf.Tensor, tf.Tensor | None]:
        """Returns x, `[B, T, D]`, and u, `[B, T, U]` or None, in the dtype of densities, their padding zeros."""
        parts = [None if part is None else tf.cast(part, self.density_dtype) for part in (batch[0], batch.covariates)]
        if batch.mask is not None:  # padding may hold anything, NaN too
            real = batch.mask[..., tf.newaxis]
            parts = [None if part is None else tf.where(real, part, 0.0) for part in parts]
        return parts[0], parts[1]

    def _unroll(self, gru: keras.layers.GRU, observations: tf.Tensor) -> tf.Tensor:
        """Returns h_t for all steps, `[B, T, H]`, whose gradient stops between segments of `truncation` steps."""
        if self.truncation is None:
            return gru(observations)
        batch_size, num_steps = size_of(observations, 0), size_of(observations, 1)
        length = (min if isinstance(num_steps, int) else tf.minimum)(num_steps, self.truncation)
        count = -(-num_steps // length)
        segments = tf.pad(observations, [[0, 0], [0, count * length - num_steps], [0, 0]])
        segments = tf.reshape(segments, [batch_size, count, length, observations.shape[2]])

        def add(index, hidden, states):
            segment = gru(segments[:, index], initial_state=tf.stop_gradient(hidden))  # [B, length, H]
            return index + 1, segment[:, -1], states.write(index, batch_to_time_major(segment))

        start = *self.cell.get_initial_state(batch_size), tf.TensorArray(self.compute_dtype, count)
        *_, states = tf.while_loop(
            lambda index, *_: index < count, add, (tf.constant(0), *start), maximum_iterations=count
        )
        return batch_to_time_major(states.concat())[:, :num_steps]

    def outputs_of(self, passed: ExactPass) -> dict[str, tf.Tensor]:
        """See `SequenceModel`."""
        return passed.outputs

    def apply_loss(self, passed: ExactPass, weight: tf.Tensor | None, training: bool) -> None:
        """See `SequenceModel`."""
        self.loss_layer(passed.log_likelihood, time_mask=passed.mask, weight=weight)

    def estimate_pass(self, passed: ExactPass, objective: Objective) -> Estimate:
        """Returns the exact log-likelihood, whatever the objective."""
        total = bounds.sum_over_time(passed.log_likelihood, passed.mask)
        nothing = tf.zeros_like(total)
        return Estimate(total, BoundTerms(total, total, nothing, total, nothing))

    def _initial_hidden(self, batch_size: int | tf.Tensor) -> tf.Tensor:
        return tf.zeros([batch_size, self.hidden_size], self.compute_dtype)

    def _transition(self, observation: tf.Tensor, hidden: tf.Tensor) -> tf.Tensor:
        return self.gru.cell(tf.cast(observation, self.compute_dtype), hidden)[0]

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "hidden_size": self.hidden_size,
            "covariate_size": self.covariate_size,
            "decoder_sizes": self.decoder.hidden_sizes,
            "truncation": self.truncation,
            "activation": keras.activations.serialize(self.decoder.activation),
        }
