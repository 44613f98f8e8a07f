"""Runs in Weights & Biases or MLflow, by the callbacks that these have for Keras."""

import contextlib
import dataclasses
import importlib.util
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from sisrnn_tf.configuration.config import ExperimentConfig
from sisrnn_tf.core.atomic import write_text
from sisrnn_tf.core.choices import TRACKERS
from sisrnn_tf.core.validation import parse_json, require
from sisrnn_tf.runs.workdir import Workdir

if TYPE_CHECKING:
    import keras


def require_installed(name: str | None) -> None:
    """Checks, without its import, that a library is there.

    Args:
        name: one of `choices.TRACKERS`; None for none of them.

    Raises:
        ValueError: the name is unknown, or the library is not installed.
    """
    if name is not None:
        require(name in TRACKERS, "tracking", f"one of {', '.join(TRACKERS)}", name)
        installed = importlib.util.find_spec(name) is not None
        require(installed, "tracking", f"an installed library: pip install 'sisrnn-tf[{name}]'", name)


@contextlib.contextmanager
def tracked(name: str | None, workdir: Workdir, config: ExperimentConfig) -> Iterator[list["keras.callbacks.Callback"]]:
    """Gives the callbacks that log to a library; a run that goes on is there the same run.

    Where it logs to, and by which account, its own environment variables say (`WANDB_MODE`, `MLFLOW_TRACKING_URI`).

    Args:
        name: one of `choices.TRACKERS`; None for none of them.
        workdir: of the run, where its identity in the library is kept.
        config: of the run, which is logged too.

    Raises:
        ConnectionError: the library cannot start.
    """
    if name is None:
        yield []
        return
    identities = _read(workdir)
    fields = {k: v for section in dataclasses.asdict(config).values() for k, v in section.items()}
    with contextlib.ExitStack() as stack:
        try:
            start = _start_wandb if name == "wandb" else _start_mlflow
            identity, callback = start(stack, workdir, fields, identities.get(name))
        except Exception as error:  # each library has errors of its own
            raise ConnectionError(f"`tracking` by {name} cannot start: {error}") from error
        write_text(workdir.tracking, json.dumps(identities | {name: identity}) + "\n")
        yield [callback]


def _read(workdir: Workdir) -> dict[str, str]:
    """Returns what the run is called in each library."""
    try:
        identities = parse_json(workdir.tracking.read_bytes()) if workdir.tracking.exists() else {}
        require(isinstance(identities, dict), "tracking", "a JSON object", identities)
    except ValueError as error:
        raise ValueError(f"{workdir.tracking} is damaged: {error}. Remove it, and the run is tracked anew.") from error
    return identities


def _start_wandb(
    stack: contextlib.ExitStack, workdir: Workdir, fields: dict, identity: str | None
) -> tuple[str, "keras.callbacks.Callback"]:
    import wandb
    from wandb.integration.keras import WandbMetricsLogger

    place = {"dir": str(workdir.path), "name": workdir.path.name}
    run = stack.enter_context(wandb.init(id=identity, resume="allow", config=fields, **place))
    return run.id, WandbMetricsLogger()


def _start_mlflow(
    stack: contextlib.ExitStack, workdir: Workdir, fields: dict, identity: str | None
) -> tuple[str, "keras.callbacks.Callback"]:
    import mlflow
    import mlflow.keras

    class Callback(mlflow.keras.MlflowCallback):
        """Logs the model once: MLflow refuses a parameter that has changed, as the learning rate may have."""

        def on_train_begin(self, logs=None):
            nonlocal identity
            if identity is None:
                identity = run.info.run_id
                super().on_train_begin(logs)

    run = stack.enter_context(mlflow.start_run(run_id=identity, run_name=workdir.path.name))
    if identity is None:
        mlflow.log_params(fields)
    return run.info.run_id, Callback()
