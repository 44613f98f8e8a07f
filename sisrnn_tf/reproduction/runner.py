"""Runs a plan, one run after the other in one process, from wherever it was stopped."""

import gc
import json
import pathlib
import time
from collections.abc import Callable, Sequence
from typing import Any

import keras

from sisrnn_tf import factory
from sisrnn_tf.analysis import likelihood_records, likelihoods
from sisrnn_tf.configuration.data_config import DataConfig
from sisrnn_tf.configuration.families import FAMILIES
from sisrnn_tf.core import atomic
from sisrnn_tf.data import pipeline
from sisrnn_tf.reproduction import timing
from sisrnn_tf.reproduction.plan import DATA_DIR, Row
from sisrnn_tf.reproduction.results import Results
from sisrnn_tf.runs import commands, environment, run_diagnostics, run_files, run_likelihoods, training
from sisrnn_tf.runs.workdir import Workdir

# Of an epoch's metrics what the results keep.
_EPOCH = ("epoch", "step", "num_mixing", "val_loss", "val_reconstruction", "val_kl", "seconds")
Runs = Sequence[tuple[Row, int]]  # rows and seeds


class Runner:
    """Runs rows of a plan in workdirs of their own.

    Args:
        results: of the plan.
        workdir: folder of the workdirs.
        data_dir: the user's folder of data; None where there is none.
        show: takes lines that say how far it is.
    """

    def __init__(
        self,
        results: Results,
        workdir: str | pathlib.Path,
        data_dir: str | None = None,
        show: Callable[[str], None] = print,
    ):
        self.results, self.plan = results, results.plan
        self.workdir, self.data_dir, self.show = pathlib.Path(workdir), data_dir, show

    def folder(self, row: Row, seed: int) -> Workdir:
        """Returns the workdir of a run."""
        return Workdir(self.workdir / self.plan.name / f"{row.name}-seed{seed}")

    def left(self, runs: Runs) -> list[tuple[Row, int]]:
        """Returns those of some runs that are not finished."""
        finished = {(run["row"], run["seed"]) for run in self.results.read()}
        return [(row, seed) for row, seed in runs if (row.name, seed) not in finished]

    def check(self, runs: Runs) -> None:
        """Checks that runs can start or continue, and that their data is there; changes nothing.

        Raises:
            ValueError: a workdir cannot be used, or data is missing; says which rows need it.
        """
        needed: dict[DataConfig, list[str]] = {}
        for row, seed in runs:
            config = row.config(seed, self.data_dir)
            self.folder(row, seed).check(config)
            needed.setdefault(config.data, []).append(row.name)
        problems = []
        for data, names in needed.items():
            try:
                factory.make_data(data, seed=0)
            except ValueError as error:
                problems.append(f"{', '.join(dict.fromkeys(names))}: {error}")
        if problems:
            raise ValueError(
                f"Data of {self.plan.name} is missing. Bring it, or choose others of --rows.\n" + "\n".join(problems)
            )

    def describe(self, runs: Runs) -> str:
        """Returns a line for each run that says how far it is, and one with the time that is left."""
        finished = {(run["row"], run["seed"]): run for run in self.results.read()}
        lines = [f"{self.plan.name}: {self.plan.note}"]
        for row, seed in runs:
            run = finished.get((row.name, seed))
            fraction, _ = self._progress(row, seed)
            state = f"at {fraction:.0%} of its training" if fraction else "to do"
            if run is not None:
                state = f"done in {timing.describe(sum(run['seconds'].values())).removeprefix('about ')}"
            lines.append(f"  {row.name}, seed {seed}: {state}")
        return "\n".join([*lines, self.describe_left(runs)])

    def describe_left(self, runs: Runs) -> str:
        """Returns how many runs are left, and about how long they take."""
        left = self.left(runs)
        if not left:
            return f"All {len(runs)} runs are done."
        rows = {row.name: row for row in self.plan.rows}
        known = [timing.Observation(rows[run["row"]], sum(run["seconds"].values()), 1.0) for run in self.results.read()]
        progress = [self._progress(row, seed) for row, seed in left]
        known += [
            timing.Observation(row, seconds, fraction)
            for (row, _), (fraction, seconds) in zip(left, progress, strict=True)
        ]
        todo = [(row, 1 - fraction) for (row, _), (fraction, _) in zip(left, progress, strict=True)]
        return f"{len(left)} of {len(runs)} runs are left: {timing.describe(timing.remaining(known, todo))}."

    def _progress(self, row: Row, seed: int) -> tuple[float, float]:
        """Returns which part of its training a run has done, and in how many seconds."""
        metrics = run_files.read_metrics(self.folder(row, seed).metrics)
        epochs = row.config(seed, self.data_dir).training.epochs
        return len(metrics) / epochs, sum(record["seconds"] for record in metrics)

    def run(self, runs: Runs, on_result: Callable[[], object] = lambda: None) -> list[str]:
        """Runs what is not finished, and adds each run to the results as soon as it is.

        Args:
            runs: rows and seeds.
            on_result: called after each run.

        Returns:
            What diverged, a line each; the others went on.

        Raises:
            Interrupted: SIGTERM or Ctrl-C came; the state is saved.
            ValueError: a workdir cannot be used, or data is missing.
        """
        self.check(self.left(runs))
        self.show(self.describe(runs))
        diverged = []
        for row, seed in self.left(runs):
            if not self.left([(row, seed)]):  # another process has finished it meanwhile
                continue
            self.show(f"\n{row.name}, seed {seed}: {row.label}")
            try:
                self.results.add(self._run(row, seed))
            except FloatingPointError as error:
                diverged.append(f"{row.name}, seed {seed}: {error}")
                self.show(diverged[-1])
                continue
            on_result()
            self.show(f"{row.name}, seed {seed}: done. {self.describe_left(runs)}")
        return diverged

    def _run(self, row: Row, seed: int) -> dict[str, Any]:
        """Trains, evaluates and diagnoses; returns what the results keep."""
        _forget()
        folder = self.folder(row, seed)
        _, trained_before = self._progress(row, seed)
        start = time.monotonic()
        trainer = training.Trainer.prepare(row.config(seed, self.data_dir), folder)
        trainer.run()
        dataset = trainer.dataset
        del trainer
        _forget()
        run = training.load_best(folder)
        self._evaluate(folder, run, dataset)
        found = self._diagnose(row, seed, folder, run, dataset)
        _, trained = self._progress(row, seed)
        evaluated = time.monotonic() - start - (trained - trained_before)
        return self._result(row, seed, run, found) | {
            "seconds": {"training": round(trained, 1), "evaluation": round(evaluated, 1)},
            "versions": environment.versions(),
            "machine": environment.machine(),
        }

    def _evaluate(self, folder: Workdir, run: training.TrainedRun, dataset) -> None:
        for further in self.plan.further:
            records = run_files.read_evaluation(folder.evaluation, run.spec.convention)
            limit = further.max_sequences or run.config.data.max_eval_sequences
            count = pipeline.num_evaluated(dataset.test, limit)
            done = {
                tuple(record[name] for name in likelihoods.Estimate._fields)
                for record in records
                if record["num_sequences"] == count or record["estimator"] == likelihoods.EXACT  # which is there of all
            }
            numbers = (further.num_mixing, [further.num_importance], [run.config.training.seed])
            estimates = likelihoods.plan(run.model, "test", [further.estimator], *numbers)
            estimates = [estimate for estimate in estimates if estimate not in done]
            if estimates:
                run_likelihoods.evaluate(folder, run, dataset, estimates, limit, on_record=self._show_record)

    def _show_record(self, record: dict) -> None:
        self.show(likelihood_records.describe(record))

    def _diagnose(self, row: Row, seed: int, folder: Workdir, run: training.TrainedRun, dataset) -> dict | None:
        """Diagnoses the posterior of a row's first seed, and copies their picture beside the results."""
        if not FAMILIES[run.config.model.model].mixes(vars(run.config.model)) or seed != row.seeds[0]:
            return None
        record = run_diagnostics.diagnose(folder, run, dataset, "test", *self.plan.diagnosed, seed)
        marginals, pictures = folder.plots / "marginals.png", self.results.path.with_suffix("")
        if marginals.exists():  # there is none where all are Gaussian
            pictures.mkdir(parents=True, exist_ok=True)
            picture = marginals.read_bytes()
            atomic.write(pictures / f"{row.name}-marginals.png", lambda file: file.write(picture))
        return {name: value for name, value in record.items() if not isinstance(value, list)}

    def _result(self, row: Row, seed: int, run: training.TrainedRun, found: dict | None) -> dict[str, Any]:
        folder, config = self.folder(row, seed), row.config(seed, DATA_DIR)
        records = run_files.read_evaluation(folder.evaluation, run.spec.convention)
        portable = Workdir(pathlib.Path("runs", self.plan.name, folder.path.name))
        evaluations = [commands.evaluate(portable, config, run.spec, record) for record in records]
        metrics = run_files.read_metrics(folder.metrics)
        return {
            "row": row.name,
            "seed": seed,
            "config": json.loads(config.to_json()),
            "data": json.loads(run.spec.to_json()),
            "commands": [commands.train(portable, config), *(command for command in evaluations if command)],
            "best_epoch": run.epoch,
            "epochs": [{name: record[name] for name in _EPOCH if name in record} for record in metrics],
            "records": records,
            "diagnostics": found,
        }


def _forget() -> None:
    """Frees the models before, and gives those to come the names of a fresh process, by which checkpoints go."""
    keras.backend.clear_session()
    gc.collect()
