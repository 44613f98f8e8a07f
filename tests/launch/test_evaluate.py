"""launch.evaluate as a process."""

import json
import shutil
import signal

import pytest

from sisrnn_tf.runs.workdir import Workdir
from tests.launch import launcher


@pytest.fixture
def workdir(trained, tmp_path):
    """A copy of the trained run."""
    return shutil.copytree(trained[0], tmp_path / "run")


def _records(workdir):
    return json.loads((workdir / "evaluation.json").read_text())


def test_adds_a_record_for_each_estimate_and_shows_a_table(workdir):
    before = _records(workdir)
    flags = ("--num_importance=1,3", "--num_mixing=2", "--max_eval_sequences=20", "--sampling_seed=4", "--num_seeds=2")
    status, output = launcher.run_anew("evaluate", f"--workdir={workdir}", "--estimator=all", *flags)
    assert status == 0, output
    records = _records(workdir)
    assert records[:2] == before
    assert len({record["epoch"] for record in records}) == 1
    keys = [(record["estimator"], record["num_importance"], record["seed"]) for record in records[2:]]
    assert keys == [("L_K", 1, 4), ("L_K", 1, 5)] + [
        (estimator, m, seed) for estimator in ("IWAE", "SMC") for m in (1, 3) for seed in (4, 5)
    ]
    nll = {key: record["nll"] for key, record in zip(keys, records[2:], strict=True)}
    assert nll["IWAE", 1, 4] == pytest.approx(nll["SMC", 1, 4], rel=1e-5)
    assert nll["IWAE", 3, 4] == pytest.approx(nll["L_K", 1, 4], abs=3)
    for record in records[2:]:
        assert (record["split"], record["num_mixing"], record["num_sequences"]) == ("test", 2, 20)
        assert record["nll_per_step"] == pytest.approx(record["nll"] / 8, rel=1e-6)
        line = f"({record['estimator']}, K=2, M={record['num_importance']}, seed {record['seed']}; "
        assert f"test NLL <= {record['nll']:.3f} +- {record['standard_error']:.3f}" in output
        assert f"{line}{before[0]['convention']}; 20 sequences)" in output
    table = output[output.index("estimator  ") :].splitlines()
    assert len(table) == 6
    mean = (nll["SMC", 3, 4] + nll["SMC", 3, 5]) / 2
    assert table[-1].split()[:4] == ["SMC", "2", "3", f"{mean:.3f}"]


def test_float64_is_close_to_float32(workdir):
    before = _records(workdir)[1]
    flags = ("--estimator=bound", "--num_mixing=2", "--precision=float64")
    status, output = launcher.run("evaluate", f"--workdir={workdir}", *flags)
    assert status == 0, output
    record = _records(workdir)[1]
    assert (before["precision"], record["precision"]) == ("float32", "float64")
    assert record["nll"] == pytest.approx(record["kl"] - record["reconstruction"], rel=1e-12)
    assert record["nll"] != before["nll"]
    assert record["nll"] == pytest.approx(before["nll"], rel=1e-5)


def test_a_killed_evaluation_goes_on(workdir, tmp_path):
    flags = ("--estimator=iwae", "--num_importance=4", "--num_mixing=1", "--max_eval_sequences=250")  # two batches
    arguments = (f"--workdir={workdir}", *flags)
    process = launcher.start("evaluate", *arguments)
    while process.poll() is None and not list(workdir.glob("likelihoods/*.npz")):
        pass
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    status, output = launcher.run("evaluate", *arguments)
    assert status == 0, output
    again = _records(workdir)[-1]
    shutil.rmtree(workdir / "likelihoods")
    status, output = launcher.run("evaluate", *arguments)
    assert status == 0, output
    assert _records(workdir)[-1] == again


@pytest.mark.parametrize("number", ["x", 2**31])
def test_bad_numbers_are_refused(workdir, number):
    status, output = launcher.run("evaluate", f"--workdir={workdir}", f"--num_mixing=1,{number}")
    assert status != 0
    assert "--num_mixing must be ints of at least 0" in output and "Traceback" not in output


def _damage_evaluation(workdir):
    (workdir / "evaluation.json").write_text("[{")
    return "evaluation.json is damaged"


def _occupy_likelihoods(workdir):
    (workdir / "likelihoods").write_text("")
    return "likelihoods is not a folder"


@pytest.mark.parametrize("damage", [_damage_evaluation, _occupy_likelihoods])
def test_a_damaged_workdir_is_refused_before_any_work(workdir, damage):
    expected = damage(workdir)
    status, output = launcher.run("evaluate", f"--workdir={workdir}", "--estimator=bound", "--max_eval_sequences=4")
    assert status != 0
    assert "ERROR: " in output and expected in output and "Traceback" not in output and "NLL" not in output


def test_a_workdir_in_use_is_refused(workdir):
    with Workdir(workdir).lock():
        status, output = launcher.run("evaluate", f"--workdir={workdir}", "--max_eval_sequences=4")
    assert status != 0
    assert "is in use by another process" in output


def test_a_folder_without_a_run_is_refused(tmp_path):
    status, output = launcher.run("evaluate", f"--workdir={tmp_path}")
    assert status != 0
    assert "must be the folder of a run" in output
    assert not list(tmp_path.iterdir())
