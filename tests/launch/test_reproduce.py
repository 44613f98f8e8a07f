"""launch.reproduce as a process: killed, continued, and a third time with nothing to do."""

import json
import signal

import pytest

from sisrnn_tf.reproduction import plans
from sisrnn_tf.reproduction.results import Results
from sisrnn_tf.reproduction.runner import Runner
from tests.launch import launcher

PLAN = plans.make("mnist", "smoke")


def arguments(folder, rows):
    flags = (f"--results_dir={folder / 'results'}", f"--workdir={folder / 'work'}", f"--rows={rows}")
    return ("--table=mnist", "--scale=smoke", *flags)


def read(folder):
    """Row -> its result but for what measures the machine."""
    runs = Results(PLAN, folder / "results").read()
    for run in runs:
        del run["seconds"]
        for epoch in run["epochs"]:
            del epoch["seconds"]
    return {run["row"]: run for run in runs}


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("uninterrupted")
    status, output = launcher.run_anew("reproduce", *arguments(folder, "vrnn"))
    assert status == 0, output
    return read(folder)["vrnn"]


def test_a_killed_reproduction_goes_on_skips_what_is_done_and_ends_the_same(uninterrupted, tmp_path):
    process = launcher.start("reproduce", *arguments(tmp_path, "rnn,vrnn"))
    while process.poll() is None and not list(tmp_path.glob("work/mnist-smoke/vrnn-seed0/checkpoints/last-*.index")):
        pass
    process.send_signal(signal.SIGKILL)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL, output
    assert "2 of 2 runs are left: not known yet" in output
    assert list(read(tmp_path)) == ["rnn"]

    status, output = launcher.run("reproduce", *arguments(tmp_path, "rnn,vrnn"))
    assert status == 0, output
    assert "rnn, seed 0: done in" in output and "1 of 2 runs are left: about" in output
    assert "\nrnn, seed 0: RNN" not in output and "Continuing from step" in output
    assert read(tmp_path)["vrnn"] == uninterrupted
    table = (tmp_path / "results" / "mnist-smoke.md").read_text()
    nll = next(record["nll"] for record in uninterrupted["records"] if record["split"] == "test")
    assert f"| VRNN (1-layer) | ≤ 74.15 | ≤ {nll:.2f}" in table

    files = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    lines = []
    runner = Runner(Results(PLAN, tmp_path / "results"), tmp_path / "work", show=lines.append)
    assert runner.run(PLAN.select(["rnn", "vrnn"])) == []
    assert lines[-1].endswith("All 2 runs are done.")
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == files


def test_the_commands_of_a_result_are_those_of_its_records(uninterrupted):
    train, *evaluate = uninterrupted["commands"]
    assert "launch.train" in train and "--workdir=runs/mnist-smoke/vrnn-seed0" in train
    assert [line for command in evaluate for line in command.splitlines() if "estimator" in line] == [
        "    --estimator=iwae \\",
        "    --estimator=smc \\",
    ]
    assert uninterrupted["config"] == json.loads(PLAN.row("vrnn").config(0, None).to_json())
    assert {record["split"] for record in uninterrupted["records"]} == {"validation", "test"}
    assert uninterrupted["diagnostics"] is None  # a point mass
