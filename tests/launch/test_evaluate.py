"""launch.evaluate as a process."""

import json
import shutil

import pytest

from tests.launch import launcher


def test_adds_a_record_for_each_estimator(trained, tmp_path):
    workdir = tmp_path / "run"
    shutil.copytree(trained[0], workdir)
    before = json.loads((workdir / "evaluation.json").read_text())
    flags = ("--estimator=all", "--num_importance=3", "--num_mixing=2", "--max_eval_sequences=20", "--sampling_seed=4")
    status, output = launcher.run("evaluate", f"--workdir={workdir}", *flags)
    assert status == 0, output
    records = json.loads((workdir / "evaluation.json").read_text())
    assert records[:2] == before
    bound, iwae, smc = records[2:]
    for record, estimator, num_importance in ((bound, "L_K", 1), (iwae, "IWAE", 3), (smc, "SMC", 3)):
        assert (record["split"], record["estimator"]) == ("test", estimator)
        assert (record["num_mixing"], record["num_importance"], record["seed"]) == (2, num_importance, 4)
        assert record["num_sequences"] == 20
        assert record["nll_per_step"] == pytest.approx(record["nll"] / 8, rel=1e-6)
        assert f"test NLL <= {record['nll']:.3f} +- {record['standard_error']:.3f}" in output
        assert f"({estimator}, K=2, M={num_importance}, seed 4; {before[0]['convention']}; 20 sequences)" in output
        assert record["nll"] == pytest.approx(bound["nll"], abs=3)


def test_a_folder_without_a_run_is_refused(tmp_path):
    status, output = launcher.run("evaluate", f"--workdir={tmp_path}")
    assert status != 0
    assert "must be the folder of a run" in output
    assert not list(tmp_path.iterdir())
