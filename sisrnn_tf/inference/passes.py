"""What an objective may ask of a model about one batch: weighted trajectories, and filtered particles."""

import abc
import functools
from typing import Any, NamedTuple, Protocol

import tensorflow as tf

from sisrnn_tf.core.arrays import size_of
from sisrnn_tf.core.types import Noise, StepDensities, Trajectory
from sisrnn_tf.inference import filter as filters
from sisrnn_tf.inference import noise, step
from sisrnn_tf.inference.mixture import ChunkedMixture, PointMass, mixture_of
from sisrnn_tf.inference.particles import Resampling

# T B m rows go through the cell at a time: 150 MB of the paper's noise.
CHUNK_ROWS = 2**17


class Paths(NamedTuple):
    """Independent trajectories of a batch, m of each sequence, time-major; row m B + b is path m of sequence b.

    Attributes:
        densities: each `[T, m B]`.
        mixture: what makes log ghat_t, `[T, m B]`, and in training its gradient with it.
        mask: bool `[T, B]`, True on real steps; None where every step is real.
    """

    densities: StepDensities
    mixture: ChunkedMixture | PointMass
    mask: tf.Tensor | None


class Pass(abc.ABC):
    """A batch of sequences with the noise of one seed, as `noise` deals it out.

    Attributes:
        rows: numbers of the sequences, int `[B]`.
        chunk_size: how many trajectories of each sequence to hold at a time, int or scalar tensor; it makes no
            difference to the answer.
        mixes: whether mixing draws differ; those of a point mass do not, and K makes no difference.
        dtype: of densities.
    """

    rows: tf.Tensor
    chunk_size: int | tf.Tensor
    mixes: bool
    dtype: tf.DType

    @abc.abstractmethod
    def paths(self, first: int | tf.Tensor, count: int | tf.Tensor, num_mixing: int | tf.Tensor) -> Paths:
        """Returns the trajectories first..first + count - 1 of each sequence, with K mixing draws a step."""

    @abc.abstractmethod
    def filter(self, count: int | tf.Tensor, num_mixing: int | tf.Tensor, resampling: Resampling) -> filters.Filtered:
        """Returns M = count particles that have followed each sequence."""

    @staticmethod
    def are_first(first: int | tf.Tensor, count: int | tf.Tensor) -> bool:
        """Returns whether trajectories are known to be the first of each sequence alone."""
        return isinstance(first, int) and isinstance(count, int) and (first, count) == (0, 1)

    def used_mixing(self, num_mixing: int | tf.Tensor) -> int | tf.Tensor:
        """Returns K, or 0 where it makes no difference."""
        return num_mixing if self.mixes else 0


class Steps(Protocol):
    """What takes the steps of sequences: `StochasticRNN` one after the other, others many at once.

    Attributes:
        cell: the stochastic cell.
        truncation: steps between the points where the gradient through h stops; None stops it nowhere.
    """

    cell: Any
    truncation: int | None

    def scan(
        self,
        observations: tf.Tensor,
        draws: Noise,
        mask: tf.Tensor | None = None,
        initial_state: Any = None,
        features: tf.Tensor | None = None,
        covariates: tf.Tensor | None = None,
    ) -> Trajectory:
        """See `StochasticRNN.scan`."""


class SequencePass(Pass):
    """A pass over sequences with a latent in every step.

    Args:
        layer: unrolls the cell, or takes all its steps at once.
        sequences: what is observed.
        seed: int32 `[2]`.
        first_row: number of the batch's first sequence.
    """

    def __init__(
        self,
        layer: Steps,
        sequences: filters.Sequences,
        seed: tf.Tensor,
        first_row: int | tf.Tensor = 0,
    ):
        self.layer, self.cell, self.seed = layer, layer.cell, seed
        self.sequences = sequences
        observations = sequences.observations
        self.num_steps, self.batch_size = size_of(observations, 0), size_of(observations, 1)
        self.rows = first_row + tf.range(self.batch_size)
        self.chunk_size = CHUNK_ROWS // (self.num_steps * self.batch_size)
        self.mixes = self.cell.posterior_part.noise_size > 0
        self.dtype = observations.dtype

    def _seeds(self, first, count) -> tf.Tensor:
        """Returns the seeds of the rows of trajectories, int32 `[T, m B, 2]`."""
        return noise.row_seeds(noise.step_seeds(self.seed, self.num_steps), self.rows, count, first)

    def _tiled(self, count) -> filters.Sequences:
        """Returns the sequences once for each of m trajectories, `[T, m B, ..]`."""
        return filters.Sequences(
            *(
                None if part is None else tf.tile(part, [1, count, *[1] * (part.shape.rank - 2)])
                for part in self.sequences
            )
        )

    @functools.cached_property
    def first(self) -> tuple[Trajectory, tf.Tensor, tf.Tensor]:
        """The first trajectory of each sequence, its emission parameters, `[T, B, P]`, and its rows' seeds."""
        return self._infer(self.sequences, self._seeds(0, 1))

    def _infer(self, sequences: filters.Sequences, seeds: tf.Tensor):
        draws = noise.draw(self.cell, seeds)
        beside = {"features": sequences.features, "covariates": sequences.covariates}
        trajectory = self.layer.scan(sequences.observations, draws, sequences.mask, **beside)
        parameters = self.cell.emission_parameters(trajectory.latent, trajectory.previous_hidden)
        return trajectory, parameters, seeds

    def paths(self, first: int | tf.Tensor, count: int | tf.Tensor, num_mixing: int | tf.Tensor) -> Paths:
        """See `Pass`."""
        alone = self.are_first(first, count)
        sequences = self.sequences if alone else self._tiled(count)
        trajectory, parameters, seeds = self.first if alone else self._infer(sequences, self._seeds(first, count))
        densities = step.log_densities(self.cell, sequences.observations, parameters, trajectory, sequences.observed)
        mixture = mixture_of(
            self.cell,
            sequences.observations,
            sequences.features,
            trajectory,
            densities.posterior,
            seeds,
            num_mixing,
        )
        return Paths(densities, mixture, self.sequences.mask)

    def filter(self, count: int | tf.Tensor, num_mixing: int | tf.Tensor, resampling: Resampling) -> filters.Filtered:
        """See `Pass`."""
        return filters.run(
            self.cell,
            self.sequences,
            count,
            num_mixing,
            self.seed,
            resampling,
            filters.Keys(self.rows),
            self.layer.truncation,
        )
