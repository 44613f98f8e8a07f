"""Diagnoses the posterior of the best epoch of a trained model: its shape, what the mixing adds, what latents carry.

python -m launch.diagnose --workdir=runs/digits-sisrnn
"""

import json
import sys

from absl import app
from absl import logging as absl_logging
from absl.flags import FLAGS, mark_flag_as_required

from flags import diagnostics as diagnostics_flags
from flags import help, workdir
from flags.arguments import flags_only
from sisrnn_tf import diagnostics, factory, pictures, training
from sisrnn_tf.data import pipeline
from sisrnn_tf.workdir import Workdir, write_text


@flags_only
def main() -> None:
    """Runs the launcher."""
    absl_logging.set_verbosity(absl_logging.WARNING)  # TensorFlow's notes come this way
    folder = Workdir(FLAGS.workdir)
    try:
        folder.check_writable()
        model, spec, config, *_ = training.load_best(folder)
        dataset = factory.make_data(config.data, config.training.seed)
        folder.check_data(spec.of(dataset).to_json())
        batches = pipeline.evaluation_batches(dataset, FLAGS.split, FLAGS.num_sequences, FLAGS.num_sequences)
        batch = next(iter(batches))
        real = batch["weight"].numpy() > 0
        observations, mask = (batch[name].numpy()[real] for name in ("observations", "mask"))
        found = diagnostics.diagnose(model, observations, mask, FLAGS.num_noise_draws, FLAGS.sampling_seed)
        record = diagnostics.record(found, config.model.model, FLAGS.split, spec.convention, FLAGS.sampling_seed)
        write_text(folder.diagnostics, json.dumps(record, indent=2) + "\n")
        pictures.draw_diagnostics(found, folder)
    except (ValueError, OSError) as error:
        sys.exit(f"ERROR: {error}")
    print(f"Diagnostics: {folder.diagnostics}")
    print(f"Pictures: {folder.plots / 'marginals.png'}, {folder.plots / 'information.png'}")
    print(diagnostics.describe(record))


if __name__ == "__main__":
    mark_flag_as_required("workdir")
    app.run(main, flags_parser=help.parser(workdir, diagnostics_flags))
