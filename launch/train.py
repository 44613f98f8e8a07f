"""Trains a model, evaluates it on held-out data and draws pictures.

python -m launch.train --dataset=digits --workdir=runs/digits

The same command continues a run that was stopped, however it was stopped.
"""

import logging

from absl.flags import FLAGS

from flags import data, experiment, model, training, workdir
from flags.arguments import flags_only
from launch import console
from launch.command import Command
from sisrnn_tf.core.validation import require
from sisrnn_tf.data import registry
from sisrnn_tf.data.spec import DataSpec
from sisrnn_tf.runs import tracking
from sisrnn_tf.runs.workdir import Workdir


@flags_only
def main() -> None:
    """Runs the launcher."""
    logging.getLogger("sisrnn_tf").setLevel(logging.INFO)
    config = experiment.from_flags()
    folder = Workdir(experiment.workdir_from_flags(config))
    folder.check_writable()
    initial = config.training.init_from
    good = initial is None or Workdir(initial).config.exists()
    require(good, "init_from", "the workdir of a run, with a config.json, or preset:NAME", initial)
    registry.find(config.data.dataset, config.data.data_dir, config.data.download, config.data.train_split)
    tracking.require_installed(FLAGS.tracking)
    console.import_tensorflow()
    from sisrnn_tf.analysis import likelihood_records
    from sisrnn_tf.runs import latents
    from sisrnn_tf.runs.callbacks import Interrupted
    from sisrnn_tf.runs.training import Trainer

    strategy, by_preset = experiment.strategy_from_flags(), FLAGS.batch_size is None
    trainer = Trainer.prepare(config, folder, strategy, FLAGS.tracking, fit_batch_size=by_preset)
    print(f"Data: {DataSpec.of(trainer.dataset).describe()}")
    print(f"Training {config.model.model}: {trainer.total_steps} steps in {folder.path}")
    try:
        records = trainer.run()
    except Interrupted as interruption:
        print(f"Terminated: {interruption}. The same command continues.")
        return
    if not records:
        print("Done: the first process has evaluated.")
        return
    print("The epoch with the best validation:")
    for record in records:
        print(likelihood_records.describe(record))
    if records[0]["epoch"] == config.training.epochs:
        print("The last epoch was the best one: with more --epochs it may become better.")
    use = latents.read(folder)
    if use is not None:
        print(f"Latent: {use.describe()}")
    print(f"Pictures are in {folder.plots}")
    if folder.samples.exists():
        print(f"Sentences are in {folder.samples} and {folder.reconstructions}")


COMMAND = Command(main, (data, model, training, workdir))

if __name__ == "__main__":
    COMMAND.run()
