"""Trains a model, evaluates it on held-out data and draws pictures.

python -m launch.train --dataset=digits --workdir=runs/digits

The same command continues a run that was stopped, however it was stopped.
"""

import logging

from absl import app

from flags import data, experiment, help, model, training, workdir
from flags.arguments import flags_only
from sisrnn_tf.analysis import likelihood_records
from sisrnn_tf.data.spec import DataSpec
from sisrnn_tf.runs import latents
from sisrnn_tf.runs.callbacks import Interrupted
from sisrnn_tf.runs.training import Trainer
from sisrnn_tf.runs.workdir import Workdir


@flags_only
def main() -> None:
    """Runs the launcher."""
    logging.getLogger("sisrnn_tf").setLevel(logging.INFO)
    config = experiment.from_flags()
    folder = Workdir(experiment.workdir_from_flags(config))
    trainer = Trainer.prepare(config, folder, experiment.strategy_from_flags())
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
    use = latents.read(folder)
    if use is not None:
        print(f"Latent: {use.describe()}")
    print(f"Pictures are in {folder.plots}")
    if folder.samples.exists():
        print(f"Sentences are in {folder.samples} and {folder.reconstructions}")


if __name__ == "__main__":
    app.run(main, flags_parser=help.parser(data, model, training, workdir))
