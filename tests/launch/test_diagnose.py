"""launch.diagnose as a process."""

import json
import math
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


GAPS = ("--gap_epochs=1", "--gap_eval_sequences=20", "--gap_sequences=2", "--gap_steps=3", "--gap_importance=2")
SMALL = ("--num_sequences=2", "--num_noise_draws=2")


def _read(workdir, *names):
    """Bytes of the files below folders."""
    return {path: path.read_bytes() for name in names for path in sorted((workdir / name).iterdir()) if path.is_file()}


def test_measures_gaps_refit_by_refit_and_leaves_the_run_as_it_is(trained, tmp_path):
    workdir = shutil.copytree(trained[0], tmp_path / "run")
    trained_files = _read(workdir, "checkpoints", ".")
    status, output = launcher.run("diagnose", f"--workdir={workdir}", "--gaps", *GAPS, *SMALL)
    assert status == 0, output
    record = json.loads((workdir / "gaps.json").read_text())
    names = ["own", "SMC", "IWAE", "same", "smoothing", "per_dimension", "both", "wider", "per_sequence"]
    assert [row["name"] for row in record["rows"]] == names
    assert [row["num_sequences"] for row in record["rows"]] == [20] * 8 + [2]
    assert all(math.isfinite(row["nll"]) for row in record["rows"])
    assert all(row["low"] <= row["gap"] <= row["high"] for row in record["rows"][1:])
    assert (record["split"], record["num_mixing"], record["num_steps"]) == ("validation", 3, 40)
    assert output.splitlines()[-1] == f"verdict: {record['verdict']}"
    assert f"Gaps: {workdir / 'gaps.json'}" in output
    files = _read(workdir, "checkpoints", ".")
    assert {path: files[path] for path in trained_files} == trained_files

    kept = _read(workdir, "refits")
    assert [path.stem for path in kept] == sorted(names)
    (workdir / "refits" / "wider.npz").unlink()  # as if it had been stopped there
    status, output = launcher.run("diagnose", f"--workdir={workdir}", "--gaps", *GAPS, *SMALL)
    assert status == 0, output
    again = _read(workdir, "refits")
    assert [path.stem for path in kept if again[path] != kept[path]] in ([], ["wider"])  # its seconds differ
    rows = json.loads((workdir / "gaps.json").read_text())["rows"]
    same = [{name: value for name, value in row.items() if name != "seconds"} for row in (*record["rows"], *rows)]
    assert same[: len(names)] == same[len(names) :]


def test_flags_of_gaps_alone_are_refused(tmp_path):
    status, output = launcher.run("diagnose", f"--workdir={tmp_path}", "--gap_epochs=1")
    assert status != 0
    assert "ERROR: A diagnosis without --gaps makes no use of --gap_epochs: leave it out" in output


def test_a_folder_without_a_run_is_refused(tmp_path):
    status, output = launcher.run("diagnose", f"--workdir={tmp_path}")
    assert status != 0
    assert "must be the folder of a run" in output
    assert "Traceback" not in output
    assert not list(tmp_path.iterdir())
