"""launch.score as a process."""

import csv
import os
import signal
import subprocess
import sys
import zlib

import numpy as np
import pytest

from sisrnn_tf.core import random
from sisrnn_tf.runs import training
from sisrnn_tf.runs.workdir import Workdir
from tests.launch import launcher

QUIET = os.environ | {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
SHARDS, ROWS = 50, 200  # 10,000 sequences


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")
    for number in range(SHARDS):
        rng = np.random.default_rng(number)
        observations = (rng.random([ROWS, 3, 8]) < 0.5).astype(np.uint8)
        keys = [f"{number}-{row}" for row in range(ROWS)]
        np.savez(
            folder / f"part-{number}.npz",
            observations=observations,
            lengths=1 + rng.integers(3, size=ROWS),
            sequence=keys,
        )
    return folder


def _read(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_killed_and_started_again_it_loses_and_doubles_nothing(trained, shards, tmp_path):
    output = tmp_path / "scores"
    arguments = (f"--workdir={trained[0]}", f"--input={shards}", f"--output={output}", "--num_importance=2")
    command = [sys.executable, "-m", "launch.score", *arguments, "--num_workers=2", "--batch_size=64"]
    process = subprocess.Popen(command, cwd=launcher.ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=QUIET)
    while process.poll() is None and not list(output.glob("done/*.json")):
        pass
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=100)  # until the workers, which write there too, have ended
    before = {path.stem: path.stat().st_mtime_ns for path in output.glob("done/*.json")}
    assert 0 < len(before) < SHARDS
    damaged = output / min(before)
    damaged.write_text(damaged.read_text() + "1-1,0.0,1\n")

    status, text = launcher.run("score", *arguments, "--batch_size=100")
    assert status == 0, text
    assert f"10000 sequences in 50 shards, {len(before) - 1} of them done before" in text
    kept = [path for path in output.glob("done/*.json") if path.stat().st_mtime_ns == before.get(path.stem)]
    assert len(kept) == len(before) - 1
    rows = [row for path in output.glob("*.csv") for row in _read(path)]
    expected = {f"{number}-{row}" for number in range(SHARDS) for row in range(ROWS)}
    assert len(rows) == 10_000 and {row["sequence"] for row in rows} == expected

    run = training.load_best(Workdir(trained[0]))
    for name in (damaged.stem, "part-49"):  # in batches of another size than here
        with np.load(shards / f"{name}.npz") as shard:
            observations, lengths = shard["observations"].astype(np.float32), shard["lengths"]
        seed = random.fold_in(random.as_seed(0), zlib.crc32(name.encode()) - 2**31)
        values = run.model.score(observations, np.arange(3) < lengths[:, np.newaxis], 2, 2, seed)
        received = [float(row["log_likelihood"]) for row in _read(output / f"{name}.csv")]
        np.testing.assert_allclose(received, values, rtol=1e-4)


def test_a_bad_shard_does_not_stop_the_others(trained, shards, tmp_path):
    for name in ("part-0.npz", "part-1.npz"):
        (tmp_path / name).write_bytes((shards / name).read_bytes())
    (tmp_path / "part-00.csv").write_text("no shard")
    (tmp_path / "part-01.npz").write_text("of another machine")
    flags = (f"--workdir={trained[0]}", f"--input={tmp_path}", f"--output={tmp_path / 'scores'}", "--output_format=npz")
    status, text = launcher.run("score", *flags, "--num_machines=2", "--machine=1")
    assert status != 0 and "ERROR: 1 of 2 shards were not scored:\npart-00: " in text, text
    assert "Traceback" not in text
    assert (
        "WARNING: " in text and "data.json keeps no names of features: columns of .csv are taken by their place" in text
    )
    assert sorted(path.name for path in (tmp_path / "scores").glob("*.npz")) == ["part-1.npz"]


def test_without_shards_there_is_an_error(trained, tmp_path):
    flags = (f"--workdir={trained[0]}", f"--input={tmp_path}/*.npz", f"--output={tmp_path / 'scores'}")
    status, text = launcher.run("score", *flags)
    assert status != 0 and "ERROR: `input` must be a file" in text and "Traceback" not in text
    assert not list(tmp_path.iterdir())
