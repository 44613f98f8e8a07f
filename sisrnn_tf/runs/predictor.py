"""A trained model that takes and gives what its user has: values in the data's units, names, sentences."""

import logging
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from sisrnn_tf.analysis import forecasts, scores
from sisrnn_tf.configuration.config import ExperimentConfig
from sisrnn_tf.core import random
from sisrnn_tf.core.validation import require
from sisrnn_tf.data import frames
from sisrnn_tf.data.covariates import before_future
from sisrnn_tf.data.spec import DataSpec, Sequences
from sisrnn_tf.data.vocabulary import Vocabulary
from sisrnn_tf.models.base import SequenceModel
from sisrnn_tf.models.sampling import Sampler
from sisrnn_tf.runs import generated, imputed, texts, training
from sisrnn_tf.runs.step_scores import StepScorer
from sisrnn_tf.runs.workdir import Workdir

_LOGGER = logging.getLogger(__name__)
_BATCH_SIZE = 256
STEP_IMPORTANCE = 100  # M of the scores of steps, where none is given


def load(path: str | os.PathLike[str]) -> "Predictor":
    """Returns the model of a run as its users ask it.

    Args:
        path: the folder of a run, as `launch.train` makes it or `launch.export --format=folder` hands it on, or
            `preset:NAME` for one that comes with the package; the weights are those of its best epoch.

    Raises:
        ValueError: the folder holds no run, one of its files is damaged, or none of its epochs is finished; or there is
            no preset of the name.

    Example:
        >>> predictor = sisrnn_tf.load("runs/sensors")
        >>> predictor.forecast(frame, num_steps=10)  # draws of what follows each series, a row a series, draw and step
        >>> predictor.score(frame)  # log p(x) of each series, nats
    """
    workdir = Workdir(path)
    predictor = Predictor(workdir, training.load_best(workdir))
    _LOGGER.info("%r", predictor)
    return predictor


class Predictor:
    """A trained model that takes and gives values in its user's units.

    Sequences are an array `[N, T, D]`, a list of arrays `[T_n, D]`, or a pandas data frame: a column `sequence`, which
    names the sequence, where there are several, a column a feature, in any order, and a row a step; the column of times
    of the run's files may be there too. What comes back has the same form and the same names. Images are sequences of
    rows or pixels, of 0 and 1, or grey where the run's binarization is; drawings are rows (dx, dy, pen). A model of
    text takes and gives lists of strings.

    Args:
        workdir: of the run.
        run: what it made.

    Attributes:
        path: of the run.
        model: the Keras model underneath, which takes and gives normalized values.
        spec: of the data.
        config: of the run.
        epoch: the best one, whose weights these are, counted from 1.
        vocabulary: of text, else None.
    """

    def __init__(self, workdir: Workdir, run: training.TrainedRun):
        self._steps = StepScorer(workdir, run)
        self.path = workdir.path
        self.model: SequenceModel = run.model
        self.spec: DataSpec = run.spec
        self.config: ExperimentConfig = run.config
        self.epoch: int = run.epoch
        self.vocabulary: Vocabulary | None = run.vocabulary

    def __repr__(self) -> str:
        return f"{type(self.model).__name__} of {self.path}, epoch {self.epoch}: {self.spec.convention}"

    def forecast(
        self,
        context: Any,
        num_steps: int,
        num_samples: int = 100,
        num_importance: int = 100,
        temperature: float = 1.0,
        seed: random.Seed = 0,
    ) -> Any:
        """Draws how sequences go on after their end.

        Args:
            context: sequences, see the class; where there are covariates a frame, whose last rows, without values of
                features, have those of the steps to draw.
            num_steps: F, how many steps to draw.
            num_samples: S, draws a sequence.
            num_importance, temperature: as of `model.forecast`.
            seed: an int or a pair of ints.

        Returns:
            Draws `[S, N, F, D]`; of a frame a frame of the columns sequence, sample, step and the features, where steps
            are counted from 0 on from the beginning of the context. A column of times goes on by its step, if it is
            even; else it is left out, which is said.

        Raises:
            ValueError: the sequences are nothing that the model could score, a number is out of its range, or the model
                is one of sentences.
        """
        self._require_steps()
        table = self._with_covariates(context)
        known = table.covariates
        if known is not None and table.frame is not None:  # whose last rows may be of the future
            table = table._replace(sequences=before_future(table.keys, table.sequences, known, num_steps))
        if known is not None:
            known = [rows[: len(part) + num_steps] for part, rows in zip(table.sequences, known, strict=True)]
        given = (self.model, self.spec, table.sequences, num_steps, num_samples, seed, known)
        samples = forecasts.draw(*given, num_importance=num_importance, temperature=temperature)
        return samples if table.frame is None else frames.draws(table.with_future(num_steps), samples, table.lengths)

    def impute(
        self, observations: Any, num_samples: int = 20, num_importance: int = 100, seed: random.Seed = 0
    ) -> imputed.Imputed:
        """Draws what is missing of sequences, NaN, given all that is observed before and after it.

        Args:
            observations: sequences, see the class.
            num_samples: S, draws of each gap.
            num_importance: M, particles of a draw.
            seed: an int or a pair of ints.

        Raises:
            ValueError: what is observed is nothing that the model could score, a number is out of its range, or the
                model is one of sentences.
        """
        self._require_steps()
        table = self._with_covariates(observations)
        return imputed.fill(self.model, self.spec, table, num_samples, num_importance, seed)

    def score(
        self,
        observations: Any,
        num_importance: int | None = None,
        num_mixing: int | None = None,
        seed: random.Seed = 0,
        batch_size: int = _BATCH_SIZE,
        per_step: bool = False,
    ) -> Any:
        """Returns log p(x) of sequences or sentences, nats: of real values a density in the data's units.

        Args:
            observations: sequences, see the class; or sentences, strings or the numbers of their words.
            num_importance: M; 1 for the bound L_K, else particles. None for 1, with `per_step` for 100.
            num_mixing: K; None for that of the run's validation.
            seed: an int or a pair of ints; `launch.score` gives each shard its own, `scoring.shard_seed`.
            batch_size: sequences at a time; of values it changes the last bits alone.
            per_step: whether to look at steps, not of sentences.

        Returns:
            `[N]`; of a frame a pandas Series by the names of the sequences. With `per_step` a frame, a row a step, of
            `sequence`, times, `step`, `nll`, -log p(x_t | x_<t), and `quantile`, the share of the steps of the run's
            validation split that are less surprising; and the two of each feature alone, `nll_NAME` and
            `quantile_NAME`, where there are several and the emission scores them.

        Raises:
            ValueError: there is something that the model cannot score, or a number is out of its range; or with
                `per_step` the run's data is not there, which the quantiles need.
        """
        num_mixing = self.config.training.eval_num_mixing if num_mixing is None else num_mixing
        if per_step:
            self._require_steps()
            numbers = (STEP_IMPORTANCE if num_importance is None else num_importance, num_mixing, seed)
            return self._steps.score(self._with_covariates(observations), *numbers, batch_size)
        numbers = (1 if num_importance is None else num_importance, num_mixing, seed)
        if self.vocabulary is not None:
            return scores.score(
                self.model, self.spec, texts.to_sentences(observations, self.vocabulary), *numbers, batch_size
            )
        table = self._with_covariates(observations)
        values = scores.score(self.model, self.spec, table.sequences, *numbers, batch_size, table.covariates)
        if table.frame is None:
            return values
        return pd.Series(values, pd.Index(table.keys, name=frames.SEQUENCE), name="log_likelihood")

    def generate(
        self,
        num_samples: int,
        num_steps: int | None = None,
        temperature: float = 1.0,
        sampler: Sampler | None = None,
        seed: random.Seed = 0,
        covariates: pd.DataFrame | frames.Collection | None = None,
    ) -> Any:
        """Draws new sequences `[N, T, D]`, or sentences.

        Args:
            num_samples: N; with covariates S, draws of each of their sequences.
            num_steps: T, of sentences at the most; None for that of the data, with covariates for as many as each has.
            temperature: of the emission of sequences: below 1 what is likely becomes likelier.
            sampler: of text, how a word is chosen; None for a draw from the model.
            seed: an int or a pair of ints.
            covariates: of a model that has such, a frame with a column of each, and a row a step; columns of features
                are not read. None of others.

        Returns:
            With covariates a frame, as of `forecast`, whose steps are all of each sequence.

        Raises:
            ValueError: a number is out of its range, or not of this kind of data, or covariates are missing.
        """
        if self.spec.covariate_size or covariates is not None:
            return self._generate_given(covariates, num_samples, num_steps, temperature, seed)
        num_steps = self.spec.num_steps if num_steps is None else num_steps
        if self.vocabulary is not None:
            require(temperature == 1.0, "temperature", "left out of text: it is the sampler's", temperature)
            return texts.to_lines(self.model.generate(num_samples, num_steps, seed, sampler), self.vocabulary)
        require(sampler is None, "sampler", "left out: it is of text", sampler)
        return self.spec.to_units(self.model.generate(num_samples, num_steps, seed, temperature).numpy())

    def _generate_given(self, covariates: Any, num_samples: int, num_steps: int | None, temperature, seed) -> Any:
        expected = "a data frame of what is known of each step" if self.spec.covariate_size else "left out: it has none"
        is_known = isinstance(covariates, pd.DataFrame | frames.Collection) and self.spec.covariate_size > 0
        require(is_known, "covariates", expected, type(covariates).__name__)
        if isinstance(covariates, pd.DataFrame):
            covariates = covariates.assign(**dict.fromkeys(frames.feature_names(self.spec), np.nan))
        table = self._with_covariates(covariates)
        samples = generated.draw(
            self.model, self.spec, table.covariates or (), num_samples, num_steps, temperature, seed
        )
        return samples if table.frame is None else frames.whole(table, samples)

    def encode(self, observations: Any, seed: random.Seed = 0) -> Any:
        """Returns a draw of the latents from the posterior.

        Args:
            observations: sequences, see the class, or sentences.
            seed: an int or a pair of ints.

        Returns:
            z_t of each step, in the form of the sequences, with Z columns; of sentences z, `[N, Z]`.

        Raises:
            ValueError: there is something that the model cannot score, or it has no latent.
        """
        size = self.model.cell.latent_size
        require(size > 0, "path", "of a model with a latent, to encode", str(self))
        if self.vocabulary is not None:
            batch = Sequences.of(texts.to_sentences(observations, self.vocabulary))
            return self.model.encode(batch.observations, batch.mask, seed).numpy()
        names = [f"latent_{index}" for index in range(size)]
        return self._by_step(observations, lambda *batch: self.model.infer(*batch)["latent"].numpy(), seed, names)

    def reconstruct(self, observations: Any, seed: random.Seed = 0) -> Any:
        """Returns what the model makes of sequences or sentences that it has seen.

        Args:
            observations: sequences, see the class, or sentences.
            seed: an int or a pair of ints.

        Returns:
            The emission's mean at one draw of the latents, in the form of the sequences; sentences of the likeliest
            words.

        Raises:
            ValueError: there is something that the model cannot score.
        """
        if self.vocabulary is not None:
            batch = Sequences.of(texts.to_sentences(observations, self.vocabulary))
            return texts.to_lines(self.model.reconstruct(batch.observations, batch.mask, seed), self.vocabulary)
        names = frames.feature_names(self.spec)

        def rebuild(*batch):
            return self.spec.to_units(self.model.reconstruct(*batch).numpy())

        return self._by_step(observations, rebuild, seed, names)

    def _by_step(self, observations: Any, compute: Callable, seed: random.Seed, columns: Sequence[str]) -> Any:
        """Returns what a function of what `model.infer` takes gives for each step, in the form of the sequences."""
        table = self._with_covariates(observations)
        parts: list[np.ndarray] = []
        for first in range(0, len(table.sequences), _BATCH_SIZE):
            rows = slice(first, first + _BATCH_SIZE)
            known = None if table.covariates is None else table.covariates[rows]
            batch = scores.to_batch(self.model, self.spec, table.sequences[rows], known)
            part_seed = random.fold_in(random.as_seed(seed), first)
            values = compute(batch.observations, batch.mask, part_seed, batch.observed, batch.covariates)
            parts.extend(value[:length] for value, length in zip(values, batch.lengths, strict=True))
        return table.like(parts, columns)

    def _with_covariates(self, observations: Any) -> frames.Collection:
        table = frames.of(observations, self.spec)
        given = (table.covariates is not None) == (self.spec.covariate_size > 0)
        require(given, "observations", "a frame with columns of the covariates too", type(observations).__name__)
        return table

    def _require_steps(self) -> None:
        require(self.model.has_steps, "path", "of a model that goes step by step, not of sentences", str(self.path))
