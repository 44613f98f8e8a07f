"""Sequence models with a latent in every step: SISRNN, and its point-mass case VRNN."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from sisrnn_tf import bounds, encoders, particles, random, smoothing
from sisrnn_tf.cells import SISRNNCell
from sisrnn_tf.chunked_mixture import densities_and_mixture
from sisrnn_tf.losses import SIVILoss
from sisrnn_tf.models.mixing import MixingModel
from sisrnn_tf.models.stepwise import StepwiseModel
from sisrnn_tf.noise import ParticleNoise, draw_noise, extra_mixing
from sisrnn_tf.rnn import StochasticRNN, batch_to_time_major
from sisrnn_tf.types import Batch, BoundTerms, StreamState
from sisrnn_tf.validation import require


@keras.saving.register_keras_serializable("sisrnn_tf")
class SISRNN(MixingModel, StepwiseModel):
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
        num_importance: M. Above 1 training maximizes an estimate of log p(x) from M trajectories instead of L_K
            (which is that at M = 1), and beta must be 1; validation stays with L_K.
        resample: which estimate that is: importance-weighted trajectories (IWAE), or particles that are resampled
            (FIVO), of which there must be at least 3; see `log_likelihood`.
        truncation: steps between the points where training stops the gradient through h (truncated backpropagation
            through time); values stay as they are. None stops it nowhere.

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
        num_importance: int = 1,
        resample: bool = False,
        truncation: int | None = None,
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
        self.rnn = StochasticRNN(self.cell, truncation, dtype=self.dtype_policy, name="rnn")
        self.rnn.build((None, None, emission.event_size))
        self.loss_layer = SIVILoss(num_mixing, kl_weight, eval_num_mixing, num_importance, name="loss_layer")
        require(isinstance(resample, bool), "resample", "True or False", resample)
        # Of 2 particles the effective sample size is never below half: none would be resampled.
        require(
            num_importance > 2 or not resample, "num_importance", "above 2 where `resample` is True", num_importance
        )
        self.resample = resample
        self.built = True

    @property
    def hidden_size(self) -> int:
        """H."""
        return self.cell.hidden_size

    def sample_trajectory(self, observations, mask, seed: tf.Tensor):
        """Returns what `diagnostics` walks along, time-major: inputs of the posterior, trajectory and mask.

        Args:
            observations: x, `[B, T, D]`.
            mask: bool `[B, T]`.
            seed: int32 `[2]`.

        Returns:
            Observations `[T, B, D]`, the trajectory of `bound` with this seed, the mask `[T, B]`.
        """
        observations, mask, sizes = self._time_major(self._to_batch(observations, mask))
        return observations, self.rnn.scan(observations, draw_noise(self.cell, *sizes, 0, seed), mask), mask

    def _infer(self, batch: Batch, seed: tf.Tensor, training: bool):
        num_importance = self.loss_layer.num_importance
        weighted = training and num_importance > 1
        observations, mask, sizes = self._time_major(batch)
        own_seed = random.fold_in(seed, 0) if weighted else seed  # that of the first particle
        trajectory = self.rnn.scan(observations, draw_noise(self.cell, *sizes, 0, own_seed), mask)
        parameters = self.cell.emission_parameters(trajectory.latent, trajectory.previous_hidden)
        num_mixing = self._num_mixing(training)

        def objective():
            draws = extra_mixing(self.cell, num_mixing, seed)
            densities, mixture = densities_and_mixture(
                self.cell, observations, parameters, trajectory, draws, num_mixing
            )
            self.loss_layer(densities, mixture=mixture, time_mask=mask, weight=batch.weight, training=training)

        outputs = self.rnn.outputs(trajectory, parameters)
        return outputs, (lambda: self._add_estimate(batch, num_importance, num_mixing, seed)) if weighted else objective

    def _add_estimate(self, batch: Batch, count: int, num_mixing: int | tf.Tensor, seed: tf.Tensor) -> None:
        """Adds minus the estimate of log p(x) from particles as the loss."""
        if self.resample:
            estimate, terms = self._smc(batch, count, num_mixing, seed)
            num_mixing = num_mixing if self.cell.encoder.noise_size else 0  # a point mass makes no use of K
            self.loss_layer.add_estimate(estimate, terms, num_mixing, batch.weight)
            return
        mask, densities, mixture = self._trajectories(batch, 0, count, num_mixing, seed)
        self.loss_layer.add_trajectories(densities, mixture, mask, batch.weight)

    def _bound_terms(self, batch: Batch, seed: tf.Tensor, num_mixing: int) -> BoundTerms:
        observations, mask, sizes = self._time_major(batch)
        noise = draw_noise(self.cell, *sizes, num_mixing, seed)
        trajectory = self.rnn.scan(observations, noise, mask)
        parameters = self.cell.emission_parameters(trajectory.latent, trajectory.previous_hidden)
        return bounds.bound_terms(bounds.log_densities(self.cell, observations, parameters, trajectory, noise), mask)

    def _estimate(self, batch: Batch, num_importance: int, num_mixing: int, resampling, seed) -> tf.Tensor:
        seed = self._to_seed(seed)
        num_mixing = tf.constant(num_mixing)
        if resampling is not None:
            return self._smc_function(*batch[:2], tf.constant(num_importance), num_mixing, resampling, seed)
        num_rows = batch.observations.shape[:2].num_elements()  # None inside a function of unknown batch size
        return self._importance_estimate(batch, num_importance, num_mixing, particles.chunk_size(num_rows), seed)

    def _trajectories(self, batch: Batch, first, count, num_mixing, seed: tf.Tensor):
        """Returns the mask `[T, B]` or None, and of the particles first..first + count - 1 densities and mixture."""
        observations, mask, (_, batch_size) = self._time_major(batch)
        noise = ParticleNoise(self.cell, batch_size, seed, first, count)
        return mask, *particles.trajectory_densities(self.rnn, observations, noise, num_mixing, mask)

    def _smc(self, batch: Batch, count, num_mixing, seed: tf.Tensor, **resampling) -> tuple[tf.Tensor, BoundTerms]:
        observations, mask, (num_steps, batch_size) = self._time_major(batch)
        noise = ParticleNoise(self.cell, batch_size, seed, 0, count)
        # Particles are numbered from 0, so -1 is free for the resampling.
        uniforms = random.uniform([num_steps, count, batch_size], random.fold_in(seed, -1), self.density_dtype)
        resampling["truncation"] = self.rnn.truncation
        return particles.smc_terms(self.cell, observations, noise, num_mixing, uniforms, mask, **resampling)

    @tf.function(reduce_retracing=True, autograph=False)
    def _smc_function(self, observations, mask, count, num_mixing, resampling, seed):
        resample_fn, resample_criterion_fn = resampling
        return self._smc(
            Batch(observations, mask, None),
            count,
            num_mixing,
            seed,
            resample_fn=resample_fn,
            resample_criterion_fn=resample_criterion_fn,
        )[0]

    def _advance(self, observation: tf.Tensor, state: StreamState, num_mixing, seed: tf.Tensor, first_row):
        shape = state.hidden.shape
        batch_size, count = (shape[axis] or tf.shape(state.hidden)[axis] for axis in (0, 1))
        first = random.values_before(first_row, [batch_size, count])
        # Particles are numbered from 0, so -1 is free for the resampling.
        uniforms = random.uniform([batch_size, count], random.fold_in(seed, -1), self.density_dtype, first)
        log_weight, hidden, log_weights, _ = particles.smc_step(
            self.cell,
            observation,
            tf.reshape(tf.cast(batch_to_time_major(state.hidden), self.compute_dtype), [-1, self.hidden_size]),
            tf.nn.log_softmax(tf.transpose(state.log_weights), axis=0),
            ParticleNoise(self.cell, batch_size, seed, 0, count, first_row),
            num_mixing,
            tf.transpose(uniforms),
        )
        hidden = batch_to_time_major(tf.reshape(hidden, [count, batch_size, self.hidden_size]))
        hidden = tf.ensure_shape(tf.cast(hidden, self.density_dtype), shape)
        return log_weight, StreamState(hidden, tf.ensure_shape(tf.transpose(log_weights), shape[:2]))

    def _predict(self, state: StreamState, seed: tf.Tensor) -> tf.Tensor:
        log_weights = tf.transpose(state.log_weights)
        uniforms = random.uniform([1, tf.shape(log_weights)[1]], random.fold_in(seed, 0), self.density_dtype)
        chosen = particles.resample_multinomial(log_weights, uniforms)[0]  # [B]
        hidden = tf.cast(tf.gather(state.hidden, chosen, batch_dims=1), self.compute_dtype)
        prior = self.cell.prior_parameters(hidden)
        latent = prior.loc + prior.scale * random.normal(tf.shape(prior.loc), random.fold_in(seed, 1), prior.loc.dtype)
        return self.cell.emission_parameters(latent, hidden)

    def _generate_step(self, hidden: tf.Tensor, temperature: tf.Tensor, seed: tf.Tensor):
        prior = self.cell.prior_parameters(hidden)
        latent = prior.loc + prior.scale * random.normal(tf.shape(prior.loc), random.fold_in(seed, 0), prior.loc.dtype)
        parameters = self.cell.emission_parameters(latent, hidden)
        observation = self.likelihood.sample(parameters, random.fold_in(seed, 1), temperature)
        return observation, self.cell.transition(observation, latent, hidden)

    def _propose(self, observation: tf.Tensor, observed: tf.Tensor | None, hidden: tf.Tensor, num_mixing, seed):
        return smoothing.propose(self.cell, observation, observed, hidden, num_mixing, seed)

    def get_config(self):
        """Returns the constructor's arguments."""
        cell = self.cell.get_config()
        names = ("latent_size", "hidden_size", "encoder", "prior_sizes", "decoder_sizes", "activation", "scale_floor")
        return {
            **super().get_config(),
            **{name: cell[name] for name in names},
            "resample": self.resample,
            "truncation": self.rnn.truncation,
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
