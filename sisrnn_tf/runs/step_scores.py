"""How surprising the steps of sequences are to a trained model, beside those of its validation split."""

import numpy as np
import pandas as pd

from sisrnn_tf import factory
from sisrnn_tf.analysis import forecasts, scores
from sisrnn_tf.core import random
from sisrnn_tf.data import frames
from sisrnn_tf.runs.training import TrainedRun
from sisrnn_tf.runs.workdir import Workdir

NLL = "nll"
_MAX_VALIDATION = 500  # sequences whose steps others are compared with, evenly spaced


class StepScorer:
    """Scores steps by a run's model; reads the validation split when it is first needed.

    Args:
        workdir: of the run.
        run: what it made, a model that goes step by step.
    """

    def __init__(self, workdir: Workdir, run: TrainedRun):
        self._workdir, self._run = workdir, run
        self._references: dict[tuple[int, int], scores.StepScores] = {}

    def score(
        self, table: frames.Collection, num_importance: int, num_mixing: int, seed: random.Seed, batch_size: int
    ) -> pd.DataFrame:
        """Returns a row a step; see `Predictor.score`.

        Args:
            table: the sequences.
            num_importance, num_mixing, seed, batch_size: as of `scores.score_steps`.

        Raises:
            ValueError: a sequence is nothing that the model can score, or the run's data is missing or has changed.
        """
        model, spec = self._run.model, self._run.spec
        numbers = (num_importance, num_mixing, seed, batch_size)
        found = scores.score_steps(model, spec, table.sequences, *numbers, table.covariates)
        shares = found.quantiles(self._reference(num_importance, num_mixing, batch_size))
        numbers_of_steps = np.concatenate([np.arange(length) for length in table.lengths])
        columns = {frames.STEP: numbers_of_steps, NLL: found.steps, frames.QUANTILE: shares.steps}
        if found.features is not None and shares.features is not None:
            for name, values, quantiles in zip(table.features, found.features.T, shares.features.T, strict=True):
                columns |= {f"{NLL}_{name}": values, f"{frames.QUANTILE}_{name}": quantiles}
        parts = np.split(np.column_stack(list(columns.values())), np.cumsum(table.lengths)[:-1])
        return frames.steps(table, parts, list(columns)).astype({frames.STEP: int})

    def _reference(self, num_importance: int, num_mixing: int, batch_size: int) -> scores.StepScores:
        """Returns the scores of the validation split's steps."""
        key, run = (num_importance, num_mixing), self._run
        if key not in self._references:
            try:
                dataset = factory.make_data(run.config.data, run.config.training.seed)
            except ValueError as error:
                raise ValueError(f"A step's quantile among validation steps needs the run's data. {error}") from error
            self._workdir.check_data(run.spec.of(dataset).to_json())
            sequences = forecasts.held_out(dataset, "validation", _MAX_VALIDATION)
            known = forecasts.held_out_covariates(dataset, "validation", _MAX_VALIDATION)
            numbers = (*key, run.config.training.seed, batch_size)
            self._references[key] = scores.score_steps(run.model, run.spec, sequences, *numbers, known)
        return self._references[key]
