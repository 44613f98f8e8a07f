"""Trains a model in a workdir, from wherever an earlier run stopped to the end, and evaluates it."""

import dataclasses
import logging
import tempfile
from collections.abc import Sequence
from typing import NamedTuple

import keras
import tensorflow as tf

from sisrnn_tf import factory
from sisrnn_tf.analysis import likelihood_records, likelihoods
from sisrnn_tf.configuration import batch_size, memory, support
from sisrnn_tf.configuration.config import ExperimentConfig
from sisrnn_tf.configuration.training_config import TrainingConfig
from sisrnn_tf.core import atomic, strategies
from sisrnn_tf.core.validation import require
from sisrnn_tf.data import pipeline
from sisrnn_tf.data.checks import check
from sisrnn_tf.data.spec import DataSpec, SequenceDataset
from sisrnn_tf.data.vocabulary import Vocabulary
from sisrnn_tf.models.base import SequenceModel
from sisrnn_tf.runs import (
    baselines,
    callbacks,
    checkpoints,
    compiled,
    illustrations,
    initial_weights,
    latents,
    run_callbacks,
    run_files,
    weights,
)
from sisrnn_tf.runs.phases import phases
from sisrnn_tf.runs.tracking import require_installed, tracked
from sisrnn_tf.runs.workdir import Workdir, copy_checkpoints

_LOGGER = logging.getLogger(__name__)
_KEPT_CHECKPOINTS = 3  # a damaged one falls back to the one before


class TrainedRun(NamedTuple):
    """What a run made.

    Attributes:
        model: with the weights of its best epoch.
        spec: of its data.
        config: of the run.
        epoch: the best one, counted from 1.
        vocabulary: of text, else None.
    """

    model: SequenceModel
    spec: DataSpec
    config: ExperimentConfig
    epoch: int
    vocabulary: Vocabulary | None = None


def load_best(workdir: Workdir, precision: str | None = None) -> TrainedRun:
    """Builds the model of a run with the weights of its best epoch.

    Args:
        workdir: of the run.
        precision: one of `training_config.PRECISIONS`; None for the run's own.

    Raises:
        ValueError: the workdir holds no run, one of its files is damaged, or none of its epochs is finished.
    """
    config = workdir.read_config()
    spec = run_files.read_spec(workdir.data_spec)
    vocabulary = run_files.read_vocabulary(workdir.vocabulary, spec)
    model = factory.make_model(config.model, config.training, spec, vocabulary)
    epoch = weights.restore_best(model, workdir)
    if precision in (None, config.training.precision):
        return TrainedRun(model, spec, config, epoch, vocabulary)
    other = dataclasses.replace(config, training=dataclasses.replace(config.training, precision=precision))
    clone = factory.make_model(other.model, other.training, spec, vocabulary)
    clone.set_weights(model.get_weights())
    return TrainedRun(clone, spec, config, epoch, vocabulary)


def _total_steps(training: TrainingConfig, steps_per_epoch: int) -> int:
    steps = training.epochs * steps_per_epoch
    return steps if training.max_steps is None else min(steps, training.max_steps)


@dataclasses.dataclass
class Trainer:
    """A run that is ready to start or continue.

    Attributes:
        config: of the run.
        workdir: of the run; a temporary one in a process that is not the one that writes.
        dataset: read and checked.
        model: compiled, with fresh weights.
        strategy: over which devices and processes the batches are split.
        tracking: one of `choices.TRACKERS`, where the run is shown besides; None for none of them.
    """

    config: ExperimentConfig
    workdir: Workdir
    dataset: SequenceDataset
    model: SequenceModel
    strategy: tf.distribute.Strategy
    tracking: str | None = None

    @classmethod
    def prepare(
        cls,
        config: ExperimentConfig,
        workdir: Workdir,
        strategy: tf.distribute.Strategy | None = None,
        tracking: str | None = None,
        fit_batch_size: bool = False,
    ) -> "Trainer":
        """Checks everything that can be checked before any work, reads the data and builds the model.

        Args:
            config: of the run; its number of replicas gives way to the strategy's.
            workdir: of the run.
            strategy: of `strategies.make`; None for one device.
            tracking: one of `choices.TRACKERS`, or None.
            fit_batch_size: whether batches become smaller where there are few sequences, see `batch_size.fitted`.

        Raises:
            ValueError: the workdir cannot be used, the data is missing, damaged or cannot be scored, the batches
                cannot be split over the replicas, a size wants more memory than there is, or what is to track the
                run is not installed.
        """
        require_installed(tracking)
        strategy = strategy or tf.distribute.get_strategy()
        training = dataclasses.replace(config.training, num_replicas=strategy.num_replicas_in_sync)
        config = dataclasses.replace(config, training=training)
        if fit_batch_size and workdir.data_spec.exists():
            config = batch_size.fitted(config, run_files.read_spec(workdir.data_spec).num_sequences[0])
        workdir.check(config)
        keras.utils.set_random_seed(config.training.seed)
        if config.training.deterministic:
            tf.config.experimental.enable_op_determinism()
        dataset = factory.make_data(config.data, config.training.seed)
        check(dataset)
        config = batch_size.fitted(config, len(dataset.train)) if fit_batch_size else config
        spec = DataSpec.of(dataset)
        num_steps = pipeline.steps_per_epoch(dataset.train, config.training.batch_size)
        emission = factory.make_emission(config.model, spec)
        support.check(dataset, emission)
        memory.check(config, spec, emission)
        workdir.check_data(spec.to_json())
        run_files.read_evaluation(workdir.evaluation, spec.convention)  # records are added to it after training
        with strategy.scope():
            model = compiled.make(config, spec, dataset.vocabulary, _total_steps(config.training, num_steps))
        if config.training.init_from is not None and not any(workdir.checkpoints.glob("last-*.index")):
            initial_weights.copy(load_best(Workdir(config.training.init_from)), model, config, spec)
        trainer = cls(config, workdir, dataset, model, strategy, tracking)
        steps = config.training.steps_per_execution
        require(
            trainer.steps_per_epoch % steps == 0 and trainer.total_steps % steps == 0,
            "steps_per_execution",
            f"a divisor of the {trainer.steps_per_epoch} steps of an epoch and the {trainer.total_steps} of the run",
            steps,
        )
        return trainer

    @property
    def steps_per_epoch(self) -> int:
        """Training steps in an epoch."""
        return pipeline.steps_per_epoch(self.dataset.train, self.config.training.batch_size)

    @property
    def total_steps(self) -> int:
        """Training steps in the run."""
        return _total_steps(self.config.training, self.steps_per_epoch)

    def run(self) -> list[dict]:
        """Trains to the end, evaluates the best epoch on validation and test, draws pictures.

        Of several processes the chief alone evaluates, and writes to the workdir.

        Returns:
            The evaluation's records; of a process that is not the chief none.

        Raises:
            Interrupted: SIGTERM or Ctrl-C came; the state is saved.
            FloatingPointError: the loss or a weight is not finite; it is not saved.
            ValueError: another process runs in the workdir, or its files are damaged.
            ConnectionError: another process of the run is gone.
            OSError: a file cannot be written, for want of space perhaps; the checkpoints before are good.
        """
        with strategies.losses_reported(self.strategy), atomic.named(self.workdir.path):
            if strategies.is_chief(self.strategy):
                return self._run()
            with tempfile.TemporaryDirectory() as folder:
                own = Workdir(folder)
                copy_checkpoints(self.workdir, own)
                return dataclasses.replace(self, workdir=own)._run()

    def _run(self) -> list[dict]:
        vocabulary = self.dataset.vocabulary
        words = None if vocabulary is None else vocabulary.to_text()
        self.workdir.create(self.config, DataSpec.of(self.dataset).to_json(), words)
        with self.workdir.lock():
            for series in (self._last(), checkpoints.best(self.model, self.workdir)):
                series.clear_litter()
            strategies.wait(self.strategy)  # nothing is changed before all have copied what they continue from
            log = callbacks.MetricsLog(self.workdir.metrics)
            is_chief = strategies.is_chief(self.strategy)
            with tracked(self.tracking if is_chief else None, self.workdir, self.config) as trackers:
                self._fit(log, trackers)
            records = self._conclude(log) if is_chief else []
            strategies.wait(self.strategy)  # one that went before would be taken for lost
            return records

    def _last(self) -> checkpoints.Checkpoints:
        """Returns the series of the state of training."""
        variables = checkpoints.training_variables(self.model)
        return checkpoints.Checkpoints(self.workdir.checkpoints, "last", variables, _KEPT_CHECKPOINTS)

    def _conclude(self, log: callbacks.MetricsLog) -> list[dict]:
        epoch = checkpoints.best(self.model, self.workdir).restore_latest()
        if epoch is None:
            raise ValueError(f"`workdir` {self.workdir.path} holds no checkpoint of the best epoch. Restore it.")
        records = [self._evaluate(split, epoch) for split in ("validation", "test")]
        run_files.write_records(self.workdir.evaluation, records)
        seed, limit = self.config.training.seed, self.config.data.max_eval_sequences
        latents.measure(self.workdir, self.model, self.dataset, seed)
        baselines.measure(self.workdir, self.model.emission, self.dataset, limit)
        illustrations.make(self.workdir, self.model, self.dataset, log.read(), seed)
        return records

    def _fit(self, log: callbacks.MetricsLog, trackers: Sequence[keras.callbacks.Callback]) -> None:
        training = self.config.training
        saver = callbacks.CheckpointCallback(
            self._last(), self.steps_per_epoch, self.total_steps, training.save_every_steps
        )
        step = saver.restore(self.model)
        strategies.check_same(self.strategy, step)
        records = log.rewind(step)
        if step:
            _LOGGER.info("Continuing from step %d of %d.", step, self.total_steps)
        best = checkpoints.best(self.model, self.workdir)
        parts = [*run_callbacks.make(self, log, best, records), *trackers, saver]
        validation = self._batches("validation")
        run_callbacks.stop_if_over(self.model, parts)
        for epoch, end, steps in phases(step, self.total_steps, self.steps_per_epoch):
            if self.model.stop_training:
                break
            self.model.fit(
                self._training_batches(),
                initial_epoch=epoch,
                epochs=end,
                steps_per_epoch=steps,
                validation_data=pipeline.distribute(validation, self.strategy),
                validation_steps=int(validation.cardinality()),
                callbacks=parts,
                shuffle=False,  # the batches come shuffled
                verbose=0,
            )
        if self.model.stop_training:
            _LOGGER.info("Stopped: %d epochs without a better validation.", training.early_stopping_epochs)

    def _training_batches(self) -> tf.distribute.DistributedDataset:
        step = int(self.model.optimizer.iterations.numpy())
        training = self.config.training
        batches = pipeline.training_batches(
            self.dataset, training.batch_size, training.seed, first_step=step, few_lengths=training.jit_compile
        )
        return pipeline.distribute(batches, self.strategy)

    def _batches(self, split: str) -> tf.data.Dataset:
        training = self.config.training
        return pipeline.evaluation_batches(
            self.dataset,
            split,
            training.eval_batch_size,
            self.config.data.max_eval_sequences,
            few_lengths=training.jit_compile,
        )

    def _evaluate(self, split: str, epoch: int) -> dict:
        training = self.config.training
        (estimate,) = likelihoods.plan(self.model, split, ["bound"], [training.eval_num_mixing], [1], [training.seed])
        scale = self.dataset.normalization
        values = likelihoods.sequence_likelihoods(self.model, self._batches(split), estimate, normalization=scale)
        return likelihood_records.to_record(
            self.model, epoch, estimate, self.dataset.convention, training.precision, values, scale
        )
