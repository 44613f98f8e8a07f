"""Models without a latent, whose likelihood is exact."""

import abc
from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from sisrnn_tf.cells.deterministic import DeterministicCell
from sisrnn_tf.core import networks, random
from sisrnn_tf.core.types import Activation, Batch, BoundTerms
from sisrnn_tf.core.validation import require_int
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


class ExactModel(StepwiseModel):
    """A network without a latent: p(x_t | x_{<t}) = decoder(h_{t-1}, u_t), all steps at once.

    A subclass gives `_network`, `_unroll`, `hidden_size` and `_transition`, and ends its constructor by `_complete`.

    Args:
        emission: the likelihood of one step, an object of `sisrnn_tf.emissions`.
        seed: int, where the model's stream of noise starts; only generation draws from it.
        covariate_size: U, as of `SISRNN`; 0 for no covariates.

    Call arguments and outputs: see `SequenceModel`; there is no latent, so Z = 0.

    Attributes:
        decoder: [h_{t-1}, u_t] -> the emission's parameters, in the dtype of densities.
        truncation: steps between the points where training stops the gradient through h; None stops it nowhere.
    """

    is_exact = True
    state_is_exact = True
    truncation: int | None = None

    def __init__(self, emission: Emission, seed: int = 0, covariate_size: int = 0, **kwargs: Any):
        super().__init__(emission, seed, **kwargs)
        self.covariate_size = require_int("covariate_size", covariate_size, 0)
        self.stream = random.RandomStream(seed, name="stream")

    def _complete(self, feature_size: int, decoder_sizes: Sequence[int], activation: Activation) -> None:
        """Makes the decoder of what it reads of x_1..x_t, `[.., F]`, the cell and the loss layer."""
        self.decoder = networks.MLP(
            decoder_sizes, self.emission.parameter_size, activation, dtype=self.dtype_policy, name="decoder"
        )
        self.decoder.build((None, feature_size + self.covariate_size))
        parts = (self._decode, self._transition, self._initial_hidden, self.density_dtype)
        self.cell = DeterministicCell(self.emission, self.hidden_size, *parts)
        self.loss_layer = ExactLoss(name="loss_layer")
        with tf.init_scope():  # of a model made within a `tf.function` too
            try_emission(self.emission, self.density_dtype)
        self.built = True

    def _initial_hidden(self, batch_size: int | tf.Tensor) -> tf.Tensor:
        return tf.zeros([batch_size, self.hidden_size], self.compute_dtype)

    @property
    @abc.abstractmethod
    def _network(self) -> keras.layers.Layer:
        """What reads the sequences."""

    @abc.abstractmethod
    def _unroll(self, network: Any, inputs: tf.Tensor) -> tf.Tensor:
        """Returns what a decoder reads of x_1..x_t, h_t of all steps, `[B, T, F]`; h_0 is 0.

        Args:
            network: that reads them; `_network` or one like it.
            inputs: [x_t, u_t], `[B, T, D + U]`.
        """

    @abc.abstractmethod
    def _transition(self, inputs: tf.Tensor, hidden: tf.Tensor) -> tf.Tensor:
        """Returns h_t, `[B, H]`, from [x_t, u_t] `[B, D + U]` and h_{t-1} `[B, H]`: the same, a step at a time."""

    def _decode(self, given: tf.Tensor) -> tf.Tensor:
        """Returns the emission's parameters, `[.., P]`, from [h_{t-1}, u_t] `[.., H + U]`."""
        return self.decoder(given)

    @property
    def density_dtype(self) -> tf.DType:
        """The dtype of densities and samples."""
        return networks.density_dtype(self.decoder)

    def make_pass(
        self, batch: Batch, seed: tf.Tensor, first_row: int | tf.Tensor = 0, training: bool = False
    ) -> ExactPass:
        """See `SequenceModel`; there is no noise."""
        mask = None if batch.mask is None else batch_to_time_major(batch.mask)
        log_likelihood, parameters, hidden = self._score_steps(self._network, self.decoder, batch)
        outputs = {"emission_parameters": parameters, "latent": hidden[..., :0], "hidden": hidden}
        return ExactPass(mask, batch_to_time_major(log_likelihood), outputs)

    def _score_steps(
        self, network: keras.layers.Layer, decoder: networks.MLP, batch: Batch
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Returns log p(x_t | x_{<t}), `[B, T]`, the emission's parameters, `[B, T, P]`, and h_t, `[B, T, F]`."""
        observations, covariates = self._without_padding(batch)
        hidden = self._unroll(network, step.join(observations, covariates))
        parameters = decoder(step.join(self._previous(hidden), covariates))
        if batch.observed is None:
            return self.emission.log_prob(parameters, observations), parameters, hidden
        # The network has read 0 for what is missing.
        return self.emission.log_prob_observed(parameters, observations, batch.observed), parameters, hidden

    def _previous(self, hidden: tf.Tensor) -> tf.Tensor:
        """Returns h_{t-1}, `[B, T, F]`, as it goes into step t, of h_t."""
        previous = tf.concat([tf.zeros_like(hidden[:, :1]), hidden[:, :-1]], axis=1)
        return cut_gradient(previous, tf.range(tf.shape(hidden)[1])[:, tf.newaxis], self.truncation)

    def _without_padding(self, batch: Batch) -> tuple[tf.Tensor, tf.Tensor | None]:
        """Returns x, `[B, T, D]`, and u, `[B, T, U]` or None, in the dtype of densities, their padding zeros."""
        parts = [None if part is None else tf.cast(part, self.density_dtype) for part in (batch[0], batch.covariates)]
        if batch.mask is not None:  # padding may hold anything, NaN too
            real = batch.mask[..., tf.newaxis]
            parts = [None if part is None else tf.where(real, part, 0.0) for part in parts]
        return parts[0], parts[1]

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

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "covariate_size": self.covariate_size,
            "decoder_sizes": self.decoder.hidden_sizes,
            "activation": keras.activations.serialize(self.decoder.activation),
        }
