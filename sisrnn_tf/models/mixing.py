"""What models with mixing draws share: K in training, and the estimate by importance-weighted trajectories."""

import tensorflow as tf

from sisrnn_tf import networks, particles
from sisrnn_tf.models.base import SequenceModel
from sisrnn_tf.types import Batch


class MixingModel(SequenceModel):
    """A model trained by `SIVILoss`.

    Beside what `SequenceModel` asks for, a subclass has a `cell`, and gives

        _trajectories(batch, first, count, num_mixing, seed) -> mask, densities and mixture of particles

    Arguments and outputs: see `SequenceModel`.
    """

    _compiled_num_mixing = None

    @property
    def density_dtype(self) -> tf.DType:
        """The dtype of densities and samples."""
        return networks.density_dtype(self.cell)

    def make_train_function(self, force=False):
        """Makes the training step; under XLA K is part of it, so a K that has changed since needs a new one."""
        num_mixing = int(self.loss_layer.num_mixing.numpy())
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

    def _importance_estimate(self, batch: Batch, count: int, num_mixing, chunk_size: int, seed: tf.Tensor) -> tf.Tensor:
        """Returns the estimate of log p(x) from so many particles, `[B]`, a chunk of them at a time."""
        chunks = [
            self._log_weights_function(
                *batch[:2], tf.constant(first), tf.constant(min(chunk_size, count - first)), num_mixing, seed
            )
            for first in range(0, count, chunk_size)
        ]
        return particles.log_mean_exp(tf.concat(chunks, axis=0))

    @tf.function(reduce_retracing=True, autograph=False)
    def _log_weights_function(self, observations, mask, first, count, num_mixing, seed):
        batch = Batch(observations, mask, None)
        mask, densities, mixture = self._trajectories(batch, first, count, num_mixing, seed)
        return particles.trajectory_terms(densities, mixture.log_density(), count, mask).surrogate

    def get_config(self):
        """Returns the constructor's arguments, as far as they are the loss layer's."""
        loss = self.loss_layer.get_config()
        names = ("num_mixing", "kl_weight", "eval_num_mixing", "num_importance")
        return {**super().get_config(), **{name: loss[name] for name in names}}
