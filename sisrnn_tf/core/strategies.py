"""Over which devices and processes a batch is split: `tf.distribute` strategies, and what their processes agree on."""

import contextlib
import os
import re
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from sisrnn_tf.core.choices import STRATEGIES
from sisrnn_tf.core.validation import parse_json, require, require_int

# SLURM's jobs that share a host must not share ports.
_FIRST_PORT, _NUM_PORTS = 15_000, 10_000
_PORTS_A_JOB = 8


def make(name: str = "auto", num_replicas: int | None = None) -> tf.distribute.Strategy:
    """Makes a strategy; must come before TensorFlow does anything, since it decides which devices there are.

    Args:
        name: `one_device`; `mirrored`, over the GPUs of this machine, or on one without GPUs over logical CPU devices;
            `multi_worker`, over the processes that TF_CONFIG or SLURM names, with all GPUs of each; or `auto`, which is
            `multi_worker` where there are several processes, `mirrored` where there are several GPUs or
            `num_replicas` asks for several devices, and `one_device` elsewhere.
        num_replicas: R, of devices; None for as many as there are.

    Returns:
        The strategy; of one device it is TensorFlow's default.

    Raises:
        ValueError: the name is unknown, there are not `num_replicas` devices, or no processes are named.
    """
    require(name in STRATEGIES, "strategy", f"one of {', '.join(STRATEGIES)}", name)
    num_replicas = None if num_replicas is None else require_int("num_replicas", num_replicas, 1)
    if name == "auto":
        name = _choose(num_replicas)
    if name == "multi_worker":
        strategy = _make_multi_worker()
    else:
        strategy = _make_mirrored(num_replicas) if name == "mirrored" else tf.distribute.get_strategy()
    found = strategy.num_replicas_in_sync
    require(num_replicas in (None, found), "num_replicas", f"{found} with strategy={name}", num_replicas)
    return strategy


def _choose(num_replicas: int | None) -> str:
    if _num_processes() > 1:
        return "multi_worker"
    count = len(tf.config.list_physical_devices("GPU")) if num_replicas is None else num_replicas
    return "mirrored" if count > 1 else "one_device"


def _num_processes() -> int:
    """Returns how many processes TF_CONFIG or else SLURM names; 1 where neither does."""
    if "TF_CONFIG" in os.environ:
        return sum(len(tasks) for tasks in _read_tf_config()["cluster"].values())
    return _slurm_int("SLURM_STEP_NUM_TASKS", 1)


def _slurm_int(name: str, default: int) -> int:
    text = os.environ.get(name, str(default))
    require(text.isdecimal(), name, "a number, as SLURM sets it. Unset it outside of SLURM", text)
    return int(text)


def _read_tf_config() -> dict:
    text = os.environ["TF_CONFIG"]
    try:
        config = parse_json(text)
        cluster, task = config["cluster"], config["task"]
        known = set(cluster) <= {"chief", "worker"} and task["index"] in range(len(cluster[task["type"]]))
        known = known and type(task["index"]) is int and all(map(_are_addresses, cluster.values()))
    except (ValueError, KeyError, TypeError):
        known = False
    form = 'of the form {"cluster": {"worker": ["HOST:PORT", ..]}, "task": {"type": "worker", "index": 0}}'
    require(known, "TF_CONFIG", f"{form}, the task one of the cluster", text)
    return config


def _are_addresses(values: Any) -> bool:
    """Returns whether a value is a list of HOST:PORT."""
    return isinstance(values, list) and all(isinstance(each, str) and re.fullmatch(r".+:\d+", each) for each in values)


def _make_multi_worker() -> tf.distribute.Strategy:
    if "TF_CONFIG" in os.environ:
        _read_tf_config()
        resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver()
    elif "SLURM_STEP_NUM_TASKS" in os.environ:
        resolver = slurm_resolver()
    else:
        raise ValueError(
            "`strategy` multi_worker needs TF_CONFIG in the environment, which names the processes, or must be started "
            "by srun. See docs/distributed.md."
        )
    communication = tf.distribute.experimental.CommunicationImplementation
    implementation = communication.NCCL if tf.config.list_physical_devices("GPU") else communication.RING
    options = tf.distribute.experimental.CommunicationOptions(implementation=implementation)
    return tf.distribute.MultiWorkerMirroredStrategy(resolver, options)


def slurm_resolver() -> tf.distribute.cluster_resolver.ClusterResolver:
    """Returns what SLURM says of the processes that it started, each with the GPUs that it bound to it.

    Raises:
        ValueError: TensorFlow orders the hosts otherwise than SLURM numbers its tasks.
    """
    num_tasks = _slurm_int("SLURM_STEP_NUM_TASKS", 1)
    job = _slurm_int("SLURM_JOB_ID", 0)
    # TensorFlow's resolver would divide the GPUs of a host, and fails where there are none; SLURM has divided them.
    slurm = tf.distribute.cluster_resolver.SlurmClusterResolver(
        port_base=_FIRST_PORT + job * _PORTS_A_JOB % _NUM_PORTS,
        gpus_per_node=num_tasks,
        gpus_per_task=1,
        auto_set_gpu=False,
    )
    cluster = slurm.cluster_spec()
    task_type, task_id = slurm.get_task_info()
    host = cluster.task_address(task_type, task_id).split(":")[0]
    if os.environ.get("SLURMD_NODENAME", host) != host:
        raise ValueError(
            f"Task {task_id} runs on {os.environ['SLURMD_NODENAME']}, where TensorFlow expects it on {host}: it sorts "
            "hosts by name, SLURM by number. Use hosts whose names sort as their numbers do (n09, n10), or TF_CONFIG."
        )
    gpus = len(tf.config.list_physical_devices("GPU"))
    return tf.distribute.cluster_resolver.SimpleClusterResolver(
        cluster, task_type=task_type, task_id=task_id, num_accelerators={"GPU": gpus}, rpc_layer="grpc"
    )


def _make_mirrored(num_replicas: int | None) -> tf.distribute.Strategy:
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        return tf.distribute.MirroredStrategy([f"GPU:{index}" for index in range(len(gpus))[:num_replicas]])
    if num_replicas is None:
        raise ValueError("`num_replicas` must be given with strategy=mirrored where there are no GPUs. Received: None")
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * num_replicas)
    return tf.distribute.MirroredStrategy([f"CPU:{index}" for index in range(num_replicas)])


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Returns whether this process is the one that writes: the only one, or the first of several."""
    return strategy.extended.should_checkpoint


def in_several_processes(strategy: tf.distribute.Strategy) -> bool:
    """Returns whether other processes train along with this one."""
    return isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy) and len(_cluster(strategy)) > 1


def _cluster(strategy: tf.distribute.MultiWorkerMirroredStrategy) -> list[str]:
    jobs = strategy.cluster_resolver.cluster_spec().as_dict()
    return [address for addresses in jobs.values() for address in addresses]


def mean(strategy: tf.distribute.Strategy, value: float) -> float:
    """Returns the mean of a value over all replicas; each process must call this at the same point of its work."""
    if not in_several_processes(strategy):
        return value
    values = strategy.experimental_distribute_values_from_function(lambda _: tf.constant(value, tf.float64))
    return float(strategy.reduce(tf.distribute.ReduceOp.MEAN, values, axis=None))


def wait(strategy: tf.distribute.Strategy) -> None:
    """Waits until all processes have come here."""
    mean(strategy, 0.0)


def check_same(strategy: tf.distribute.Strategy, step: int) -> None:
    """Checks that all processes continue from the same step; each must call this at the same point of its work.

    Raises:
        ValueError: they do not.
    """
    if mean(strategy, step) != step:
        raise ValueError(
            f"The processes found checkpoints of different steps, this one of step {step}: `workdir` must lie on a "
            "file system that all of them share."
        )


@contextlib.contextmanager
def losses_reported(strategy: tf.distribute.Strategy) -> Iterator[None]:
    """Says of an error of TensorFlow, where several processes work together, that one of them is gone.

    Raises:
        ConnectionError: it is.
    """
    try:
        yield
    except tf.errors.OpError as error:
        if not in_several_processes(strategy):
            raise
        reason = (error.message or "").strip().split("\n\n")[-1].split("\n")[0]  # before it stands where in the code
        raise ConnectionError(
            "Another process of this run is gone, or work with it failed. Start all of them again: they continue from "
            f"the last checkpoint. ({type(error).__name__}: {reason})"
        ) from error
