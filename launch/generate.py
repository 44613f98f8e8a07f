"""Draws sequences from a trained model: a picture and an .npz, or sentences as text.

python -m launch.generate --workdir=runs/digits-sisrnn --num_samples=64
python -m launch.generate --workdir=runs/glyphs-sisrnn --num_samples=30 --context_steps=10 --temperature=0.5
python -m launch.generate --workdir=runs/load-sisrnn --num_samples=10 --input=calendar.csv
python -m launch.generate --workdir=runs/pydoc-sentence_sisrnn --num_samples=10 --temperature=0.8
python -m launch.generate --workdir=runs/pydoc-sentence_sisrnn --reconstruct="see section modules ."
"""

import functools
import pathlib
from typing import TYPE_CHECKING, Any

import numpy as np
from absl.flags import FLAGS

from flags import generation, workdir
from flags.arguments import flags_only, refuse_useless
from launch import console
from launch.command import Command
from sisrnn_tf.core.validation import require
from sisrnn_tf.data import kinds
from sisrnn_tf.data.spec import DataSpec
from sisrnn_tf.data.vocabulary import Vocabulary
from sisrnn_tf.runs.outputs import Output
from sisrnn_tf.runs.workdir import Workdir

if TYPE_CHECKING:
    from sisrnn_tf.models.sampling import Sampler
    from sisrnn_tf.runs.predictor import Predictor


@flags_only
def main() -> None:
    """Runs the launcher."""
    folder = Workdir(FLAGS.workdir)
    given = {
        name: FLAGS[name].value
        for name in ("temperature", *kinds.TEXT.generation_flags)
        if FLAGS[name].value is not None
    }
    folder.read_config()
    console.import_tensorflow()
    from sisrnn_tf.models.sampling import Sampler
    from sisrnn_tf.runs import predictor

    run = predictor.load(folder.path)
    kind = run.spec.kind
    outputs = _outputs(folder, kind)
    others = {name for each in kinds.KINDS.values() for name in each.generation_flags} - set(kind.generation_flags)
    others |= set() if run.spec.covariate_size else {"input"}
    refuse_useless([name for name in others if FLAGS[name].value is not None], f"A model of {run.spec.name}")
    expected = f"given: a file with the covariates {run.spec.layout and list(run.spec.layout.covariates)}"
    require(run.spec.covariate_size == 0 or FLAGS.input is not None, "input", expected, None)
    ends = given.pop("interpolate", None)
    require(ends is None or len(ends) == 2, "interpolate", "given twice", ends)
    require(ends is None or FLAGS.num_samples > 1, "num_samples", "at least 2 with --interpolate", FLAGS.num_samples)
    sentence = given.pop("reconstruct", None)
    require(sentence is None or ends is None, "reconstruct", "left out beside --interpolate", sentence)
    if run.vocabulary is not None:
        lines = _write(run, run.vocabulary, Sampler(**given) if given else None, sentence, ends)
        text = ("\n".join(lines) + "\n").encode("utf-8")
        print("\n".join(lines))
        print(f"Wrote {len(lines)} sentences to {outputs['.txt'].write(lambda file: file.write(text))}")
    elif run.spec.covariate_size:
        _save_given(run, outputs, **given)
    else:
        samples, truth = _draw(run, folder, **given)
        _save(samples, truth, run.spec, outputs)


def _outputs(folder: Workdir, kind: kinds.Kind) -> dict[str, Output]:
    """Returns what is to be written by its ending."""
    path = pathlib.Path(FLAGS.output_dir or folder.path / "generated", "samples")
    inputs, endings = ([], kind.sample_endings) if FLAGS.input is None else ([FLAGS.input], (".csv", ".npz", ".png"))
    return {ending: Output("output_dir", path.with_suffix(ending), inputs) for ending in endings}


def _write(
    run: "Predictor",
    vocabulary: Vocabulary,
    sampler: "Sampler | None",
    sentence: str | None,
    ends: list[str] | None,
) -> list[str]:
    """Returns sentences; without a sampler those from the prior are drawn, the others the likeliest."""
    from sisrnn_tf.runs import texts

    model, count, seed = run.model, FLAGS.num_samples, FLAGS.sampling_seed
    num_steps = FLAGS.num_steps or run.spec.num_steps
    if sentence is not None:
        words = np.tile(texts.to_words(sentence, vocabulary), [count, 1])
        return texts.to_lines(model.reconstruct(words, None, seed, num_steps, sampler), vocabulary)
    if ends is not None:
        first, second = (texts.to_words(end, vocabulary) for end in ends)
        return texts.to_lines(model.interpolate(first, second, count, num_steps, seed, sampler), vocabulary)
    return texts.to_lines(model.generate(count, num_steps, seed, sampler), vocabulary)


def _draw(run: "Predictor", folder: Workdir, temperature: float = 1.0) -> tuple[np.ndarray, np.ndarray | None]:
    """Returns new sequences, or test sequences completed after their beginnings and as they were, all `[N, T, D]`."""
    from sisrnn_tf import factory
    from sisrnn_tf.analysis import forecasts

    num_steps, seed = FLAGS.num_steps or run.spec.num_steps, FLAGS.sampling_seed
    if FLAGS.context_steps is None:
        return run.generate(FLAGS.num_samples, num_steps, temperature, seed=seed), None
    left = num_steps - FLAGS.context_steps
    require(left > 0, "context_steps", f"below the {num_steps} steps of a sample", FLAGS.context_steps)
    dataset = factory.make_data(run.config.data, run.config.training.seed)
    folder.check_data(run.spec.of(dataset).to_json())
    context, truth = forecasts.contexts(dataset, "test", FLAGS.context_steps, left, FLAGS.num_samples)
    completions = run.forecast(context, left, 1, temperature=temperature, seed=seed)[0]
    completed, whole = (np.concatenate([context, rest], axis=1) for rest in (completions, truth))
    return completed, whole


def _save_given(run: "Predictor", outputs: dict[str, Output], temperature: float = 1.0) -> None:
    """Draws and writes sequences of which a file says what is known, with its names."""
    from sisrnn_tf.analysis import plotting
    from sisrnn_tf.data import frames

    table = frames.read(pathlib.Path(FLAGS.input), run.spec)
    sizes = (FLAGS.num_samples, FLAGS.num_steps)
    samples = run.generate(*sizes, temperature, seed=FLAGS.sampling_seed, covariates=table)
    keys, lengths = np.array(table.keys), np.isfinite(samples[0, ..., 0]).sum(axis=1)
    arrays = {"samples": samples, "lengths": lengths, "sequence": keys}
    content, names = frames.to_csv(frames.whole(table, samples)), keys.astype(str).tolist()
    figure = plotting.fans([part[:0] for part in table.sequences], samples, None, "Samples", names, table.features)
    writers = {
        ".csv": lambda file: file.write(content),
        ".npz": lambda file: np.savez_compressed(file, **arrays),
        ".png": lambda file: plotting.write(figure, file, ".png"),
    }
    print(f"Samples {samples.shape}, [draws, sequences, steps, features]:")
    print("\n".join(f"  {outputs[ending].write(write)}" for ending, write in writers.items()))


def _save(samples: np.ndarray, truth: np.ndarray | None, spec: DataSpec, outputs: dict[str, Output]) -> None:
    """Writes sequences in the data's units, and a picture of them, of strokes as SVG too."""
    from sisrnn_tf.analysis import plotting
    from sisrnn_tf.runs import pictures

    arrays: dict[str, Any] = {"observations": samples}
    if spec.kind.has_pen:
        offsets = np.arange(len(samples) + 1, dtype=np.int32) * samples.shape[1]
        arrays = {"observations": samples.reshape([-1, 3]), "observations_offsets": offsets}
    where = outputs[".npz"].write(lambda file: np.savez_compressed(file, **arrays))
    print(f"Wrote {len(samples)} sequences of {samples.shape[1]} steps to {where}")
    completed = None if truth is None else pictures.completions(samples, truth, spec, FLAGS.context_steps)
    figure = completed or pictures.samples(samples, spec)
    if figure is not None:
        for ending in [name for name in outputs if name != ".npz"]:
            where = outputs[ending].write(functools.partial(plotting.write, figure, ending=ending))
            print(f"Picture: {where}")


COMMAND = Command(main, (workdir, generation), ("workdir",))

if __name__ == "__main__":
    COMMAND.run()
