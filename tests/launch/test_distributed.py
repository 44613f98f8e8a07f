"""launch.train on two devices and in two processes: the same as one device that loops over the shards, and kills."""

import json
import shutil
import signal
import socket
import time

import numpy as np
import pytest

from sisrnn_tf.configuration.presets import from_options
from sisrnn_tf.runs.training import Trainer
from sisrnn_tf.runs.workdir import Workdir
from tests.launch import launcher
from tests.reference.replicas import ReplicaLoop

# 2 epochs of 40 steps; the second batch of the validation ends in a shard without any sequence.
FLAGS = (
    "--model=vrnn",
    "--latent_size=2",
    "--hidden_size=4",
    "--encoder_sizes=8",
    "--prior_sizes=4",
    "--decoder_sizes=8",
    "--epochs=2",
    "--clip_norm=5",
    "--eval_batch_size=20",
    "--max_eval_sequences=28",
    "--save_every_steps=2",
)


def _start_workers(workdir) -> list:
    sockets = [socket.socket() for _ in range(2)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    cluster = {"worker": [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]}
    for each in sockets:
        each.close()
    configs = [{"cluster": cluster, "task": {"type": "worker", "index": index}} for index in range(2)]
    flags = (f"--workdir={workdir}", *FLAGS)
    return [launcher.start("train", *flags, TF_CONFIG=json.dumps(config)) for config in configs]


def _end(*processes) -> list[tuple[int, str]]:
    outputs = [process.communicate(timeout=300)[0] for process in processes]
    return [(process.returncode, output) for process, output in zip(processes, outputs, strict=True)]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Workdirs of a run of each strategy; of `multi_worker` a worker was killed, and both were started again.

    Returns:
        The folder of both; by name, status and output of the chief that was left, and of the chief and worker that were
        started again.
    """
    folder = tmp_path_factory.mktemp("runs")
    flags = ("--strategy=mirrored", "--num_replicas=2", f"--workdir={folder / 'mirrored'}", *FLAGS)
    mirrored = launcher.start("train", *flags)
    workdir = folder / "multi_worker"
    chief, worker = _start_workers(workdir)
    while not list(workdir.glob("checkpoints/last-*.index")):
        assert chief.poll() is None and worker.poll() is None, _end(chief, worker)
        time.sleep(0.01)
    worker.send_signal(signal.SIGKILL)
    left, _ = chief.communicate(timeout=60)
    worker.communicate()
    results = {"left": (chief.returncode, left)}
    saved = [int(path.stem.split("-")[1]) for path in workdir.glob("checkpoints/last-*.index")]
    assert max(saved) < 40, "the kill was to come inside the first epoch"
    results["chief"], results["worker"] = _end(*_start_workers(workdir))
    ((status, output),) = _end(mirrored)
    assert status == 0, output
    return folder, results


@pytest.fixture(scope="module")
def reference(runs):
    """One device that loops over the two shards of each batch, and its losses of training and validation by epoch."""
    loop = ReplicaLoop(Workdir(runs[0] / "mirrored").read_config())
    return loop, [(loop.train_epoch(), loop.validate()) for _ in range(2)]


@pytest.mark.parametrize("strategy", ["mirrored", "multi_worker"])
def test_two_replicas_train_as_one_device_that_loops_over_their_shards(runs, reference, strategy):
    workdir, (loop, losses) = runs[0] / strategy, reference
    state = launcher.read_state(workdir)
    for weight in loop.model.trainable_variables:
        key = f"variables/{weight.path.replace('/', '.S')}/.ATTRIBUTES/VARIABLE_VALUE"
        np.testing.assert_allclose(state[key], weight.numpy(), rtol=0, atol=1e-5, err_msg=weight.path)
    records = launcher.read_metrics(workdir)
    assert [record["step"] for record in records] == [40, 80]
    np.testing.assert_allclose([(record["loss"], record["val_loss"]) for record in records], losses, rtol=1e-6)


def test_the_loss_of_a_worker_ends_the_other_and_started_again_they_end_as_if_nothing_had_been(runs):
    folder, results = runs
    status, output = results["left"]
    assert status == 1 and "ERROR: Another process of this run is gone" in output, output
    for status, output in (results["chief"], results["worker"]):
        assert status == 0 and "Continuing from step" in output, output
    expected, received = (launcher.read_state(folder / name) for name in ("mirrored", "multi_worker"))
    assert received.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(received[name], value, rtol=1e-5, atol=1e-5, err_msg=name)
    expected, received = (launcher.read_metrics(folder / name) for name in ("mirrored", "multi_worker"))
    for left, right in zip(expected, received, strict=True):
        assert right == pytest.approx(left, rel=1e-5)


def test_the_chief_alone_writes_and_evaluates(runs):
    folder, results = runs
    mirrored, multi_worker = (
        {path.relative_to(folder / name) for path in (folder / name).rglob("*") if "tfevents" not in path.name}
        for name in ("mirrored", "multi_worker")
    )
    assert multi_worker == mirrored
    output = results["worker"][1]
    assert "first process has evaluated" in output and "test NLL" not in output
    first, second = (
        json.loads((folder / name / "evaluation.json").read_text()) for name in ("mirrored", "multi_worker")
    )
    assert [record["nll"] for record in first] == pytest.approx([record["nll"] for record in second], rel=1e-5)


def test_another_number_of_replicas_is_refused(runs, tmp_path):
    shutil.copy(runs[0] / "mirrored" / "config.json", tmp_path)
    config = Workdir(tmp_path).read_config()
    with pytest.raises(ValueError, match=r"another configuration[^!]*!=[^!]*num_replicas: 2 != 1$"):
        Trainer.prepare(config, Workdir(tmp_path))


@pytest.mark.parametrize("name", ["batch_size", "eval_batch_size"])
def test_batches_that_replicas_cannot_share_are_refused(name):
    with pytest.raises(ValueError, match=f"`{name}` must be divisible by num_replicas=3"):
        from_options("small", {"num_replicas": 3, "batch_size": 30, "eval_batch_size": 30} | {name: 32})


@pytest.mark.parametrize(("name", "value"), [("jit_compile", True), ("steps_per_execution", 2)])
def test_what_fails_with_several_replicas_is_refused(name, value):
    with pytest.raises(ValueError, match=f"`{name}` must be .* with num_replicas=2"):
        from_options("small", {"num_replicas": 2, name: value})
