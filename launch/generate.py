"""Draws sequences from a trained model: a picture and an .npz, or sentences as text.

python -m launch.generate --workdir=runs/digits-sisrnn --num_samples=64
python -m launch.generate --workdir=runs/pydoc-sentence_sisrnn --num_samples=10 --temperature=0.8
python -m launch.generate --workdir=runs/pydoc-sentence_sisrnn --reconstruct="see section modules ."
"""

import pathlib
import sys

import numpy as np
from absl import app
from absl.flags import FLAGS, mark_flag_as_required

from flags import generation, help, workdir
from flags.arguments import flags_only
from sisrnn_tf import pictures, plotting, texts, training
from sisrnn_tf.sampling import Sampler
from sisrnn_tf.validation import require
from sisrnn_tf.workdir import Workdir, write_text

_TEXT_FLAGS = ("temperature", "top_k", "top_p", "reconstruct", "interpolate")


@flags_only
def main() -> None:
    """Runs the launcher."""
    folder = Workdir(FLAGS.workdir)
    output = pathlib.Path(FLAGS.output_dir or folder.path / "generated")
    given = {name: FLAGS[name].value for name in _TEXT_FLAGS if FLAGS[name].value is not None}
    try:
        run = training.load_best(folder)
        is_text = run.vocabulary is not None
        useless = ", ".join(f"--{name}" for name in given)
        require(is_text or not given, "flags", f"of images: {run.spec.name} has no words for", useless)
        ends = given.pop("interpolate", None)
        require(ends is None or (len(ends) == 2 and FLAGS.num_samples > 1), "interpolate", "given twice", ends)
        sentence = given.pop("reconstruct", None)
        require(sentence is None or ends is None, "reconstruct", "left out beside --interpolate", sentence)
        if is_text:
            lines = _write(run, Sampler(**given) if given else None, sentence, ends)
        output.mkdir(parents=True, exist_ok=True)
    except (ValueError, OSError) as error:
        sys.exit(f"ERROR: {error}")
    if is_text:
        write_text(output / "samples.txt", "\n".join(lines) + "\n")
        print("\n".join(lines))
        print(f"Wrote {len(lines)} sentences to {output / 'samples.txt'}")
    else:
        _draw(run, output)


def _write(
    run: training.TrainedRun, sampler: Sampler | None, sentence: str | None, ends: list[str] | None
) -> list[str]:
    """Returns sentences; without a sampler those from the prior are drawn, the others the likeliest."""
    model, vocabulary, count, seed = run.model, run.vocabulary, FLAGS.num_samples, FLAGS.sampling_seed
    num_steps = FLAGS.num_steps or run.spec.num_steps
    if sentence is not None:
        words = np.tile(texts.to_words(sentence, vocabulary), [count, 1])
        return texts.to_lines(model.reconstruct(words, None, seed, num_steps, sampler), vocabulary)
    if ends is not None:
        first, second = (texts.to_words(end, vocabulary) for end in ends)
        return texts.to_lines(model.interpolate(first, second, count, num_steps, seed, sampler), vocabulary)
    return texts.to_lines(model.generate(count, num_steps, seed, sampler), vocabulary)


def _draw(run: training.TrainedRun, output: pathlib.Path) -> None:
    """Writes observations, and a picture where they are images."""
    spec = run.spec
    num_steps = FLAGS.num_steps or spec.num_steps
    samples = run.model.generate(FLAGS.num_samples, num_steps, seed=FLAGS.sampling_seed).numpy()
    np.savez_compressed(output / "samples.npz", observations=samples)
    print(f"Wrote {samples.shape} observations to {output / 'samples.npz'}")
    if num_steps == spec.num_steps:
        figure = plotting.image_grid(pictures.to_images(samples, spec.image_shape), title=f"Samples, {spec.convention}")
        plotting.save(figure, output / "samples.png")
        print(f"Picture: {output / 'samples.png'}")


if __name__ == "__main__":
    mark_flag_as_required("workdir")
    app.run(main, flags_parser=help.parser(workdir, generation))
