"""How good models become: at equal epochs, at equal CPU seconds, and how soon; each run on one thread.

python -m benchmarks.quality --data=rows --data_dir=../shared/data --models=vrnn,both --seeds=0,1

Models of a seed see the same batches and start with the same weights where they share parts. Each is validated after
every epoch, which does not count as time; of its epochs within the limit, and of those within the seconds, the best by
its own bound is looked at once on test data. Runs that are there are not run again; `benchmarks.quality_table` makes
the tables.
"""

import json
import os
import pathlib
import time
from typing import Any

from absl import app, flags

from benchmarks import machine
from benchmarks.process import ONE_THREAD
from flags.arguments import flags_only

FLAGS = flags.FLAGS
flags.DEFINE_string("data", "rows", "rows, kanji or omniglot.")
flags.DEFINE_string("data_dir", None, "Folder of the data sets.", required=True)
flags.DEFINE_list("models", ["vrnn"], "Keys of `quality_plan.MODELS`.")
flags.DEFINE_list("seeds", ["0"], "Seeds.")
flags.DEFINE_string("options", "{}", "Further options, as JSON: a trial.")
flags.DEFINE_string("limits", "{}", "Other epochs, seconds and numbers of sequences than the plan's, as JSON: a trial.")
flags.DEFINE_string("output", "results/quality", "Folder of the runs.")

_SMC_PARTICLES, _SMC_SEQUENCES = 100, 250
_K = {"none": 0, "joint": 1, "per_dimension": 100}  # of these estimates, at about equal cost


class _Best:
    """The weights of the best epoch so far."""

    def __init__(self):
        self.loss, self.epoch, self.weights = float("inf"), 0, None

    def offer(self, loss: float, epoch: int, model) -> None:
        if loss < self.loss:
            self.loss, self.epoch, self.weights = loss, epoch, model.get_weights()


class _Run:
    """One model on one data set."""

    def __init__(self, config, plan):
        import keras

        from sisrnn_tf import factory
        from sisrnn_tf.data import pipeline
        from sisrnn_tf.data.spec import DataSpec

        self.config, self.plan = config, plan
        self.dataset = factory.make_data(config.data, config.training.seed)
        keras.utils.set_random_seed(config.training.seed)
        self.model = factory.make_model(config.model, config.training, DataSpec.of(self.dataset))
        self.steps = pipeline.steps_per_epoch(self.dataset.train, config.training.batch_size)
        self.model.compile(optimizer=factory.make_optimizer(config.training, self.plan.epochs * self.steps))
        self.num_mixing = _K[config.model.mixing] if self.model.mixes else 0
        self.schedule = factory.make_mixing_schedule(config.training)

    def train(self) -> tuple[list[dict], dict[str, _Best]]:
        """Returns a record of each epoch, and the best weights within the epochs and within the seconds."""
        best, records, seconds = {"epochs": _Best(), "seconds": _Best()}, [], 0.0
        while len(records) < self.plan.epochs or seconds < self.plan.seconds:
            epoch = len(records) + 1
            taken, loss = self._epoch(epoch - 1)
            seconds += taken
            values = self.estimate(
                "validation", "bound", self.plan.num_validation, 1, self.config.training.eval_num_mixing
            )
            record = {"epoch": epoch, "cpu_seconds": round(seconds, 2), "loss": loss, "val_bound": _mean(values)}
            if self.plan.target is not None and epoch % 2 == 0:
                record["val_smc"] = _mean(self.estimate("validation", "smc", _SMC_SEQUENCES))
            records.append(record)
            print(json.dumps(record), flush=True)
            for name, within in (("epochs", epoch <= self.plan.epochs), ("seconds", seconds <= self.plan.seconds)):
                if within:
                    best[name].offer(record["val_bound"], epoch, self.model)
        return records, best

    def _epoch(self, number: int) -> tuple[float, float]:
        """Returns the CPU seconds and the loss of an epoch."""
        from sisrnn_tf.data import pipeline

        training = self.config.training
        self.model.loss_layer.num_mixing = self.schedule(number)
        batches = pipeline.training_batches(
            self.dataset, training.batch_size, training.seed, number * self.steps, self.steps
        )
        start = time.process_time()
        history = self.model.fit(batches, epochs=1, verbose=0)
        return time.process_time() - start, history.history["loss"][0]

    def estimate(self, split, estimator, max_sequences, num_importance=_SMC_PARTICLES, num_mixing=None) -> list[float]:
        """Returns -log p(x) of each sequence of a split, by an estimator."""
        from sisrnn_tf.analysis import likelihoods
        from sisrnn_tf.data import pipeline

        num_mixing = self.num_mixing if num_mixing is None else num_mixing
        batches = pipeline.evaluation_batches(self.dataset, split, 50, max_sequences)
        (plan,) = likelihoods.plan(self.model, split, [estimator], [num_mixing], [num_importance], [0])
        values = likelihoods.sequence_likelihoods(self.model, batches, plan)
        return [round(-float(value), 4) for value in values["log_likelihood"]]

    def test(self, best: dict[str, _Best]) -> dict[str, Any]:
        """Returns what the test says of the best weights."""
        found: dict[str, Any] = {}
        for name, chosen in best.items():
            if not chosen.epoch:  # no epoch was within the limit
                continue
            same = [other for other in found.values() if other["epoch"] == chosen.epoch]
            if same:
                found[name] = same[0]
                continue
            self.model.set_weights(chosen.weights)
            found[name] = {
                "epoch": chosen.epoch,
                "bound": self.estimate("test", "bound", self.plan.num_test, 1, self.config.training.eval_num_mixing),
                "smc": self.estimate("test", "smc", self.plan.num_test),
            }
        return found


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


@flags_only
def main() -> None:
    """Runs what is not there yet."""
    os.environ.update(ONE_THREAD)
    from benchmarks.quality_plan import DATA, MODELS, configuration

    plan = DATA[FLAGS.data]._replace(**json.loads(FLAGS.limits))
    folder = pathlib.Path(FLAGS.output) / FLAGS.data
    folder.mkdir(parents=True, exist_ok=True)
    for seed in map(int, FLAGS.seeds):
        for name in FLAGS.models:
            path = folder / f"{name}-{seed}.json"
            if path.exists():
                continue
            print(f"{FLAGS.data}, {MODELS[name][0]}, seed {seed}", flush=True)
            config = configuration(FLAGS.data, name, seed, FLAGS.data_dir, json.loads(FLAGS.options))
            run = _Run(config, plan)
            records, best = run.train()
            test = run.test(best) if plan.num_test else {}
            result = {
                "data": FLAGS.data,
                "model": name,
                "seed": seed,
                "config": json.loads(config.to_json()),
                "plan": plan._asdict(),
                "convention": run.dataset.convention,
                "estimators": {"M": _SMC_PARTICLES, "K": run.num_mixing, "seed": 0},
                "epochs": records,
                "test": test,
            }
            machine.write_json(machine.result(**result), path)


if __name__ == "__main__":
    app.run(main)
