"""A trained run as a folder to hand on: what a model hub shows and `sisrnn_tf.load` reads, without a hub.

It is a run's folder without what only training needs: `config.json`, `data.json`, of text `vocabulary.txt`, what is
known of its likelihoods and its latent, and in place of checkpoints `model.safetensors`; beside them its card.
"""

import json
import os
import pathlib
import tempfile
from typing import Any

import jinja2

from sisrnn_tf._version import __version__
from sisrnn_tf.analysis import likelihood_records
from sisrnn_tf.core import atomic
from sisrnn_tf.core.validation import require
from sisrnn_tf.runs import commands, latents, run_files, typeset, weights
from sisrnn_tf.runs.training import TrainedRun
from sisrnn_tf.runs.workdir import Workdir


def write(workdir: Workdir, run: TrainedRun, path: str | os.PathLike[str], provenance: str | None = None) -> None:
    """Writes the best epoch of a run as a folder to hand on, whole or not at all.

    Args:
        workdir: of the run; only read. It may be a folder of this kind itself.
        run: what it made.
        path: of the folder to make.
        provenance: whence the data is and under which licence, in words, for the card; None where nobody says.

    Raises:
        ValueError: the path exists, or the best epoch has no likelihood yet, which the card is to show.
        OSError: a file cannot be written.
    """
    path = pathlib.Path(path)
    check_new(path)
    records = [each for each in _records(workdir, run) if each.get("epoch") == run.epoch]
    evaluated = f"of a run that is evaluated at its best epoch, {run.epoch}: `launch.train` does so at its end"
    require(bool(records), "workdir", evaluated, str(workdir.path))
    target = Workdir(path)
    kept = {target.config: workdir.config, target.data_spec: workdir.data_spec, target.vocabulary: workdir.vocabulary}
    kept |= {target.latent: workdir.latent, target.baseline: workdir.baseline}
    texts = {name.name: source.read_text(encoding="utf-8") for name, source in kept.items() if source.exists()}
    texts[target.evaluation.name] = json.dumps(records, indent=2) + "\n"
    texts[target.card.name] = _card(path.absolute().name, workdir, run, records, provenance)
    with atomic.named(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as temporary:
            folder = pathlib.Path(temporary, "model")
            folder.mkdir()
            weights.write(folder / target.weights.name, run.model.variables, run.epoch)
            for name, text in texts.items():
                (folder / name).write_text(text, encoding="utf-8")
            os.rename(folder, path)


def check_new(path: pathlib.Path) -> None:
    """Raises a ValueError where there is something already."""
    require(not path.exists(), "export_dir", "new: what was handed on is never changed", str(path))


def _records(workdir: Workdir, run: TrainedRun) -> list[dict]:
    return run_files.read_evaluation(workdir.evaluation, run.spec.convention)


def _card(title: str, workdir: Workdir, run: TrainedRun, records: list[dict], provenance: str | None) -> str:
    """Returns the card as Markdown, with the front matter in which hubs look for what they list."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("sisrnn_tf.runs"),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # Markdown
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["quoted"] = lambda text: json.dumps(text, ensure_ascii=False)  # a string of JSON is one of YAML
    use = latents.read(workdir)
    evaluations = [commands.evaluate(workdir, run.config, run.spec, each) for each in records]
    return environment.get_template("model_card.md").render(
        title=title,
        model=type(run.model).__name__,
        version=__version__,
        epoch=run.epoch,
        count=f"{run.model.count_params():,}",
        spec=run.spec,
        provenance=provenance,
        normalization=_describe_normalization(run),
        metrics=[_metric(record) for record in records],
        figure=likelihood_records.FIGURES[likelihood_records.figure(records[0])],
        latent=None if use is None else use.describe(),
        has_steps=run.model.has_steps,
        commands=[commands.train(workdir, run.config), *dict.fromkeys(each for each in evaluations if each)],
    )


def _metric(record: dict) -> dict[str, Any]:
    """Returns a record as the card's table and front matter show it."""
    places = typeset.digits(record["standard_error"])
    error = "" if record["standard_error"] is None else f" +- {record['standard_error']:.{places}f}"
    estimator = f"{record['estimator']}, K={record['num_mixing']}, M={record['num_importance']}, seed {record['seed']}"
    return {
        "split": record["split"],
        "estimator": estimator,
        "nll": record["nll"],
        "text": f"{record['quantity'].split()[-1]} {record['nll']:.{places}f}{error}",
        "per_step": f"{record['nll_per_step']:.4f}",
        "figure": f"{record[likelihood_records.figure(record)]:.4f}",
        "count": f"{record['num_sequences']:,}",
        "label": f"{record['split']} {record['quantity']} ({estimator}), nats per sequence",
    }


def _describe_normalization(run: TrainedRun) -> str | None:
    scale = run.spec.normalization
    if scale is None:
        return None
    shift, factor = (", ".join(f"{value:.6g}" for value in values) for values in (scale.shift, scale.scale))
    return f"`{scale.name}`, (x - shift) / scale with shift {shift} and scale {factor}"
