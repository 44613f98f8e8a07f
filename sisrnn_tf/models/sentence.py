"""Language models with one latent for a whole sentence: SentenceSISRNN, and its point-mass cases."""

import keras
import tensorflow as tf

from sisrnn_tf import bounds, particles, random
from sisrnn_tf.chunked_mixture import make_mixture
from sisrnn_tf.decoders import TransformerDecoder
from sisrnn_tf.emissions import Categorical
from sisrnn_tf.losses import SIVILoss
from sisrnn_tf.models.mixing import MixingModel
from sisrnn_tf.models.writing import WritingModel
from sisrnn_tf.noise import ParticleNoise, draw_noise, extra_mixing
from sisrnn_tf.sentence_cell import SentenceCell
from sisrnn_tf.types import Batch, BoundTerms, Noise, StepDensities, Trajectory
from sisrnn_tf.validation import require, require_between, require_int, require_memory
from sisrnn_tf.words import WordEmbedding

# Logits of m sentences of T words out of V at a time: 200 MB. The answer does not depend on it.
_CHUNK_LOGITS = 5 * 10**7
# What a pass draws beside the noise of the bound, whose seeds are fold_in(seed, 0..2).
_WORD_DROPOUT, _DROPOUT = 3, 4


@keras.saving.register_keras_serializable("sisrnn_tf")
class SentenceSISRNN(MixingModel, WritingModel):
    """Semi-implicit variational autoencoder of sentences (section 4.3 of the paper).

        z ~ N(0, I)
        p(x_1..x_T | z) = prod_t softmax(W decoder(x_1..x_{t-1}, z) + b)_{x_t},    W the words' embeddings
        psi ~ q_phi(psi | h_T),    h_T = GRU(x_1..x_T)
        L_K = sum_t log p(x_t | x_{<t}, z) + log p(z) - log (1 / (K + 1)) sum_{k=0..K} q(z | psi^k)

    x_T is the end of the sentence, which is scored; its begin, number V, is read by the decoder and never scored. With
    a point-mass encoder it is the VAE-LSTM or the VAE-transformer.

    Args:
        vocabulary_size: V.
        latent_size: Z.
        embedding_size: E, of words, of the decoder's inputs and of its features.
        hidden_size: H, of the GRU.
        decoder: a layer of `sisrnn_tf.decoders` of size E; None for `TransformerDecoder`.
        encoder: a layer of `sisrnn_tf.encoders`; None for `SemiImplicit` with the paper's sizes.
        num_mixing: K in training; changes by `model.loss_layer.num_mixing = K`.
        kl_weight: beta in training; changes by `model.loss_layer.kl_weight = beta`.
        seed: int, where the model's stream of noise starts.
        end_id: number of the end of a sentence.
        unknown_id: number of the unknown word.
        word_dropout: probability with which training hides a word from the decoder, as the unknown word.
        eval_num_mixing: K of `evaluate` and of validation, where beta is 1.
        num_importance: M. Above 1 training maximizes the estimate of log p(x) from M draws of z (IWAE).

    Call arguments:
        inputs: words, int `[B, T]`, the end among them; or {"observations": `[B, T]`, "mask": bool `[B, T]` of right
            padding, "weight": `[B]`}, the last two optional.
        training: whether to add the loss, minus the bound in mean nats per sentence.

    Returns:
        {"log_likelihood": log p(x_t | x_{<t}, z) `[B, T]`, 0 on padding, "latent": `[B, Z]`, "hidden": `[B, H]`}.

    Example:
        >>> model = sisrnn_tf.SentenceSISRNN(len(vocabulary), embedding_size=128, end_id=vocabulary.end_id)
        >>> model.compile(optimizer=keras.optimizers.Adam(1e-3))
        >>> model.fit({"observations": words, "mask": mask}, epochs=5)  # int [N, T], bool [N, T]
    """

    observation_rank = 2

    def __init__(
        self,
        vocabulary_size: int,
        latent_size: int = 32,
        embedding_size: int = 512,
        hidden_size: int = 256,
        decoder: keras.layers.Layer | None = None,
        encoder: keras.layers.Layer | None = None,
        num_mixing: int = 1,
        kl_weight: float = 1.0,
        seed: int = 0,
        end_id: int = 0,
        unknown_id: int = 1,
        word_dropout: float = 0.0,
        eval_num_mixing: int = 10,
        num_importance: int = 1,
        **kwargs,
    ):
        super().__init__(Categorical(vocabulary_size), seed, **kwargs)
        self.embedding_size = require_int("embedding_size", embedding_size, 1)
        require_memory(vocabulary_size * embedding_size, vocabulary_size=vocabulary_size, embedding_size=embedding_size)
        self.end_id, self.unknown_id = require_int("end_id", end_id, 0), require_int("unknown_id", unknown_id, 0)
        for name in ("end_id", "unknown_id"):
            require(getattr(self, name) < vocabulary_size, name, f"below {vocabulary_size}", getattr(self, name))
        self.word_dropout = require_between("word_dropout", word_dropout, 0, 1, "in [0, 1)")
        policy = {"dtype": self.dtype_policy}
        self.cell = SentenceCell(latent_size, hidden_size, encoder, name="cell", **policy)
        self.decoder = TransformerDecoder(embedding_size, name="decoder", **policy) if decoder is None else decoder
        require(self.decoder.size == embedding_size, "decoder", f"of size {embedding_size}", self.decoder.size)
        self.words = WordEmbedding(vocabulary_size, embedding_size, name="words", **policy)
        self.gru = keras.layers.GRU(hidden_size, return_sequences=True, name="gru", **policy)
        self.gru.build((None, None, embedding_size))
        if not self.decoder.built:  # one that was loaded is
            self.decoder.build((None, None, embedding_size), latent_size)
        self.stream = random.RandomStream(seed, name="stream")
        self.loss_layer = SIVILoss(num_mixing, kl_weight, eval_num_mixing, num_importance, name="loss_layer")
        self.built = True

    def sample_trajectory(self, observations, mask, seed: tf.Tensor):
        """Returns what `diagnostics` walks along: of the one step inputs, trajectory and mask, time-major.

        Args:
            observations: words, `[B, T]`.
            mask: bool `[B, T]`.
            seed: int32 `[2]`.
        """
        _, hidden = self._read(self._to_batch(observations, mask))
        trajectory = self._sample(hidden, draw_noise(self.cell, 1, len(hidden), 0, seed))
        return self.cell.no_observation(hidden)[tf.newaxis], trajectory, tf.ones([1, len(hidden)], tf.bool)

    def _read(self, batch: Batch) -> tuple[Batch, tf.Tensor]:
        """Returns the batch with padding of ends and a mask, and h_T, `[B, H]`."""
        words = tf.cast(batch.observations, tf.int32)
        mask = tf.ones(tf.shape(words), tf.bool) if batch.mask is None else batch.mask
        words = tf.where(mask, words, self.end_id)  # padding may hold anything
        states = self.gru(self.words(words))  # [B, T, H]
        last = tf.reduce_sum(tf.cast(mask, tf.int32), axis=1) - 1
        return Batch(words, mask, batch.weight), tf.gather(states, tf.maximum(last, 0), batch_dims=1)

    def _sample(self, hidden: tf.Tensor, noise: Noise) -> Trajectory:
        """Returns the one step of m B latents, each `[1, m B, ..]`, from h_T `[B, H]` and noise `[1, m B, ..]`."""
        rows = tf.tile(hidden, [tf.shape(noise.latent)[1] // tf.shape(hidden)[0], 1])[tf.newaxis]  # [1, m B, H]
        psi = self.cell.posterior_parameters(self.cell.no_observation(rows), rows, noise.mixing)
        return Trajectory(psi.loc + psi.scale * noise.latent, rows, rows, psi)

    def _log_likelihood(self, batch: Batch, latent: tf.Tensor, dropout_seed: tf.Tensor | None = None) -> tf.Tensor:
        """Returns log p(x_t | x_{<t}, z), `[m B, T]`, 0 on padding, of words `[B, T]` and latents `[m B, Z]`."""
        words, mask, _ = batch
        read = tf.pad(words[:, :-1], [[0, 0], [1, 0]], constant_values=self.words.begin_id)
        count = tf.shape(latent)[0] // tf.shape(words)[0]
        words, mask, read = (tf.tile(part, [count, 1]) for part in (words, mask, read))
        if dropout_seed is not None and self.word_dropout > 0:
            uniforms = random.uniform(tf.shape(read), random.fold_in(dropout_seed, _WORD_DROPOUT))
            read = tf.where((uniforms < self.word_dropout) & (read != self.words.begin_id), self.unknown_id, read)
        inner_seed = None if dropout_seed is None else random.fold_in(dropout_seed, _DROPOUT)
        logits = self.words.logits(self.decoder(self.words(read), latent, inner_seed))
        return tf.where(mask, self.likelihood.distribution(logits).log_prob(words), 0.0)

    def _densities(self, batch: Batch, trajectory: Trajectory, dropout_seed=None) -> tuple[StepDensities, tf.Tensor]:
        """Returns the densities of the one step, each `[1, m B]`, and those of the words, `[m B, T]`."""
        log_likelihood = self._log_likelihood(batch, trajectory.latent[0], dropout_seed)
        latent, prior = trajectory.latent, self.cell.prior_parameters(trajectory.hidden)
        densities = StepDensities(
            tf.reduce_sum(log_likelihood, axis=-1)[tf.newaxis],
            bounds.gaussian_log_density(latent, prior),
            bounds.gaussian_log_density(latent, trajectory.posterior),
        )
        return densities, log_likelihood

    def _mixture(self, trajectory: Trajectory, own: tf.Tensor, draws, num_mixing, count=1):
        nothing = self.cell.no_observation(trajectory.hidden)
        return make_mixture(self.cell.encoder, nothing, trajectory, own, draws, num_mixing, count)

    def _infer(self, batch: Batch, seed: tf.Tensor, training: bool):
        count, num_mixing = self.loss_layer.num_importance, self._num_mixing(training)
        weighted = training and count > 1
        dropout_seed = seed if training else None
        own_seed = random.fold_in(seed, 0) if weighted else seed  # that of the first particle
        read, hidden = self._read(batch)
        trajectory = self._sample(hidden, draw_noise(self.cell, 1, self._rows(batch), 0, own_seed))
        densities, log_likelihood = self._densities(read, trajectory, dropout_seed)

        def objective():
            if weighted:
                _, particle_densities, mixture = self._trajectories(batch, 0, count, num_mixing, seed, dropout_seed)
                self.loss_layer.add_trajectories(particle_densities, mixture, None, batch.weight)
                return
            draws = extra_mixing(self.cell, num_mixing, seed)
            mixture = self._mixture(trajectory, densities.posterior, draws, num_mixing)
            self.loss_layer(densities, mixture=mixture, weight=batch.weight, training=training)

        outputs = {"log_likelihood": log_likelihood, "latent": trajectory.latent[0], "hidden": hidden}
        return outputs, objective

    def _trajectories(self, batch: Batch, first, count, num_mixing, seed: tf.Tensor, dropout_seed=None, first_row=0):
        """Returns no mask, and of the latents first..first + count - 1 of each sentence densities and mixture."""
        read, hidden = self._read(batch)
        noise = ParticleNoise(self.cell, self._rows(batch), seed, first, count, first_row)
        trajectory = self._sample(hidden, Noise(noise.mixing(1), noise.latent(1), None))
        densities, _ = self._densities(read, trajectory, dropout_seed)
        draws = noise.extra_mixing(num_mixing)
        return None, densities, self._mixture(trajectory, densities.posterior, draws, num_mixing, count)

    def _bound_terms(self, batch: Batch, seed: tf.Tensor, num_mixing: int) -> BoundTerms:
        read, hidden = self._read(batch)
        noise = draw_noise(self.cell, 1, self._rows(batch), num_mixing, seed)
        trajectory = self._sample(hidden, noise)
        densities, _ = self._densities(read, trajectory)
        nothing = self.cell.no_observation(trajectory.hidden)
        return bounds.bound_terms(bounds.with_components(self.cell, nothing, densities, trajectory, noise))

    def _estimate(self, batch: Batch, num_importance: int, num_mixing: int, resampling, seed) -> tf.Tensor:
        if resampling is not None:
            raise ValueError("`resample` must be False: a sentence has one latent, and so one step. Received: True")
        num_logits = batch.observations.shape.num_elements()  # None inside a function of unknown batch size
        size = max(1, _CHUNK_LOGITS // (num_logits * self.likelihood.vocabulary_size)) if num_logits else 1
        size = min(size, particles.chunk_size(batch.observations.shape[0]))
        return self._importance_estimate(batch, num_importance, tf.constant(num_mixing), size, self._to_seed(seed))

    def _score(self, batch: Batch, num_importance, num_mixing, seed: tf.Tensor, first_row) -> tf.Tensor:
        step_seed = random.fold_in(seed, 0)  # of the one step

        def weigh(particle):
            parts = self._trajectories(batch, particle, 1, num_mixing, step_seed, first_row=first_row)
            return particles.trajectory_terms(parts[1], parts[2].log_density(), 1).surrogate[0]

        # One at a time: the logits of all would not fit.
        log_weights = tf.map_fn(weigh, tf.range(num_importance), fn_output_signature=self.density_dtype)
        return particles.log_mean_exp(log_weights)

    @staticmethod
    def _rows(batch: Batch) -> int | tf.Tensor:
        return batch.observations.shape[0] or tf.shape(batch.observations)[0]

    def get_config(self):
        """Returns the constructor's arguments."""
        config, cell = super().get_config(), self.cell.get_config()
        del config["emission"]
        names = ("embedding_size", "end_id", "unknown_id", "word_dropout")
        return {
            **config,
            "vocabulary_size": self.likelihood.vocabulary_size,
            **{name: getattr(self, name) for name in names},
            **{name: cell[name] for name in ("latent_size", "hidden_size", "encoder")},
            "decoder": keras.saving.serialize_keras_object(self.decoder),
        }
