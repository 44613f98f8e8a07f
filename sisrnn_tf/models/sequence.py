"""Sequence models with a latent in every step: SISRNN, and its point-mass case VRNN."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import keras
import tensorflow as tf

from sisrnn_tf import posteriors
from sisrnn_tf.cells import Decoder, Prior, SISRNNCell, Transition
from sisrnn_tf.cells.cell import PARTS
from sisrnn_tf.core.types import Activation, Array, Batch, Trajectory
from sisrnn_tf.core.validation import require
from sisrnn_tf.emissions import Emission
from sisrnn_tf.inference.loss import SIVILoss
from sisrnn_tf.inference.objective import Objective
from sisrnn_tf.inference.passes import SequencePass
from sisrnn_tf.inference.recurrence import StochasticRNN
from sisrnn_tf.models.mixing import MixingModel, to_objective
from sisrnn_tf.models.stepwise import StepwiseModel
from sisrnn_tf.posteriors import Posterior


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
        encoder, prior_sizes, decoder_sizes, activation, scale_floor: as of `SISRNNCell`.
        eval_num_mixing: K of `evaluate` and of validation, where beta is 1.
        truncation: steps between the points where training stops the gradient through h (truncated backpropagation
            through time); values stay as they are. None stops it nowhere.
        objective: what training maximizes, of `sisrnn_tf.objectives`: `SIVI(num_mixing=K)`, `IWAE(M, K)` or
            `FIVO(M, K)`; validation stays with L_K. None for `SIVI(num_mixing)`.
        posterior, prior, decoder, transition: parts of the cell, as of `SISRNNCell`; None for the paper's.
        covariate_size: U, as of `SISRNNCell`; 0 for no covariates.

    Call arguments and outputs: see `SequenceModel`; z is drawn from the posterior.

    Example:
        >>> model = sisrnn_tf.SISRNN(emission=sisrnn_tf.emissions.Bernoulli(28))
        >>> model.compile(optimizer=keras.optimizers.Adam(1e-3))
        >>> model.fit(observations, epochs=5)  # [N, T, 28] of 0 and 1
        >>> model.bound(observations, num_mixing=10, seed=0).surrogate  # [N], nats, <= log p(x)
    """

    # Arguments under which it trains by its objective alone.
    BOUND_ALONE: ClassVar[Mapping[str, Any]] = {}

    cell: SISRNNCell
    cell_class: type[SISRNNCell] = SISRNNCell

    def __init__(
        self,
        emission: Emission,
        latent_size: int = 16,
        hidden_size: int = 64,
        num_mixing: int | None = None,
        kl_weight: float = 1.0,
        seed: int = 0,
        encoder: Posterior | None = None,
        prior_sizes: Sequence[int] = (64, 64),
        decoder_sizes: Sequence[int] = (128, 128),
        activation: Activation = "relu",
        scale_floor: float = 1e-3,
        eval_num_mixing: int = 10,
        truncation: int | None = None,
        objective: Objective | None = None,
        posterior: Posterior | None = None,
        prior: Prior | None = None,
        decoder: Decoder | None = None,
        transition: Transition | None = None,
        covariate_size: int = 0,
        **kwargs: Any,
    ):
        super().__init__(emission, seed, **kwargs)
        self.cell = self.cell_class(
            emission,
            latent_size,
            hidden_size,
            encoder=encoder,
            prior_sizes=prior_sizes,
            decoder_sizes=decoder_sizes,
            activation=activation,
            scale_floor=scale_floor,
            seed=seed,
            prior=prior,
            decoder=decoder,
            transition=transition,
            posterior=posterior,
            covariate_size=covariate_size,
            dtype=self.dtype_policy,
            name="cell",
        )
        self.covariate_size = self.cell.covariate_size
        self.stream = self.cell.stream
        self.rnn = StochasticRNN(self.cell, truncation, dtype=self.dtype_policy, name="rnn")
        self.rnn.build((None, None, emission.event_size + covariate_size))
        objective = to_objective(objective, num_mixing)
        self.loss_layer = SIVILoss(objective, kl_weight, eval_num_mixing, name="loss_layer")
        self.built = True

    @property
    def hidden_size(self) -> int:
        """H."""
        return self.cell.hidden_size

    def sample_trajectory(
        self, observations: Array, mask: Array | None, seed: tf.Tensor, covariates: Array | None = None
    ) -> tuple[tf.Tensor, Trajectory, tf.Tensor, tf.Tensor]:
        """See `MixingModel`."""
        passed = self.make_pass(self._to_batch(observations, mask, None, covariates), seed)
        (trajectory, _, seeds), given = passed.first, passed.sequences
        context = self.cell.posterior_context(given.observations, trajectory.previous_hidden, given.features)
        return context, trajectory, seeds, given.mask

    def make_pass(
        self, batch: Batch, seed: tf.Tensor, first_row: int | tf.Tensor = 0, training: bool = False
    ) -> SequencePass:
        """See `SequenceModel`."""
        return SequencePass(self.rnn, self._sequences(batch), seed, first_row)

    def outputs_of(self, passed: SequencePass) -> dict[str, tf.Tensor]:
        """See `SequenceModel`."""
        return self.rnn.outputs(*passed.first[:2])

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        cell = self.cell.get_config()
        return {
            **super().get_config(),
            **{name: cell[name] for name in ("latent_size", "hidden_size", "covariate_size", *PARTS)},
            "truncation": self.rnn.truncation,
        }


@keras.saving.register_keras_serializable("sisrnn_tf")
class VRNN(SISRNN):
    """Variational RNN (Chung et al. 2015) without feature extractors: `SISRNN` with point-mass mixing.

    Args:
        emission: the likelihood of one step, an object of `sisrnn_tf.emissions`.
        latent_size: Z.
        encoder, posterior: as of `SISRNN`; None for `posteriors.Gaussian` with the paper's sizes.
        **kwargs: as of `SISRNN`.
    """

    def __init__(
        self,
        emission: Emission,
        latent_size: int = 16,
        encoder: Posterior | None = None,
        posterior: Posterior | None = None,
        **kwargs: Any,
    ):
        if encoder is None and posterior is None:
            shared = {name: kwargs[name] for name in ("activation", "scale_floor", "dtype") if name in kwargs}
            posterior = posteriors.Gaussian(latent_size, name="posterior", **shared)
        super().__init__(emission, latent_size, encoder=encoder, posterior=posterior, **kwargs)


def refuse_own_parts(options: dict[str, Any], source: str) -> None:
    """Raises a ValueError for arguments of `SISRNN` that a convolutional model makes itself; takes `truncation` out.

    Args:
        options: that were given.
        source: what the parts follow from, in a word.
    """
    for name in ("prior", "decoder", "transition", "posterior", "encoder", "latent_size", "hidden_size"):
        require(name not in options, name, f"left out: it follows from the {source}", options.get(name))
    truncation = options.pop("truncation", None)
    require(truncation is None, "truncation", "None: gradients reach no further than the convolutions", truncation)
