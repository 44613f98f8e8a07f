"""launch.diagnose as a process."""

import json
import shutil

import matplotlib.image
import pytest

from tests.launch import launcher


def test_writes_diagnostics_and_pictures(trained, tmp_path):
    workdir = tmp_path / "run"
    shutil.copytree(trained[0], workdir)
    flags = ("--num_sequences=300", "--num_noise_draws=20", "--sampling_seed=4", "--split=validation")
    status, output = launcher.run_anew("diagnose", f"--workdir={workdir}", *flags)
    assert status == 0, output
    record = json.loads((workdir / "diagnostics.json").read_text())
    assert (record["model"], record["split"], record["seed"]) == ("sisrnn", "validation", 4)
    assert (record["num_sequences"], record["num_noise_draws"]) == (250, 20)  # all that there are
    assert (record["num_steps"], record["latent_size"]) == (8, 2)
    assert len(record["kl_per_step"]) == len(record["mutual_information_per_step"]) == 8
    assert [dimension["dimension"] for dimension in record["dimensions"]] == [0, 1]
    assert record["active_units"] == sum(dimension["active"] for dimension in record["dimensions"])
    shares = [dimension["mixing_share"] for dimension in record["dimensions"]]
    assert record["mean_mixing_share"] == pytest.approx(sum(shares) / 2)
    assert ("marginals.png" in output) == (workdir / "plots" / "marginals.png").exists()
    assert (workdir / "plots" / "marginals.png").exists() != record["marginals_gaussian"]
    for name in ("marginals",) * (not record["marginals_gaussian"]) + ("information",):
        assert matplotlib.image.imread(workdir / "plots" / f"{name}.png")[..., :3].std() > 0.01
        assert str(workdir / "plots" / f"{name}.png") in output
    assert str(workdir / "diagnostics.json") in output
    assert output.splitlines()[-1] == f"verdict: {record['verdict']}"


def test_a_folder_without_a_run_is_refused(tmp_path):
    status, output = launcher.run("diagnose", f"--workdir={tmp_path}")
    assert status != 0
    assert "must be the folder of a run" in output
    assert "Traceback" not in output
    assert not list(tmp_path.iterdir())
