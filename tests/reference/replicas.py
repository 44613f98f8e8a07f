"""Training on several replicas again, on one device: a loop over the same shards, each with its replica's seed."""

import keras
import numpy as np
import tensorflow as tf

from sisrnn_tf import factory
from sisrnn_tf.configuration.config import ExperimentConfig
from sisrnn_tf.core import random
from sisrnn_tf.core.batches import to_batch
from sisrnn_tf.data import pipeline
from sisrnn_tf.data.spec import DataSpec


class ReplicaLoop:
    """Trains as `launch.train` does with `config.training.num_replicas` of any strategy.

    Attributes:
        model: with the weights of the last step.
    """

    def __init__(self, config: ExperimentConfig):
        self._config, training = config, config.training
        keras.utils.set_random_seed(training.seed)
        self._dataset = factory.make_data(config.data, training.seed)
        self.model = factory.make_model(config.model, training, DataSpec.of(self._dataset), self._dataset.vocabulary)
        self._optimizer = keras.optimizers.Adam(training.learning_rate, global_clipnorm=training.clip_norm)
        self._step = 0

    def train_epoch(self) -> float:
        """Trains an epoch and returns its mean loss."""
        training, epoch = self._config.training, self._step // self._steps_per_epoch
        mixing = factory.make_mixing_schedule(training)
        kl_weight = factory.make_kl_schedule(training, training.epochs * self._steps_per_epoch)
        self.model.loss_layer.num_mixing = mixing(epoch)
        batches = pipeline.training_batches(
            self._dataset, training.batch_size, training.seed, self._step, self._steps_per_epoch
        )
        losses = []
        for batch in batches:
            self.model.loss_layer.kl_weight = kl_weight(self._step)
            seeds = self._replica_seeds(self.model.stream.seed, self._step)
            parts = [self._loss_and_gradient(*part) for part in zip(self._shards(batch), seeds, strict=True)]
            gradients = [
                tf.add_n(list(map(tf.convert_to_tensor, gradient))) / len(parts)
                for gradient in zip(*(gradients for _, gradients in parts), strict=True)
            ]
            self._optimizer.apply(gradients, self.model.trainable_variables)
            losses.append(np.mean([loss for loss, _ in parts]))
            self._step += 1
        return np.mean(losses)

    def validate(self) -> float:
        """Returns the mean loss of the validation's sequences."""
        training, data = self._config.training, self._config.data
        batches = pipeline.evaluation_batches(
            self._dataset, "validation", training.eval_batch_size, data.max_eval_sequences
        )
        total, count = 0.0, 0.0
        for number, batch in enumerate(batches):
            seeds = self._replica_seeds(self.model.evaluation_stream.seed, number)
            for shard, seed in zip(self._shards(batch), seeds, strict=True):
                weight = float(tf.reduce_sum(shard["weight"]))
                total += weight * float(self._loss(shard, seed, training=False))
                count += weight
        return total / count

    @property
    def _steps_per_epoch(self) -> int:
        return pipeline.steps_per_epoch(self._dataset.train, self._config.training.batch_size)

    def _shards(self, batch) -> list[dict]:
        parts = {name: tf.split(value, self._config.training.num_replicas) for name, value in batch.items()}
        return [dict(zip(parts, shard, strict=True)) for shard in zip(*parts.values(), strict=True)]

    def _replica_seeds(self, seed: int, position: int) -> list[tf.Tensor]:
        seed = random.fold_in(random.as_seed(seed), position)
        return [random.fold_in(seed, replica) for replica in range(self._config.training.num_replicas)]

    def _loss(self, shard, seed: tf.Tensor, training: bool) -> tf.Tensor:
        batch = to_batch(shard, self.model.emission, self.model.density_dtype)
        passed = self.model.make_pass(batch, seed, training=training)
        self.model.apply_loss(passed, batch.weight, training)
        return tf.add_n(self.model.loss_layer.losses)

    @tf.function(reduce_retracing=True, autograph=False)
    def _loss_and_gradient(self, shard, seed: tf.Tensor):
        with tf.GradientTape() as tape:
            loss = self._loss(shard, seed, training=True)
        return loss, tape.gradient(loss, self.model.trainable_variables)
