"""Sequence models: SISRNN, its point-mass case VRNN, and the deterministic RNN."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from sisrnn_tf import bounds, encoders, networks, particles, random
from sisrnn_tf.cells import SISRNNCell
from sisrnn_tf.losses import ExactLoss, SIVILoss
from sisrnn_tf.models.base import SequenceModel
from sisrnn_tf.rnn import StochasticRNN, batch_to_time_major, draw_noise
from sisrnn_tf.types import Batch, BoundTerms
from sisrnn_tf.validation import require_int


@keras.saving.register_keras_serializable("sisrnn_tf")
class SISRNN(SequenceModel):
    """Semi-implicit stochastic recurrent neural network; the cell is described in `SISRNNCell`.

    Args:
        emission: the likelihood of one step, an object of `sisrnn_tf.emissions`.
        latent_size: Z.
        hidden_size: H.
        num_mixing: K, the mixing draws of the training bound beside the generating one; changes by
            `model.loss_layer.num_mixing = K`.
        kl_weight: beta of the training bound; changes by `model.loss_layer.kl_weight = beta`.
        seed: int, where the model's stream of noise starts. Initial weights follow `keras.utils.set_random_seed`.
        encoder: a layer of `sisrnn_tf.encoders`; None for `SemiImplicit` with the paper's sizes.
        prior_sizes: units of the prior's hidden layers.
        decoder_sizes: units of the decoder's hidden layers.
        activation: of the hidden layers; a Keras name or function.
        scale_floor: smallest standard deviation of prior and posterior.
        eval_num_mixing: K of `evaluate` and of validation, where beta is 1.

    Call arguments and outputs: see `SequenceModel`; z is drawn from the posterior.

    Example:
        >>> model = sisrnn_tf.SISRNN(emission=sisrnn_tf.emissions.Bernoulli(28))
        >>> model.compile(optimizer=keras.optimizers.Adam(1e-3))
        >>> model.fit(observations, epochs=5)  # [N, T, 28] of 0 and 1
        >>> model.bound(observations, num_mixing=10, seed=0).surrogate  # [N], nats, <= log p(x)
    """

    def __init__(
        self,
        emission,
        latent_size: int = 16,
        hidden_size: int = 64,
        num_mixing: int = 1,
        kl_weight: float = 1.0,
        seed: int = 0,
        encoder: keras.layers.Layer | None = None,
        prior_sizes: Sequence[int] = (64, 64),
        decoder_sizes: Sequence[int] = (128, 128),
        activation="relu",
        scale_floor: float = 1e-3,
        eval_num_mixing: int = 10,
        **kwargs,
    ):
        super().__init__(emission, seed, **kwargs)
        self.cell = SISRNNCell(
            emission,
            latent_size,
            hidden_size,
            encoder=encoder,
            prior_sizes=prior_sizes,
            decoder_sizes=decoder_sizes,
            activation=activation,
            scale_floor=scale_floor,
            seed=seed,
            dtype=self.dtype_policy,
            name="cell",
        )
        self.stream = self.cell.stream
        self.rnn = StochasticRNN(self.cell, dtype=self.dtype_policy, name="rnn")
        self.rnn.build((None, None, emission.event_size))
        self.loss_layer = SIVILoss(num_mixing, kl_weight, eval_num_mixing, name="loss_layer")
        self._compiled_num_mixing = None
        self.built = True

    @property
    def hidden_size(self) -> int:
        """H."""
        return self.cell.hidden_size

    @property
    def density_dtype(self) -> tf.DType:
        """The dtype of densities and samples."""
        return networks.density_dtype(self.cell)

    def make_train_function(self, force=False):
        """Makes the training step; under XLA K is part of it, so a K that has changed since needs a new one."""
        num_mixing = int(self.loss_layer.num_mixing)
        force = force or (self.jit_compile and num_mixing != self._compiled_num_mixing)
        self._compiled_num_mixing = num_mixing
        return super().make_train_function(force)

    def _num_mixing(self, training: bool) -> int | tf.Tensor:
        if not training:
            return self.loss_layer.eval_num_mixing
        if not self.jit_compile:
            return tf.cast(self.loss_layer.num_mixing, tf.int32)
        with tf.init_scope():  # XLA needs a static K: a new one needs a new trace
            return int(self.loss_layer.num_mixing.numpy())

    def _time_major(self, batch: Batch):
        """Returns observations `[T, B, D]`, the mask `[T, B]` or None, and the sizes T and B."""
        mask = None if batch.mask is None else batch_to_time_major(batch.mask)
        observations = tf.cast(batch_to_time_major(batch.observations), self.density_dtype)
        if mask is not None:  # padding may hold anything, NaN too
            observations = tf.where(mask[..., tf.newaxis], observations, 0.0)
        return observations, mask, tuple(observations.shape[axis] or tf.shape(observations)[axis] for axis in (0, 1))

    def _evidence(self, batch: Batch, seed: tf.Tensor, num_mixing: int | tf.Tensor):
        """Returns the mask `[T, B]` or None, the outputs and a function that makes the log-densities."""
        observations, mask, sizes = self._time_major(batch)
        noise = draw_noise(self.cell, *sizes, num_mixing, seed)
        trajectory = self.rnn.scan(observations, noise, mask)
        parameters = self.cell.emission_parameters(trajectory.latent, trajectory.previous_hidden)
        outputs = self.rnn.outputs(trajectory, parameters)
        return mask, outputs, lambda: bounds.log_densities(self.cell, observations, parameters, trajectory, noise)

    def _infer(self, batch: Batch, seed: tf.Tensor, training: bool):
        mask, outputs, densities = self._evidence(batch, seed, self._num_mixing(training))
        return outputs, lambda: self.loss_layer(densities(), time_mask=mask, weight=batch.weight, training=training)

    def _bound_terms(self, batch: Batch, seed: tf.Tensor, num_mixing: int) -> BoundTerms:
        mask, _, densities = self._evidence(batch, seed, num_mixing)
        return bounds.bound_terms(densities(), mask)

    def _estimate(self, batch: Batch, num_importance: int, num_mixing: int, resample: bool, seed) -> tf.Tensor:
        seed = self._to_seed(seed)
        num_mixing = num_mixing if self.cell.encoder.noise_size else 0  # the draws of a point mass are all equal
        if resample:
            return self._smc_function(*batch[:2], tf.constant(num_importance), num_mixing, seed)
        num_rows = batch.observations.shape[:2].num_elements()  # None inside a function of unknown batch size
        size = particles.chunk_size(num_rows and num_rows * (num_mixing + 1))
        chunks = [
            self._log_weights_function(
                *batch[:2], tf.constant(first), tf.constant(min(size, num_importance - first)), num_mixing, seed
            )
            for first in range(0, num_importance, size)
        ]
        return particles.log_mean_exp(tf.concat(chunks, axis=0))

    @tf.function(reduce_retracing=True, autograph=False)
    def _log_weights_function(self, observations, mask, first, count, num_mixing, seed):
        """Returns L_K of the particles first..first + count - 1, `[count, B]`."""
        observations, mask, sizes = self._time_major(Batch(observations, mask, None))
        noise = particles.draw_noise(self.cell, sizes, num_mixing, seed, first, count)
        return particles.trajectory_log_weights(self.rnn, observations, noise, count, mask)

    @tf.function(reduce_retracing=True, autograph=False)
    def _smc_function(self, observations, mask, count, num_mixing, seed):
        observations, mask, sizes = self._time_major(Batch(observations, mask, None))
        noise = particles.draw_noise(self.cell, sizes, num_mixing, seed, 0, count)
        # Particles are numbered from 0, so -1 is free for the resampling.
        uniforms = random.uniform(sizes, random.fold_in(seed, -1), self.density_dtype)
        return particles.smc_log_likelihood(self.cell, observations, noise, uniforms, count, mask)

    def _generate_step(self, hidden: tf.Tensor, seed: tf.Tensor):
        prior = self.cell.prior_parameters(hidden)
        latent = prior.loc + prior.scale * random.normal(tf.shape(prior.loc), random.fold_in(seed, 0), prior.loc.dtype)
        parameters = self.cell.emission_parameters(latent, hidden)
        observation = self.likelihood.sample(parameters, random.fold_in(seed, 1))
        return observation, self.cell.transition(observation, latent, hidden)

    def get_config(self):
        """Returns the constructor's arguments."""
        cell, loss = self.cell.get_config(), self.loss_layer.get_config()
        names = ("latent_size", "hidden_size", "encoder", "prior_sizes", "decoder_sizes", "activation", "scale_floor")
        return {
            **super().get_config(),
            **{name: cell[name] for name in names},
            **{name: loss[name] for name in ("num_mixing", "kl_weight", "eval_num_mixing")},
        }


@keras.saving.register_keras_serializable("sisrnn_tf")
class VRNN(SISRNN):
    """Variational RNN (Chung et al. 2015) without feature extractors: `SISRNN` with point-mass mixing.

    Args:
        emission: the likelihood of one step, an object of `sisrnn_tf.emissions`.
        latent_size: Z.
        encoder: None for `encoders.Gaussian` with the paper's sizes.
        **kwargs: as of `SISRNN`.
    """

    def __init__(self, emission, latent_size: int = 16, encoder: keras.layers.Layer | None = None, **kwargs):
        if encoder is None:
            shared = {name: kwargs[name] for name in ("activation", "scale_floor", "dtype") if name in kwargs}
            encoder = encoders.Gaussian(latent_size, name="encoder", **shared)
        super().__init__(emission, latent_size, encoder=encoder, **kwargs)


@keras.saving.register_keras_serializable("sisrnn_tf")
class RNN(SequenceModel):
    """Deterministic recurrent network, whose likelihood is exact: p(x_t | x_{<t}) = phi_decoder(h_{t-1}).

    Args:
        emission: the likelihood of one step, an object of `sisrnn_tf.emissions`.
        hidden_size: H.
        seed: int, where the model's stream of noise starts; only generation draws from it.
        decoder_sizes: units of the decoder's hidden layers.
        activation: of the hidden layers; a Keras name or function.

    Call arguments and outputs: see `SequenceModel`; there is no latent, so Z = 0.
    """

    def __init__(
        self,
        emission,
        hidden_size: int = 64,
        seed: int = 0,
        decoder_sizes: Sequence[int] = (128, 128),
        activation="relu",
        **kwargs,
    ):
        super().__init__(emission, seed, **kwargs)
        self.hidden_size = require_int("hidden_size", hidden_size, 1)
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

    def _estimate(self, batch: Batch, num_importance: int, num_mixing: int, resample: bool, seed) -> tf.Tensor:
        return self._bound_function(batch.observations, batch.mask, 0, random.as_seed(0)).surrogate

    def _log_likelihood(self, batch: Batch):
        """Returns the mask and log p(x_t | x_{<t}), time-major `[T, B]`, and the outputs."""
        mask = None if batch.mask is None else batch_to_time_major(batch.mask)
        observations = tf.cast(batch.observations, self.density_dtype)
        if batch.mask is not None:  # padding may hold anything, NaN too
            observations = tf.where(batch.mask[..., tf.newaxis], observations, 0.0)
        hidden = self.gru(observations)
        previous_hidden = tf.concat([tf.zeros_like(hidden[:, :1]), hidden[:, :-1]], axis=1)
        parameters = self.decoder(previous_hidden)
        log_likelihood = self.likelihood.distribution(parameters).log_prob(observations)  # [B, T]
        outputs = {"emission_parameters": parameters, "latent": hidden[..., :0], "hidden": hidden}
        return mask, batch_to_time_major(log_likelihood), outputs

    def _infer(self, batch: Batch, seed: tf.Tensor, training: bool):
        mask, log_likelihood, outputs = self._log_likelihood(batch)
        return outputs, lambda: self.loss_layer(log_likelihood, time_mask=mask, weight=batch.weight)

    def _bound_terms(self, batch: Batch, seed: tf.Tensor, num_mixing: int) -> BoundTerms:
        mask, log_likelihood, _ = self._log_likelihood(batch)
        total = bounds.sum_over_time(log_likelihood, mask)
        nothing = tf.zeros_like(total)
        return BoundTerms(total, total, nothing, total, nothing)

    def _generate_step(self, hidden: tf.Tensor, seed: tf.Tensor):
        observation = self.likelihood.sample(self.decoder(hidden), seed)
        return observation, self.gru.cell(tf.cast(observation, self.compute_dtype), hidden)[0]

    def get_config(self):
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "hidden_size": self.hidden_size,
            "decoder_sizes": self.decoder.hidden_sizes,
            "activation": keras.activations.serialize(self.decoder.activation),
        }
