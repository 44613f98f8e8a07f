"""The file of a table's results: a run after the other, by any number of processes."""

import contextlib
import fcntl
import json
import os
import pathlib
from collections.abc import Iterator
from typing import Any

from sisrnn_tf.configuration.config import ExperimentConfig, differences
from sisrnn_tf.core.atomic import clear_litter, write_text
from sisrnn_tf.core.validation import parse_json
from sisrnn_tf.reproduction.plan import DATA_DIR, Plan

# What a run must have, and of which type.
_FIELDS = {
    "row": str,
    "seed": int,
    "config": dict,
    "data": dict,
    "best_epoch": int,
    "epochs": list,
    "records": list,
    "seconds": dict,
    "versions": dict,
    "machine": dict,
}


class Results:
    """The results of a plan.

    Args:
        plan: what they are of.
        folder: where the file lies, named after the plan; made when it is first written.

    Attributes:
        path: of the file.
        plan: as given.
    """

    def __init__(self, plan: Plan, folder: str | pathlib.Path):
        self.plan, self.path = plan, pathlib.Path(folder) / f"{plan.name}.json"

    def read(self) -> list[dict[str, Any]]:
        """Returns the runs that are finished, in the plan's order.

        Raises:
            ValueError: the file is damaged, or holds a run of another configuration than the plan's.
        """
        if not self.path.exists():
            return []
        try:
            runs = parse_json(self.path.read_bytes())["runs"]
            for run in runs:
                if not all(type(run[name]) is kind for name, kind in _FIELDS.items()) or not run["epochs"]:
                    raise ValueError(f"a run must have the fields {', '.join(_FIELDS)}, and epochs")
            if len({(run["row"], run["seed"]) for run in runs}) < len(runs):
                raise ValueError("a run is there twice")
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{self.path} is damaged: {error!r}. Restore it, or remove it and run again.") from error
        for run in runs:
            self._check(run)
        return sorted(runs, key=self._position)

    def _position(self, run: dict[str, Any]) -> tuple[int, int]:
        return [row.name for row in self.plan.rows].index(run["row"]), run["seed"]

    def _check(self, run: dict[str, Any]) -> None:
        planned = [row for row in self.plan.rows if row.name == run["row"] and run["seed"] in row.seeds]
        name = f"the row {run['row']}, seed {run['seed']}"
        hint = "Choose another --results_dir, or remove the run from the file."
        if not planned:
            raise ValueError(f"{self.path} holds {name}, which {self.plan.name} does not have. {hint}")
        lines = differences(
            ExperimentConfig.from_json(json.dumps(run["config"])), planned[0].config(run["seed"], DATA_DIR)
        )
        if lines:
            raise ValueError(
                f"{self.path} holds {name}, with another configuration. {hint} In the file != now:\n  "
                + "\n  ".join(lines)
            )

    def add(self, run: dict[str, Any]) -> None:
        """Adds a run to those that are in the file by now; one of the same row and seed is replaced.

        Args:
            run: that is finished.

        Raises:
            ValueError: the file is damaged.
        """
        with self.lock():
            others = [other for other in self.read() if (other["row"], other["seed"]) != (run["row"], run["seed"])]
            runs = sorted([*others, run], key=self._position)
            head = {"table": self.plan.table, "scale": self.plan.scale, "note": self.plan.note}
            write_text(self.path, json.dumps(head | {"runs": runs}, indent=1) + "\n")

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Waits until no other process writes results in the folder, and keeps them from it.

        What killed ones left unfinished is removed.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path.parent, os.O_RDONLY)  # files of the folder are replaced, it stays
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            for folder in (self.path.parent, self.path.with_suffix("")):
                clear_litter(folder)
            yield
        finally:
            os.close(descriptor)
