"""Sentences whose posterior is refined for each of them: the semi-amortized VAE."""

from typing import Any

import keras
import tensorflow as tf

from sisrnn_tf.core import gaussians, random
from sisrnn_tf.core.types import Batch
from sisrnn_tf.core.validation import require, require_between, require_int, require_positive
from sisrnn_tf.inference import noise
from sisrnn_tf.inference.refinement import Ascent, refine
from sisrnn_tf.models.decoders import DecoderPart, LSTMDecoder
from sisrnn_tf.models.sentence import SentencePass, SentenceSISRNN
from sisrnn_tf.posteriors import Gaussian, Posterior, Shifted
from sisrnn_tf.posteriors.shifted import move


@keras.saving.register_keras_serializable("sisrnn_tf")
class SAVAE(SentenceSISRNN):
    """Semi-amortized variational autoencoder of sentences (Kim et al. 2018, arXiv:1802.02550).

        psi_0 = posterior(h_T, eps),    psi(shift) = (loc_0 + a, scale_0 exp(b / 2)),    shift = [a, b]
        bound_k(shift) = log p(x | z_k) - beta KL(N(psi_k(shift)) || N(0, I)),    z_k ~ N(psi_k(shift))
        v_{k+1} = momentum v_k + clip(grad bound_k(shift_k)),    shift_{k+1} = shift_k + rate v_{k+1},    k = 0..steps-1

    A sentence's posterior is psi(shift_steps), and its bound, by any estimator, is that of the `SentenceSISRNN` that
    this is otherwise. Training goes through the steps: generative part and inference network are given the exact
    gradient of the refined bound, products with second derivatives among it. Of a point mass, a and b move the mean and
    the log-variance, as published. Of a mixture they move all of psi^0..psi^K, each step draws an eps_k of its own, and
    no draw of the bound's is among them: given the shift the psi^k are independent and alike, so L_K stays a bound and
    importance weights unbiased. One refinement serves all M latents of a sentence.

    A sentence is refined by itself: on its own bound, in nats, by noise of its own row, its gradient cut to a norm of
    its own. In training beta is that of the loss, else it is 1; words and units are dropped out in each step anew.

    The published code (github.com/harvardnlp/sa-vae) differs: it climbs the mean over a batch of 32, so that its rate
    of 1 is 1/32 of a sentence's own, and its limit of 5 on the batch's norm, where all gradients are alike, is
    5 sqrt(32) = 28 of a sentence's. It makes products with second derivatives by finite differences (1e-5), takes the
    clipping for the identity there, and clips the products to 5. It trains by SGD (rate 1, halved); its encoder is an
    LSTM of 1024 with linear outputs, where this is a GRU; the decoder's first cell state is 0, where this is made of z.

    Args:
        vocabulary_size: V.
        latent_size, embedding_size, hidden_size: as of `SentenceSISRNN`.
        decoder: of `sisrnn_tf.decoders`, of size `embedding_size`; None for `LSTMDecoder`. Not one by cuDNN, whose
            gradient cannot be differentiated: `LSTMDecoder(.., use_cudnn=False)`.
        posterior: of `sisrnn_tf.posteriors`, which is refined; None for a `Gaussian` with a linear network.
        refinement_steps: how many; 0 leaves the posterior as it is: the VAE-LSTM.
        refinement_rate: of a step, per nat.
        refinement_momentum: in [0, 1).
        refinement_clip: largest norm of a sentence's gradient with respect to its means, and to its log-variances.
        **kwargs: the rest, as of `SentenceSISRNN`.

    Arguments of a call and outputs: see `SentenceSISRNN`.
    """

    def __init__(
        self,
        vocabulary_size: int,
        latent_size: int = 32,
        embedding_size: int = 512,
        hidden_size: int = 1024,
        decoder: DecoderPart | None = None,
        posterior: Posterior | None = None,
        refinement_steps: int = 20,
        refinement_rate: float = 1 / 32,
        refinement_momentum: float = 0.5,
        refinement_clip: float = 28.0,
        **kwargs: Any,
    ):
        require_int("refinement_steps", refinement_steps, 0)
        ascent = Ascent(
            refinement_steps,
            require_positive("refinement_rate", refinement_rate),
            require_between("refinement_momentum", refinement_momentum, 0, 1, "in [0, 1)"),
            require_positive("refinement_clip", refinement_clip),
        )
        policy = {"dtype": kwargs["dtype"]} if "dtype" in kwargs else {}
        if decoder is None:
            decoder = LSTMDecoder(embedding_size, use_cudnn=False, name="decoder", **policy)
        twice = refinement_steps == 0 or not getattr(decoder, "use_cudnn", False)
        require(twice, "decoder", "one without cuDNN, whose gradient has no gradient: use_cudnn=False", decoder)
        posterior = Gaussian(latent_size, (), name="posterior", **policy) if posterior is None else posterior
        sizes = latent_size, embedding_size, hidden_size
        super().__init__(vocabulary_size, *sizes, decoder, posterior=Shifted(posterior, name="shifted"), **kwargs)
        self.ascent = ascent
        self.supports_jit = refinement_steps == 0  # what Keras' "auto" asks

    def compile(self, *args: Any, jit_compile: bool | str = "auto", **kwargs: Any) -> None:
        """Compiles as `SequenceModel.compile` does, but not by XLA, which would compile each step of training anew.

        What XLA makes of the second derivative of a loop over words holds for the numbers of one batch alone.

        Raises:
            ValueError: `jit_compile` is True, or what `SequenceModel.compile` raises.
        """
        possible = self.supports_jit or jit_compile is not True
        require(possible, "jit_compile", "False: XLA would compile each step of training anew", jit_compile)
        super().compile(*args, jit_compile=jit_compile, **kwargs)

    def make_pass(
        self, batch: Batch, seed: tf.Tensor, first_row: int | tf.Tensor = 0, training: bool = False
    ) -> "RefinedPass":
        """See `SequenceModel`."""
        return RefinedPass(self, batch, seed, first_row, seed if training else None)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "posterior": keras.saving.serialize_keras_object(self.cell.posterior_part.inner),
            **{f"refinement_{name}": value for name, value in self.ascent._asdict().items()},
        }


class RefinedPass(SentencePass):
    """A pass over sentences whose posteriors are refined; arguments as of `SentencePass`."""

    model: SAVAE

    def __init__(self, model: SAVAE, batch: Batch, seed: tf.Tensor, *args: Any):
        super().__init__(model, batch, seed, *args)
        self.shift = self._refine() if model.ascent.steps else None

    def _refine(self) -> tf.Tensor:
        """Returns the shift of each sentence's posterior, `[B, 2 Z]`."""
        model, posterior = self.model, self.model.cell.posterior_part.inner
        context = posterior.context(model.cell.no_observation(self.hidden), self.hidden)
        start = tf.zeros([tf.shape(context)[0], 2 * model.cell.latent_size], self.dtype)
        start = tf.ensure_shape(start, [context.shape[0], start.shape[1]])
        parts = (posterior, model.words, model.decoder)
        variables = [variable for part in parts for variable in part.trainable_variables]
        return refine(self._bound, context, start, variables, model.ascent)

    @property
    def _kl_weight(self) -> tf.Tensor:
        """beta: in training that of the loss."""
        loss = self.model.loss_layer
        weighs = self.dropout_seed is not None and loss.objective.weighs_kl
        return tf.cast(tf.convert_to_tensor(loss.kl_weight) if weighs else 1.0, self.dtype)

    def _bound(self, number: tf.Tensor, shift: tf.Tensor, context: tf.Tensor) -> tf.Tensor:
        """Returns what step k of the refinement climbs, of each sentence, `[B]`."""
        cell, seed = self.model.cell, noise.refinement_seed(self.seed, number)
        draws = noise.draw(cell, random.fold_in(seed, self.rows))
        psi = move(cell.posterior_part.inner(context, draws.mixing), shift)
        latent = psi.loc + psi.scale * draws.latent
        log_likelihood = self.model.word_log_probs(self.batch, latent, seed if self.dropout_seed is not None else None)
        return tf.reduce_sum(log_likelihood, axis=-1) - self._kl_weight * gaussians.kl_to_standard(psi)

    def features(self, count: int | tf.Tensor) -> tf.Tensor | None:
        """See `SentencePass`: the shift, the same for all latents of a sentence."""
        return None if self.shift is None else tf.tile(self.shift, [count, 1])[tf.newaxis]
