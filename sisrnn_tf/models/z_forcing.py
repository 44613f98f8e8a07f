"""The stochastic recurrent network with an auxiliary cost of Goyal et al. (2017)."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import keras
import tensorflow as tf

from sisrnn_tf import posteriors
from sisrnn_tf.core import gaussians, networks
from sisrnn_tf.core.types import Activation, Batch, Gaussian
from sisrnn_tf.core.validation import require, require_between, require_ints, require_positive
from sisrnn_tf.emissions import Emission
from sisrnn_tf.inference import bounds
from sisrnn_tf.inference.auxiliary_loss import AuxiliaryLoss
from sisrnn_tf.inference.passes import SequencePass
from sisrnn_tf.models.sequence import SISRNN
from sisrnn_tf.posteriors import Posterior


@keras.saving.register_keras_serializable("sisrnn_tf")
class ZForcing(SISRNN):
    """Z-Forcing: latents in the recurrence, made to tell the state of a backward RNN (Goyal et al. 2017).

        p(z_t | h_{t-1}),  p(x_t | z_t, h_{t-1}),  h_t = GRU([x_t, z_t], h_{t-1}),  q(z_t | h_{t-1}, x_t, b_t)
        loss = -L + auxiliary_weight sum_t -log N(b_t; tanh(loc), diag scale^2),    loc, scale = phi_auxiliary(z_t)

    b_t is the state of a GRU that runs backward over x_t..x_T, so z_t cannot be ignored: it has to tell the future. The
    cost is of training alone; bounds, estimates, samples and forecasts are those of a `SISRNN`. It is of the first
    trajectory of each sequence, whatever the objective.

    From the published code (of speech) are: the gradient of the cost stops at b_t as its target, but not at z_t, which
    was drawn by reading b_t; the tanh, as states are in (-1, 1); standard deviations of at least exp(-4), without
    which the cost of a state that can be told has no bound; and a choice whether phi_auxiliary reads h_{t-1} beside
    z_t, which the paper's p(b_t | z_t) does not. It raises the weights of KL and cost linearly from step to step: here
    `model.loss_layer.kl_weight` and `model.auxiliary_loss.coefficient` can be set at any step. Different here: its
    h_{t-1}, of an LSTM, has not read x_{t-1} when z_t is drawn, while this prior knows all of x_{<t}; its posterior
    reads x_t through b_t alone; its outputs are clipped at 8; and the backward network's own reconstruction of x, whose
    weight there is 0 by default, is left out.

    Args:
        emission: the likelihood of one step, an object of `sisrnn_tf.emissions`.
        latent_size: Z.
        hidden_size: H.
        posterior: of `sisrnn_tf.posteriors`, semi-implicit or not, with a `BackwardGRU` as its summary where there is
            an auxiliary cost; None for a Gaussian with one of H units.
        activation: of the hidden layers; a Keras name or function.
        scale_floor: smallest standard deviation of prior and posterior.
        auxiliary_weight: of the auxiliary cost; 0 makes no network for it.
        auxiliary_sizes: units of the hidden layers of phi_auxiliary.
        auxiliary_scale_floor: its smallest standard deviation.
        auxiliary_reads_state: whether it reads h_{t-1} beside z_t.
        stop_gradient: whether the cost's gradient stops at b_t as its target. If not, the backward network can lower
            the cost by saying nothing.
        **kwargs: as of `SISRNN`; missing values and covariates are read by the backward network as by the posterior.

    Call arguments and outputs: see `SISRNN`. Metric beside its own: `auxiliary`, the cost's sum over steps, nats.

    Raises:
        ValueError: there is an auxiliary cost, and the posterior has no `BackwardGRU`.
    """

    BOUND_ALONE: ClassVar[Mapping[str, Any]] = {"auxiliary_weight": 0.0}

    def __init__(
        self,
        emission: Emission,
        latent_size: int = 16,
        hidden_size: int = 64,
        posterior: Posterior | None = None,
        activation: Activation = "relu",
        scale_floor: float = 1e-3,
        auxiliary_weight: float = 0.01,
        auxiliary_sizes: Sequence[int] = (64, 64),
        auxiliary_scale_floor: float = math.exp(-4),
        auxiliary_reads_state: bool = False,
        stop_gradient: bool = True,
        **kwargs: Any,
    ):
        network: dict[str, Any] = {"activation": activation}
        dtype = {"dtype": kwargs["dtype"]} if "dtype" in kwargs else {}
        if posterior is None:
            summary = posteriors.BackwardGRU(hidden_size, name="summary", **dtype)
            posterior = posteriors.Gaussian(
                latent_size, scale_floor=scale_floor, summary=summary, name="posterior", **network, **dtype
            )
        shared = {"scale_floor": scale_floor, **network, **kwargs}
        super().__init__(emission, latent_size, hidden_size, posterior=posterior, **shared)
        self.activation = keras.activations.get(activation)
        self.auxiliary_weight = require_between(
            "auxiliary_weight", auxiliary_weight, 0, math.inf, "finite and at least 0"
        )
        self.auxiliary_sizes = require_ints("auxiliary_sizes", auxiliary_sizes)
        self.auxiliary_scale_floor = require_positive("auxiliary_scale_floor", auxiliary_scale_floor)
        self.auxiliary_reads_state, self.stop_gradient = auxiliary_reads_state, stop_gradient
        if auxiliary_weight:
            self._make_auxiliary(posterior.summary)

    def _make_auxiliary(self, summary: Any) -> None:
        """Makes the network that tells b_t, and the loss layer of its cost."""
        expected = "0 with a posterior whose summary is no `BackwardGRU`: there is no b_t to tell"
        known = isinstance(summary, posteriors.BackwardGRU)
        require(known, "auxiliary_weight", expected, self.auxiliary_weight)
        sizes = self.auxiliary_sizes, 2 * summary.size
        self.auxiliary = networks.MLP(*sizes, self.activation, dtype=self.dtype_policy, name="auxiliary_network")
        beside = self.hidden_size + self.covariate_size if self.auxiliary_reads_state else 0
        self.auxiliary.build((None, self.cell.latent_size + beside))
        self.auxiliary_loss = AuxiliaryLoss(self.auxiliary_weight, name="auxiliary")

    def auxiliary_costs(self, passed: SequencePass, batch: Batch) -> list[tuple[AuxiliaryLoss, tf.Tensor]]:
        """See `SequenceModel`."""
        if not self.auxiliary_weight:
            return []
        trajectory = passed.first[0]
        given = [trajectory.latent, trajectory.previous_hidden] if self.auxiliary_reads_state else [trajectory.latent]
        guess = gaussians.from_outputs(
            self.auxiliary(networks.concat(given, self.compute_dtype)), self.auxiliary_scale_floor
        )
        target = tf.cast(passed.sequences.features, guess.loc.dtype)  # b, [T, B, F]
        target = tf.stop_gradient(target) if self.stop_gradient else target
        cost = -gaussians.log_density(target, Gaussian(tf.tanh(guess.loc), guess.scale))
        return [(self.auxiliary_loss, bounds.sum_over_time(cost, passed.sequences.mask))]

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ("auxiliary_weight", "auxiliary_sizes", "auxiliary_scale_floor", "auxiliary_reads_state")
        return {
            **super().get_config(),
            **{name: getattr(self, name) for name in (*names, "stop_gradient")},
            "activation": keras.activations.serialize(self.activation),
        }
