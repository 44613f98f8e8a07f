"""A plan: the rows of a table to train, and what to estimate of each."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sisrnn_tf.configuration.config import ExperimentConfig
from sisrnn_tf.configuration.presets import from_options
from sisrnn_tf.core.validation import require
from sisrnn_tf.inference.traits import ESTIMATORS, OBJECTIVES

DATA_DIR = "DIR"  # stands for the user's folder of data in what is written down


class Row(NamedTuple):
    """One model on one data set.

    Attributes:
        name: of the row, as in `--rows`.
        label: what a table calls it.
        preset: one of `families.PRESETS`.
        options: on top of the preset; `data_dir` is a path below the user's folder of data.
        seeds: of the runs.
        published: data set and model of the number that the paper has for it; None if it has none.
        weight: about how long a run takes, the table's first row being 1.
        base: in the study of conventions the row that differs from this one in nothing but the data; else empty.
    """

    name: str
    label: str
    preset: str
    options: Mapping[str, Any]
    seeds: tuple[int, ...]
    published: tuple[str, str] | None
    weight: float
    base: str = ""

    def config(self, seed: int, data_dir: str | None) -> ExperimentConfig:
        """Returns the configuration of a run.

        Args:
            seed: of the run.
            data_dir: the user's folder of data; None where there is none.
        """
        options = {**self.options, "seed": seed}
        if "data_dir" in options:
            below = options.pop("data_dir")
            options["data_dir"] = data_dir and f"{data_dir}/{below}".rstrip("/")
        return from_options(self.preset, options)


class Further(NamedTuple):
    """Estimates of the test likelihood beside the bound that training ends with.

    Attributes:
        estimator: a key of `traits.ESTIMATORS`.
        num_mixing: values of K.
        num_importance: M.
        max_sequences: at most so many, evenly spaced; None for all.
    """

    estimator: str
    num_mixing: tuple[int, ...]
    num_importance: int = 1
    max_sequences: int | None = None


class Plan(NamedTuple):
    """All that is run for a table at a scale.

    Attributes:
        table: a key of `TABLES`.
        scale: one of `SCALES`.
        data: what the numbers are of, in a word.
        note: the same in full, and how they compare with the paper's.
        rows: what to train.
        further: what to estimate of each row.
        diagnosed: S sequences and R draws of psi, of which the posterior of SIS-RNN rows is diagnosed.
    """

    table: str
    scale: str
    data: str
    note: str
    rows: tuple[Row, ...]
    further: tuple[Further, ...]
    diagnosed: tuple[int, int]

    @property
    def name(self) -> str:
        """Of the files of its results."""
        return f"{self.table}-{self.scale}"

    @property
    def weighted(self) -> tuple[Further, ...]:
        """Estimates that weight trajectories."""
        return tuple(further for further in self.further if OBJECTIVES[ESTIMATORS[further.estimator]].has_importance)

    def row(self, name: str) -> Row:
        """Returns a row by its name."""
        return next(row for row in self.rows if row.name == name)

    def select(self, names: Sequence[str] | None = None, seeds: Sequence[int] | None = None) -> list[tuple[Row, int]]:
        """Returns rows and seeds to run, in the plan's order.

        Args:
            names: of the rows; None for all.
            seeds: of the runs; None for all.

        Raises:
            ValueError: a row is unknown, or no row has one of the seeds.
        """
        known = [row.name for row in self.rows]
        names = known if names is None else names
        unknown = [name for name in names if name not in known]
        require(bool(names) and not unknown, "rows", f"among {', '.join(known)}", ",".join(unknown))
        selected = [(row, seed) for row in self.rows if row.name in names for seed in row.seeds]
        planned = sorted({seed for _, seed in selected})
        unplanned = [seed for seed in seeds or () if seed not in planned]
        require(not unplanned, "seeds", f"among {planned}, the seeds of these rows", unplanned)
        return [(row, seed) for row, seed in selected if seeds is None or seed in seeds]
