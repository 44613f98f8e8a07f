"""Draws sequences from a trained model: a picture and an .npz.

python -m launch.generate --workdir=runs/digits-sisrnn --num_samples=64
"""

import pathlib
import sys

import numpy as np
from absl import app
from absl.flags import FLAGS, mark_flag_as_required

from flags import generation, help, workdir
from flags.arguments import flags_only
from sisrnn_tf import pictures, plotting, training
from sisrnn_tf.workdir import Workdir


@flags_only
def main() -> None:
    """Runs the launcher."""
    folder = Workdir(FLAGS.workdir)
    output = pathlib.Path(FLAGS.output_dir or folder.path / "generated")
    try:
        model, spec, *_ = training.load_best(folder)
        output.mkdir(parents=True, exist_ok=True)
    except (ValueError, OSError) as error:
        sys.exit(f"ERROR: {error}")
    num_steps = FLAGS.num_steps or spec.num_steps
    samples = model.generate(FLAGS.num_samples, num_steps, seed=FLAGS.sampling_seed).numpy()
    np.savez_compressed(output / "samples.npz", observations=samples)
    print(f"Wrote {samples.shape} observations to {output / 'samples.npz'}")
    if num_steps == spec.num_steps:
        figure = plotting.image_grid(pictures.to_images(samples, spec.image_shape), title=f"Samples, {spec.convention}")
        plotting.save(figure, output / "samples.png")
        print(f"Picture: {output / 'samples.png'}")


if __name__ == "__main__":
    mark_flag_as_required("workdir")
    app.run(main, flags_parser=help.parser(workdir, generation))
