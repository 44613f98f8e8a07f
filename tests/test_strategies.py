"""Which strategy is made of flags and environment, and what is refused."""

import json

import pytest
import tensorflow as tf

from sisrnn_tf.core import strategies

CLUSTER = {"worker": ["127.0.0.1:1", "127.0.0.1:2"]}


@pytest.fixture(autouse=True)
def _no_cluster(monkeypatch):
    """Whatever starts the tests, they are not part of a cluster."""
    for name in ("TF_CONFIG", "SLURM_STEP_NUM_TASKS", "SLURMD_NODENAME"):
        monkeypatch.delenv(name, raising=False)


def _slurm(monkeypatch, **variables):
    step = {"PROCID": "1", "STEP_NUM_TASKS": "3", "STEP_NODELIST": "gpu[08-09]", "STEP_TASKS_PER_NODE": "2,1"}
    for name, value in {**step, **variables}.items():
        monkeypatch.setenv(f"SLURM_{name}", value)


@pytest.mark.parametrize("name", ["auto", "one_device"])
def test_one_device_is_tensorflows_default(name):
    strategy = strategies.make(name)
    assert strategy is tf.distribute.get_strategy() and strategies.is_chief(strategy)
    assert strategies.mean(strategy, 3) == 3 and not strategies.in_several_processes(strategy)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("other",), "`strategy` must be one of auto, one_device, mirrored, multi_worker"),
        (("one_device", 2), "`num_replicas` must be 1 with strategy=one_device"),
        (("mirrored",), "`num_replicas` must be given"),
        (("mirrored", 0), "`num_replicas` must be an int of at least 1"),
        (("multi_worker",), "needs TF_CONFIG in the environment"),
    ],
)
def test_what_is_not_there_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        strategies.make(*arguments)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        json.dumps({"cluster": CLUSTER}),
        json.dumps({"cluster": CLUSTER, "task": {"type": "worker", "index": 2}}),
        "[1, 2]",
        "[" * 100_000,
        json.dumps({"cluster": [1, 2], "task": {"type": "worker", "index": 0}}),
        json.dumps({"cluster": {"worker": [12345, 12346]}, "task": {"type": "worker", "index": 0}}),
        json.dumps({"cluster": {"worker": ["12345", "12346"]}, "task": {"type": "worker", "index": 0}}),
        json.dumps({"cluster": {"worker": {"a:1": 0}}, "task": {"type": "worker", "index": 0}}),
        json.dumps({"cluster": CLUSTER, "task": {"type": "worker", "index": 0.5}}),
        json.dumps({"cluster": CLUSTER, "task": {"type": "worker", "index": True}}),
        json.dumps({"cluster": CLUSTER, "task": {"type": ["worker"], "index": 0}}),
        json.dumps({"cluster": {**CLUSTER, "ps": ["127.0.0.1:3"]}, "task": {"type": "worker", "index": 0}}),
    ],
)
def test_a_cluster_without_this_task_or_with_others_is_refused(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(ValueError, match="`TF_CONFIG` must be of the form"):
        strategies.make()


def test_a_number_of_tasks_that_is_none_is_named(monkeypatch):
    _slurm(monkeypatch, STEP_NUM_TASKS="many")
    with pytest.raises(ValueError, match=r"`SLURM_STEP_NUM_TASKS` must be a number.*Unset it"):
        strategies.make()
    monkeypatch.delenv("SLURM_STEP_NUM_TASKS")
    assert strategies.make() is tf.distribute.get_strategy()


def test_auto_counts_processes_and_devices(monkeypatch):
    made = []
    monkeypatch.setattr(strategies, "_make_multi_worker", lambda: made.append("multi_worker") or _Replicas(3))
    monkeypatch.setattr(strategies, "_make_mirrored", lambda count: made.append("mirrored") or _Replicas(count or 2))
    strategies.make("auto", 2)
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["GPU:0", "GPU:1"])
    strategies.make()
    strategies.make("auto", 1)  # one device, though there are two
    _slurm(monkeypatch)
    strategies.make()
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": CLUSTER, "task": {"type": "worker", "index": 0}}))
    monkeypatch.setenv("SLURM_STEP_NUM_TASKS", "1")
    strategies.make()
    assert made == ["mirrored", "mirrored", "multi_worker", "multi_worker"]


class _Replicas:
    def __init__(self, count):
        self.num_replicas_in_sync = count


def test_slurm_says_which_task_runs_where(monkeypatch):
    _slurm(monkeypatch, JOB_ID="7")
    resolver = strategies.slurm_resolver()
    assert resolver.cluster_spec().as_dict() == {"worker": ["gpu08:15056", "gpu08:15057", "gpu09:15056"]}
    assert (resolver.task_type, resolver.task_id) == ("worker", 1)
    assert resolver.num_accelerators() == {"GPU": 0}  # those bound to this task: here none


def test_hosts_that_slurm_orders_otherwise_are_refused(monkeypatch):
    _slurm(monkeypatch, PROCID="0", STEP_NODELIST="gpu[9-10]", STEP_TASKS_PER_NODE="1(x2)", STEP_NUM_TASKS="2")
    monkeypatch.setenv("SLURMD_NODENAME", "gpu9")
    with pytest.raises(ValueError, match="Task 0 runs on gpu9, where TensorFlow expects it on gpu10"):
        strategies.slurm_resolver()
    _slurm(monkeypatch, PROCID="0", STEP_NODELIST="gpu[09-10]", STEP_TASKS_PER_NODE="1(x2)", STEP_NUM_TASKS="2")
    monkeypatch.setenv("SLURMD_NODENAME", "gpu09")  # "hosts whose names sort as their numbers do"
    assert strategies.slurm_resolver().task_id == 0
