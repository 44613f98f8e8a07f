"""Runs in Weights & Biases and MLflow: the same run there as here, whatever stopped it."""

import importlib.util
import json

import keras
import numpy as np
import pytest

from sisrnn_tf.configuration.presets import from_options
from sisrnn_tf.core.choices import TRACKERS
from sisrnn_tf.runs import tracking
from sisrnn_tf.runs.workdir import Workdir


@pytest.mark.parametrize("name", TRACKERS)
def test_a_library_that_is_not_installed_is_named_with_how_to_install_it(monkeypatch, name):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    tracking.require_installed(None)
    with pytest.raises(ValueError, match=rf"pip install 'sisrnn-tf\[{name}\]'\. Received: tracking='{name}'"):
        tracking.require_installed(name)


def test_another_library_is_refused():
    with pytest.raises(ValueError, match="`tracking` must be one of wandb, mlflow"):
        tracking.require_installed("other")


def test_without_one_nothing_is_logged(tmp_path):
    with tracking.tracked(None, Workdir(tmp_path), from_options("small", {})) as parts:
        assert parts == []
    assert not list(tmp_path.iterdir())


def test_a_damaged_identity_is_named(tmp_path):
    workdir = Workdir(tmp_path)
    workdir.tracking.write_text("[]")
    message = r"tracking\.json is damaged"
    with pytest.raises(ValueError, match=message), tracking.tracked("wandb", workdir, from_options("small", {})):
        pass


@pytest.mark.parametrize("name", TRACKERS)
def test_a_run_that_goes_on_is_the_same_run_there(tmp_path, monkeypatch, name):
    library = pytest.importorskip(name)
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"file://{tmp_path / 'store'}")
    workdir = Workdir(tmp_path)
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("adam", "mse")
    identities = []
    for epoch in range(2):
        with tracking.tracked(name, workdir, from_options("small", {"epochs": 7 + epoch})) as parts:
            model.fit(
                np.ones([4, 2]), np.ones([4, 1]), initial_epoch=epoch, epochs=epoch + 1, callbacks=parts, verbose=0
            )
        model.optimizer.learning_rate = 0.5  # of what is logged as a parameter
        identities.append(json.loads(workdir.tracking.read_text())[name])
    assert identities[0] == identities[1]
    if name == "mlflow":
        run = library.get_run(identities[0])
        assert run.data.params["hidden_size"] == "32" and "loss" in run.data.metrics
        history = library.MlflowClient().get_metric_history(identities[0], "loss")
        assert [each.step for each in history] == [0, 1]
    else:
        assert len(list(tmp_path.glob(f"wandb/offline-run-*-{identities[0]}"))) == 2
