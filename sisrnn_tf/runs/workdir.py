"""The folder of a run: where everything lies in it."""

import contextlib
import fcntl
import json
import os
import pathlib
import shutil
from collections.abc import Iterator

from sisrnn_tf.configuration.config import ExperimentConfig, differences
from sisrnn_tf.configuration.growth import grown
from sisrnn_tf.core import atomic
from sisrnn_tf.runs import presets


class Workdir:
    """The folder of a run.

    Args:
        path: the folder, or `preset:NAME` for that of a preset.

    Attributes:
        config, data_spec, metrics, tracking, evaluation, baseline, latent, diagnostics, gaps, report: files.
        vocabulary, samples, reconstructions: files of text.
        weights, card: files of a run that was handed on, see `sharing`, in place of its checkpoints.
        checkpoints, likelihoods, refits, plots, tensorboard, forecasts: folders.

    Raises:
        ValueError: there is no preset of the name.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.path = presets.find(path)
        self.config = self.path / "config.json"
        self.data_spec = self.path / "data.json"
        self.vocabulary = self.path / "vocabulary.txt"
        self.samples = self.path / "samples.txt"
        self.reconstructions = self.path / "reconstructions.txt"
        self.metrics = self.path / "metrics.jsonl"
        self.tracking = self.path / "tracking.json"
        self.evaluation = self.path / "evaluation.json"
        self.baseline = self.path / "baseline.json"
        self.latent = self.path / "latent.json"
        self.diagnostics = self.path / "diagnostics.json"
        self.gaps = self.path / "gaps.json"
        self.report = self.path / "report.html"
        self.weights = self.path / "model.safetensors"
        self.card = self.path / "README.md"
        self.checkpoints = self.path / "checkpoints"
        self.likelihoods = self.path / "likelihoods"
        self.refits = self.path / "refits"
        self.plots = self.path / "plots"
        self.tensorboard = self.path / "tensorboard"
        self.forecasts = self.path / "forecasts"

    def check(self, config: ExperimentConfig) -> None:
        """Checks that a run with this configuration can start or continue here; changes nothing.

        Raises:
            ValueError: the folder cannot be written, or holds a run with another configuration: but for its epochs, of
                which there may be more. Or it holds a run that was handed on, which has nothing to continue from.
        """
        self.check_writable()
        if self.weights.exists():
            raise ValueError(
                f"`workdir` {self.path} holds a run that was handed on, without what training continues from. Choose "
                f"another workdir, and start from its weights by --init_from={self.path}"
            )
        if self.config.exists():
            present = self.read_config()
            lines = [line for line in differences(present, config) if not line.startswith("epochs:")]
            if lines:
                raise ValueError(
                    f"`workdir` {self.path} holds a run with another configuration. Continue it with the flags that it "
                    "was started with, or choose another workdir. In the workdir != from the flags:\n  "
                    + "\n  ".join(lines)
                )
            grown(present, config)

    def check_writable(self) -> None:
        """Checks that files can be written here; changes nothing.

        Raises:
            ValueError: they cannot.
        """
        for folder in (self.path, self.checkpoints, self.likelihoods, self.refits, self.plots, self.tensorboard):
            require_writable("workdir", self.path, folder)

    def read_config(self) -> ExperimentConfig:
        """Returns the configuration of the run that is here.

        Raises:
            ValueError: there is none, or it cannot be read.
        """
        if not self.config.exists():
            served = (self.path / "saved_model.pb").exists()
            what = ", a SavedModel, which `tf.saved_model.load` loads" if served else ""
            raise ValueError(
                f"`workdir` must be the folder of a run, with a config.json. Received: workdir={self.path}{what}. "
                f"Start one with `python -m launch.train`, or take one of {presets.listing()}."
            )
        try:
            return ExperimentConfig.from_json(self.config.read_text(encoding="utf-8"))
        except (ValueError, TypeError, AttributeError) as error:  # the latter two: valid JSON of another shape
            raise ValueError(f"{self.config}: {error}") from error

    def check_data(self, data_spec: str) -> None:
        """Checks that the data is what the run that is here, if there is one, was started with.

        Raises:
            ValueError: it has changed.
        """
        if not self.data_spec.exists():
            return
        present = self.data_spec.read_bytes().decode(errors="replace")  # a damaged file differs too
        if not _is_same_data(present, data_spec):
            raise ValueError(
                f"The data has changed since the run in `workdir` {self.path} was started. Restore it, or choose "
                f"another workdir. In its {self.data_spec.name}:\n{present}Received:\n{data_spec}"
            )

    def owns(self, path: pathlib.Path) -> bool:
        """Returns whether a path is that of a file which the run needs, and not of what is made of it for a reader."""
        files = [self.config, self.data_spec, self.vocabulary, self.samples, self.reconstructions]
        files += [self.metrics, self.tracking, self.evaluation, self.baseline, self.latent, self.diagnostics, self.gaps]
        files += [self.weights, self.card] if self.weights.exists() else []
        folders = (self.checkpoints, self.likelihoods, self.refits, self.plots, self.tensorboard)
        return path in files or any(folder in (path, *path.parents) for folder in folders)

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Holds the folder for one process, until its end whatever that is; removes what killed ones left unfinished.

        Raises:
            ValueError: another process holds it.
        """
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for folder in (self.path, self.checkpoints, self.likelihoods, self.refits, self.plots):
                atomic.clear_litter(folder)
            yield
        except BlockingIOError as error:
            raise ValueError(
                f"`workdir` {self.path} is in use by another process. Wait for it or choose another workdir."
            ) from error
        finally:
            os.close(descriptor)

    def create(self, config: ExperimentConfig, data_spec: str, vocabulary: str | None = None) -> None:
        """Makes the folders and writes the configuration, the specification of the data and, of text, its words.

        Args:
            config: of the run.
            data_spec: a JSON text.
            vocabulary: a word a line; None where the data is no text.
        """
        for folder in (self.checkpoints, self.plots):
            folder.mkdir(parents=True, exist_ok=True)
        if vocabulary is not None:
            atomic.write_text(self.vocabulary, vocabulary)
        atomic.write_text(self.data_spec, data_spec)
        atomic.write_text(self.config, config.to_json())


def _is_same_data(present: str, received: str) -> bool:
    """Returns whether two specifications are of one data set; some runs are older than names and layout."""
    try:
        ours, theirs = json.loads(present), json.loads(received)
    except (ValueError, RecursionError):
        return present == received
    if isinstance(ours, dict):
        for name in {"features", "layout"} - set(ours):
            theirs.pop(name, None)
    return ours == theirs


def copy_checkpoints(source: Workdir, target: Workdir) -> None:
    """Copies what a run continues from, for a process that must not write where it lies."""
    target.checkpoints.mkdir(parents=True, exist_ok=True)
    for path in source.checkpoints.glob("last-*"):
        if path.is_file():
            shutil.copy(path, target.checkpoints)
    if source.metrics.exists():
        shutil.copy(source.metrics, target.metrics)


def require_writable(
    name: str, received: pathlib.Path, folder: pathlib.Path, expected: str = "a folder that can be written"
) -> None:
    """Raises a ValueError unless files can be written to a folder, which may yet have to be made; changes nothing.

    Args:
        name: of the argument that it belongs to.
        received: the argument's value.
        folder: where files are to go.
        expected: what the argument must be.
    """
    if presets.holds(folder):
        advice = "outside of presets, which come with the package and are only read: name a place of your own"
        raise ValueError(f"`{name}` must be given, {advice}. Received: {name}={received}")
    existing = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        raise ValueError(
            f"`{name}` must be {expected}. Received: {name}={received}, but {existing} is not a folder or is read-only"
        )
