"""The deterministic RNN, whose likelihood is exact."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from sisrnn_tf import bounds, networks, random
from sisrnn_tf.losses import ExactLoss
from sisrnn_tf.models.stepwise import StepwiseModel
from sisrnn_tf.rnn import batch_to_time_major, cut_gradient
from sisrnn_tf.types import Batch, BoundTerms, StreamState
from sisrnn_tf.validation import require_int, require_memory


@keras.saving.register_keras_serializable("sisrnn_tf")
class RNN(StepwiseModel):
    """Deterministic recurrent network, whose likelihood is exact: p(x_t | x_{<t}) = phi_decoder(h_{t-1}).

    Args:
        emission: the likelihood of one step, an object of `sisrnn_tf.emissions`.
        hidden_size: H.
        seed: int, where the model's stream of noise starts; only generation draws from it.
        decoder_sizes: units of the decoder's hidden layers.
        activation: of the hidden layers; a Keras name or function.
        truncation: as of `SISRNN`.

    Call arguments and outputs: see `SequenceModel`; there is no latent, so Z = 0.
    """

    has_exact_state = True

    def __init__(
        self,
        emission,
        hidden_size: int = 64,
        seed: int = 0,
        decoder_sizes: Sequence[int] = (128, 128),
        activation="relu",
        truncation: int | None = None,
        **kwargs,
    ):
        super().__init__(emission, seed, **kwargs)
        self.hidden_size = require_int("hidden_size", hidden_size, 1)
        require_memory(3 * hidden_size**2, hidden_size=hidden_size)
        self.truncation = truncation if truncation is None else require_int("truncation", truncation, 1)
        self.stream = random.RandomStream(seed, name="stream")
        self.gru = keras.layers.GRU(hidden_size, return_sequences=True, dtype=self.dtype_policy, name="gru")
        self.gru.build((None, None, emission.event_size))
        self.decoder = networks.MLP(
            decoder_sizes, emission.parameter_size, activation, dtype=self.dtype_policy, name="decoder"
        )
        self.decoder.build((None, hidden_size))
        self.loss_layer = ExactLoss(name="loss_layer")
        self.built = True

    @property
    def density_dtype(self) -> tf.DType:
        """The dtype of densities and samples."""
        return networks.density_dtype(self.decoder)

    def _estimate(self, batch: Batch, num_importance: int, num_mixing: int, resampling, seed) -> tf.Tensor:
        return self._bound_function(batch.observations, batch.mask, 0, random.as_seed(0)).surrogate

    def _log_likelihood(self, batch: Batch):
        """Returns the mask and log p(x_t | x_{<t}), time-major `[T, B]`, and the outputs."""
        mask = None if batch.mask is None else batch_to_time_major(batch.mask)
        observations = tf.cast(batch.observations, self.density_dtype)
        if batch.mask is not None:  # padding may hold anything, NaN too
            observations = tf.where(batch.mask[..., tf.newaxis], observations, 0.0)
        hidden = self._unroll(observations)
        previous_hidden = tf.concat([tf.zeros_like(hidden[:, :1]), hidden[:, :-1]], axis=1)
        previous_hidden = cut_gradient(previous_hidden, tf.range(tf.shape(hidden)[1])[:, tf.newaxis], self.truncation)
        parameters = self.decoder(previous_hidden)
        log_likelihood = self.likelihood.distribution(parameters).log_prob(observations)  # [B, T]
        outputs = {"emission_parameters": parameters, "latent": hidden[..., :0], "hidden": hidden}
        return mask, batch_to_time_major(log_likelihood), outputs

    def _unroll(self, observations: tf.Tensor) -> tf.Tensor:
        """Returns h_t for all steps, `[B, T, H]`, whose gradient stops between segments of `truncation` steps."""
        if self.truncation is None:
            return self.gru(observations)
        batch_size, num_steps = (observations.shape[axis] or tf.shape(observations)[axis] for axis in (0, 1))
        length = (min if isinstance(num_steps, int) else tf.minimum)(num_steps, self.truncation)
        count = -(-num_steps // length)
        segments = tf.pad(observations, [[0, 0], [0, count * length - num_steps], [0, 0]])
        segments = tf.reshape(segments, [batch_size, count, length, observations.shape[2]])

        def step(index, hidden, states):
            segment = self.gru(segments[:, index], initial_state=tf.stop_gradient(hidden))  # [B, length, H]
            return index + 1, segment[:, -1], states.write(index, batch_to_time_major(segment))

        start = self._initial_hidden(batch_size), tf.TensorArray(self.compute_dtype, count)
        *_, states = tf.while_loop(
            lambda index, *_: index < count, step, (tf.constant(0), *start), maximum_iterations=count
        )
        return batch_to_time_major(states.concat())[:, :num_steps]

    def _infer(self, batch: Batch, seed: tf.Tensor, training: bool):
        mask, log_likelihood, outputs = self._log_likelihood(batch)
        return outputs, lambda: self.loss_layer(log_likelihood, time_mask=mask, weight=batch.weight)

    def _bound_terms(self, batch: Batch, seed: tf.Tensor, num_mixing: int) -> BoundTerms:
        mask, log_likelihood, _ = self._log_likelihood(batch)
        total = bounds.sum_over_time(log_likelihood, mask)
        nothing = tf.zeros_like(total)
        return BoundTerms(total, total, nothing, total, nothing)

    def _score(self, batch: Batch, num_importance, num_mixing, seed: tf.Tensor, first_row) -> tf.Tensor:
        return self._bound_terms(batch, seed, 0).surrogate

    def _advance(self, observation: tf.Tensor, state: StreamState, num_mixing, seed: tf.Tensor, first_row):
        log_weight = self.likelihood.distribution(self._predict(state, seed)).log_prob(observation)
        hidden = tf.cast(state.hidden[:, 0], self.compute_dtype)
        hidden = self._transition(observation, hidden)
        return log_weight, StreamState(tf.cast(hidden, self.density_dtype)[:, tf.newaxis], state.log_weights)

    def _predict(self, state: StreamState, seed: tf.Tensor) -> tf.Tensor:
        return self.decoder(tf.cast(state.hidden[:, 0], self.compute_dtype))

    def _generate_step(self, hidden: tf.Tensor, temperature: tf.Tensor, seed: tf.Tensor):
        observation = self.likelihood.sample(self.decoder(hidden), seed, temperature)
        return observation, self._transition(observation, hidden)

    def _propose(self, observation: tf.Tensor, observed: tf.Tensor | None, hidden: tf.Tensor, num_mixing, seed):
        parameters = self.decoder(hidden)
        if observed is None:
            log_weight = self.likelihood.distribution(parameters).log_prob(observation)
            return observation, self._transition(observation, hidden), log_weight
        value = self.likelihood.sample_missing(parameters, observation, observed, seed)
        log_weight = self.likelihood.log_prob_observed(parameters, observation, observed)
        return value, self._transition(value, hidden), log_weight

    def _transition(self, observation: tf.Tensor, hidden: tf.Tensor) -> tf.Tensor:
        return self.gru.cell(tf.cast(observation, self.compute_dtype), hidden)[0]

    def get_config(self):
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "hidden_size": self.hidden_size,
            "decoder_sizes": self.decoder.hidden_sizes,
            "truncation": self.truncation,
            "activation": keras.activations.serialize(self.decoder.activation),
        }
