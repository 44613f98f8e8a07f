"""Draws sequences from a trained model: a picture and an .npz, or sentences as text.

python -m launch.generate --workdir=runs/digits-sisrnn --num_samples=64
python -m launch.generate --workdir=runs/glyphs-sisrnn --num_samples=30 --context_steps=10 --temperature=0.5
python -m launch.generate --workdir=runs/pydoc-sentence_sisrnn --num_samples=10 --temperature=0.8
python -m launch.generate --workdir=runs/pydoc-sentence_sisrnn --reconstruct="see section modules ."
"""

import pathlib
import sys

import numpy as np
from absl import app
from absl import logging as absl_logging
from absl.flags import FLAGS, mark_flag_as_required

from flags import generation, help, workdir
from flags.arguments import flags_only
from sisrnn_tf import factory, forecasts, pictures, plotting, texts, training
from sisrnn_tf.data.spec import DataSpec
from sisrnn_tf.sampling import Sampler
from sisrnn_tf.validation import require
from sisrnn_tf.workdir import Workdir, write_npz, write_text

_TEXT_FLAGS = ("top_k", "top_p", "reconstruct", "interpolate")


@flags_only
def main() -> None:
    """Runs the launcher."""
    absl_logging.set_verbosity(absl_logging.WARNING)  # TensorFlow's notes come this way
    folder = Workdir(FLAGS.workdir)
    output = pathlib.Path(FLAGS.output_dir or folder.path / "generated")
    given = {name: FLAGS[name].value for name in ("temperature", *_TEXT_FLAGS) if FLAGS[name].value is not None}
    try:
        run = training.load_best(folder)
        is_text = run.vocabulary is not None
        _refuse_useless(run.spec, is_text)
        ends = given.pop("interpolate", None)
        require(ends is None or (len(ends) == 2 and FLAGS.num_samples > 1), "interpolate", "given twice", ends)
        sentence = given.pop("reconstruct", None)
        require(sentence is None or ends is None, "reconstruct", "left out beside --interpolate", sentence)
        if is_text:
            lines = _write(run, Sampler(**given) if given else None, sentence, ends)
        else:
            samples = run.spec.to_units(_draw(run, folder, **given))
        output.mkdir(parents=True, exist_ok=True)
    except (ValueError, OSError) as error:
        sys.exit(f"ERROR: {error}")
    if is_text:
        write_text(output / "samples.txt", "\n".join(lines) + "\n")
        print("\n".join(lines))
        print(f"Wrote {len(lines)} sentences to {output / 'samples.txt'}")
    else:
        _save(samples, run.spec, output)


def _refuse_useless(spec: DataSpec, is_text: bool) -> None:
    """Raises a ValueError for flags that would do nothing."""
    names = () if is_text else _TEXT_FLAGS
    names += () if spec.emission == "strokes" else ("context_steps",)
    useless = ", ".join(f"--{name}" for name in names if FLAGS[name].value is not None)
    require(not useless, "flags", f"those that {spec.name} makes use of", useless)


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


def _draw(run: training.TrainedRun, folder: Workdir, temperature: float = 1.0) -> np.ndarray:
    """Returns new sequences, or test sequences that are completed after their beginnings, `[N, T, D]`."""
    num_steps, seed = FLAGS.num_steps or run.spec.num_steps, FLAGS.sampling_seed
    if FLAGS.context_steps is None:
        return run.model.generate(FLAGS.num_samples, num_steps, seed, temperature).numpy()
    left = num_steps - FLAGS.context_steps
    require(left > 0, "context_steps", f"below the {num_steps} steps of a sample", FLAGS.context_steps)
    dataset = factory.make_data(run.config.data, run.config.training.seed)
    folder.check_data(run.spec.of(dataset).to_json())
    context, _ = forecasts.contexts(dataset, "test", FLAGS.context_steps, left, FLAGS.num_samples)
    completions = run.model.forecast(context, left, 1, seed=seed, temperature=temperature).numpy()[0]
    return np.concatenate([context, completions], axis=1)


def _save(samples: np.ndarray, spec: DataSpec, output: pathlib.Path) -> None:
    """Writes sequences in the data's units, and a picture of them, of strokes as SVG too."""
    if spec.emission == "strokes":
        offsets = np.arange(len(samples) + 1, dtype=np.int32) * samples.shape[1]
        write_npz(output / "samples.npz", observations=samples.reshape([-1, 3]), observations_offsets=offsets)
    else:
        write_npz(output / "samples.npz", observations=samples)
    print(f"Wrote {len(samples)} sequences of {samples.shape[1]} steps to {output / 'samples.npz'}")
    figure = pictures.samples(samples, spec, FLAGS.context_steps or 0)
    for kind in ("png", *(("svg",) if spec.emission == "strokes" else ())) if figure else ():
        plotting.save(figure, output / f"samples.{kind}")
        print(f"Picture: {output / f'samples.{kind}'}")


if __name__ == "__main__":
    mark_flag_as_required("workdir")
    app.run(main, flags_parser=help.parser(workdir, generation))
