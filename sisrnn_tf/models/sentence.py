"""Language models with one latent for a whole sentence: SentenceSISRNN, and its point-mass cases."""

import functools
from typing import Any

import keras
import tensorflow as tf

from sisrnn_tf.cells.sentence import SentenceCell
from sisrnn_tf.core import random
from sisrnn_tf.core.arrays import size_of
from sisrnn_tf.core.types import Array, Batch, StepDensities, Trajectory
from sisrnn_tf.core.validation import require, require_between, require_int, require_memory
from sisrnn_tf.emissions import Categorical
from sisrnn_tf.inference import noise, step
from sisrnn_tf.inference.filter import Filtered
from sisrnn_tf.inference.loss import SIVILoss
from sisrnn_tf.inference.mixture import mixture_of
from sisrnn_tf.inference.objective import Objective
from sisrnn_tf.inference.particles import Resampling
from sisrnn_tf.inference.passes import Pass, Paths
from sisrnn_tf.models.decoders import DecoderPart, TransformerDecoder
from sisrnn_tf.models.mixing import MixingModel, to_objective
from sisrnn_tf.models.words import WordEmbedding
from sisrnn_tf.models.writing import WritingModel
from sisrnn_tf.posteriors import Posterior

# Logits of m sentences of T words out of V at a time: 200 MB. The answer does not depend on it.
_CHUNK_LOGITS = 5 * 10**7
# What a pass draws beside the noise of its steps, which are numbered from 0.
_WORD_DROPOUT, _DROPOUT = -1, -2


@keras.saving.register_keras_serializable("sisrnn_tf")
class SentenceSISRNN(MixingModel, WritingModel):
    """Semi-implicit variational autoencoder of sentences (section 4.3 of the paper).

        z ~ N(0, I)
        p(x_1..x_T | z) = prod_t softmax(W decoder(x_1..x_{t-1}, z) + b)_{x_t},    W the words' embeddings
        psi ~ q_phi(psi | h_T),    h_T = GRU(x_1..x_T)
        L_K = sum_t log p(x_t | x_{<t}, z) + log p(z) - log (1 / (K + 1)) sum_{k=0..K} q(z | psi^k)

    x_T is the end of the sentence, which is scored; its begin, number V, is read by the decoder and never scored. With
    a point-mass posterior it is the VAE-LSTM or the VAE-transformer.

    Args:
        vocabulary_size: V.
        latent_size: Z.
        embedding_size: E, of words, of the decoder's inputs and of its features.
        hidden_size: H, of the GRU.
        decoder: of `sisrnn_tf.decoders`, of size E; None for `TransformerDecoder`.
        encoder, posterior: as of `SentenceCell`; None for `SemiImplicit` with the paper's sizes.
        num_mixing: K in training; changes by `model.loss_layer.num_mixing = K`.
        kl_weight: beta in training; changes by `model.loss_layer.kl_weight = beta`.
        seed: int, where the model's stream of noise starts.
        end_id: number of the end of a sentence.
        unknown_id: number of the unknown word.
        word_dropout: probability with which training hides a word from the decoder, as the unknown word.
        eval_num_mixing: K of `evaluate` and of validation, where beta is 1.
        objective: what training maximizes, of `sisrnn_tf.objectives`: `SIVI(num_mixing=K)` or `IWAE(M, K)`. None for
            `SIVI(num_mixing)`.

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

    emission: Categorical
    cell: SentenceCell
    observation_rank = 2
    has_steps = False

    def __init__(
        self,
        vocabulary_size: int,
        latent_size: int = 32,
        embedding_size: int = 512,
        hidden_size: int = 256,
        decoder: DecoderPart | None = None,
        encoder: Posterior | None = None,
        num_mixing: int | None = None,
        kl_weight: float = 1.0,
        seed: int = 0,
        end_id: int = 0,
        unknown_id: int = 1,
        word_dropout: float = 0.0,
        eval_num_mixing: int = 10,
        objective: Objective | None = None,
        posterior: Posterior | None = None,
        **kwargs: Any,
    ):
        super().__init__(Categorical(vocabulary_size), seed, **kwargs)
        self.embedding_size = require_int("embedding_size", embedding_size, 1)
        require_memory(vocabulary_size * embedding_size, vocabulary_size=vocabulary_size, embedding_size=embedding_size)
        self.end_id, self.unknown_id = require_int("end_id", end_id, 0), require_int("unknown_id", unknown_id, 0)
        for name in ("end_id", "unknown_id"):
            require(getattr(self, name) < vocabulary_size, name, f"below {vocabulary_size}", getattr(self, name))
        self.word_dropout = require_between("word_dropout", word_dropout, 0, 1, "in [0, 1)")
        policy = {"dtype": self.dtype_policy}
        self.cell = SentenceCell(latent_size, hidden_size, encoder, posterior, name="cell", **policy)
        self.decoder = TransformerDecoder(embedding_size, name="decoder", **policy) if decoder is None else decoder
        require(self.decoder.size == embedding_size, "decoder", f"of size {embedding_size}", self.decoder.size)
        self.words = WordEmbedding(vocabulary_size, embedding_size, name="words", **policy)
        self.gru = keras.layers.GRU(hidden_size, return_sequences=True, name="gru", **policy)
        self.gru.build((None, None, embedding_size))
        if not self.decoder.built:  # one that was loaded is
            self.decoder.build((None, None, embedding_size), latent_size)
        self.stream = random.RandomStream(seed, name="stream")
        objective = to_objective(objective, num_mixing)
        require(not objective.needs_steps, "objective", f"SIVI or IWAE: {self._WHOLE}", objective)
        self.loss_layer = SIVILoss(objective, kl_weight, eval_num_mixing, name="loss_layer")
        self.built = True

    def sample_trajectory(
        self, observations: Array, mask: Array | None, seed: tf.Tensor, covariates: Array | None = None
    ) -> tuple[tf.Tensor, Trajectory, tf.Tensor, tf.Tensor]:
        """See `MixingModel`."""
        passed = self.make_pass(self._to_batch(observations, mask, None, covariates), seed)
        trajectory, _, seeds = passed.first
        hidden = trajectory.previous_hidden
        context = self.cell.posterior_context(self.cell.no_observation(hidden), hidden, passed.features(1))
        return context, trajectory, seeds, tf.ones(hidden.shape[:2], tf.bool)

    def read(self, batch: Batch) -> tuple[Batch, tf.Tensor]:
        """Returns the batch with padding of ends and a mask, and h_T, the state of the GRU at its end, `[B, H]`."""
        words = tf.cast(batch.observations, tf.int32)
        mask = tf.ones(tf.shape(words), tf.bool) if batch.mask is None else batch.mask
        words = tf.where(mask, words, self.end_id)  # padding may hold anything
        states = self.gru(self.words(words))  # [B, T, H]
        last = tf.reduce_sum(tf.cast(mask, tf.int32), axis=1) - 1
        return Batch(words, mask, batch.weight), tf.gather(states, tf.maximum(last, 0), batch_dims=1)

    def word_log_probs(self, batch: Batch, latent: tf.Tensor, dropout_seed: tf.Tensor | None = None) -> tf.Tensor:
        """Returns log p(x_t | x_{<t}, z), `[m B, T]`, 0 on padding.

        Args:
            batch: of `read`, B sentences.
            latent: z, `[m B, Z]`; entry m B + b is of sentence b.
            dropout_seed: int32 `[2]`; None for no dropout.
        """
        words, mask, *_ = batch
        read = tf.pad(words[:, :-1], [[0, 0], [1, 0]], constant_values=self.words.begin_id)
        count = tf.shape(latent)[0] // tf.shape(words)[0]
        words, mask, read = (tf.tile(part, [count, 1]) for part in (words, mask, read))
        if dropout_seed is not None and self.word_dropout > 0:
            uniforms = random.uniform(tf.shape(read), random.fold_in(dropout_seed, _WORD_DROPOUT))
            read = tf.where((uniforms < self.word_dropout) & (read != self.words.begin_id), self.unknown_id, read)
        inner_seed = None if dropout_seed is None else random.fold_in(dropout_seed, _DROPOUT)
        logits = self.words.logits(self.decoder(self.words(read), latent, inner_seed))
        return tf.where(mask, self.emission.log_prob(logits, words), 0.0)

    def make_pass(
        self, batch: Batch, seed: tf.Tensor, first_row: int | tf.Tensor = 0, training: bool = False
    ) -> "SentencePass":
        """See `SequenceModel`; training hides words and drops units out."""
        return SentencePass(self, batch, seed, first_row, seed if training else None)

    def outputs_of(self, passed: "SentencePass") -> dict[str, tf.Tensor]:
        """See `SequenceModel`."""
        trajectory, log_likelihood, _ = passed.first
        return {"log_likelihood": log_likelihood, "latent": trajectory.latent[0], "hidden": trajectory.hidden[0]}

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        config, cell = super().get_config(), self.cell.get_config()
        del config["emission"]
        names = ("embedding_size", "end_id", "unknown_id", "word_dropout")
        return {
            **config,
            "vocabulary_size": self.emission.vocabulary_size,
            **{name: getattr(self, name) for name in names},
            **{name: cell[name] for name in ("latent_size", "hidden_size", "posterior")},
            "decoder": keras.saving.serialize_keras_object(self.decoder),
        }


class SentencePass(Pass):
    """A pass over sentences, each a sequence of one stochastic step.

    Args:
        model: of the sentences.
        batch: words and mask.
        seed: int32 `[2]`.
        first_row: number of the batch's first sentence.
        dropout_seed: int32 `[2]`; None for no dropout.
    """

    def __init__(
        self,
        model: SentenceSISRNN,
        batch: Batch,
        seed: tf.Tensor,
        first_row: int | tf.Tensor = 0,
        dropout_seed: tf.Tensor | None = None,
    ):
        self.model, self.seed, self.dropout_seed = model, seed, dropout_seed
        self.batch, self.hidden = model.read(batch)
        batch_size, num_words = size_of(batch.observations, 0), size_of(batch.observations, 1)
        self.rows = first_row + tf.range(batch_size)
        self.chunk_size = _CHUNK_LOGITS // (batch_size * num_words * model.emission.vocabulary_size)
        self.mixes = model.mixes
        self.dtype = model.density_dtype

    @functools.cached_property
    def first(self) -> tuple[Trajectory, tf.Tensor, tf.Tensor]:
        """The first latent of each sentence as a trajectory, log p(x_t | x_{<t}, z) `[B, T]`, and the rows' seeds."""
        return self._infer(0, 1)

    def features(self, count: int | tf.Tensor) -> tf.Tensor | None:
        """Returns what the posterior is told beside h_T, `[1, m B, F]` of m latents of each sentence; None: nothing."""
        return None

    def _infer(self, first: int | tf.Tensor, count: int | tf.Tensor):
        cell = self.model.cell
        seeds = noise.row_seeds(noise.step_seeds(self.seed, 1), self.rows, count, first)  # [1, m B, 2]
        draws = noise.draw(cell, seeds)
        hidden = tf.tile(self.hidden, [count, 1])[tf.newaxis]  # [1, m B, H]
        trajectory = step.infer(cell, cell.no_observation(hidden), self.features(count), hidden, draws)
        return trajectory, self.model.word_log_probs(self.batch, trajectory.latent[0], self.dropout_seed), seeds

    def paths(self, first: int | tf.Tensor, count: int | tf.Tensor, num_mixing: int | tf.Tensor) -> Paths:
        """See `Pass`."""
        alone = self.are_first(first, count)
        trajectory, log_likelihood, seeds = self.first if alone else self._infer(first, count)
        cell, (latent, hidden, _, psi) = self.model.cell, trajectory
        densities = StepDensities(
            tf.reduce_sum(log_likelihood, axis=-1)[tf.newaxis],
            cell.prior_part.log_density(latent, hidden),
            cell.posterior_part.log_density(latent, psi),
        )
        nothing = cell.no_observation(hidden)
        features = self.features(count)
        mixture = mixture_of(cell, nothing, features, trajectory, densities.posterior, seeds, num_mixing)
        return Paths(densities, mixture, None)

    def filter(self, count: int | tf.Tensor, num_mixing: int | tf.Tensor, resampling: Resampling) -> Filtered:
        """Raises a ValueError: there are no steps to resample at."""
        raise ValueError("A sentence has one latent, and so one step: there is nothing to resample. Take IWAE.")
