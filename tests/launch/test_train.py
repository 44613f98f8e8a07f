"""launch.train as a process: files, resume after a kill, refusals."""

import json
import random
import signal

import matplotlib.image
import numpy as np
import pytest

from tests.launch import launcher


def test_a_run_leaves_all_its_files(trained):
    workdir, output = trained
    names = {path.relative_to(workdir).parts[0] for path in workdir.rglob("*")}
    expected = {"config.json", "data.json", "metrics.jsonl", "evaluation.json", "baseline.json", "latent.json"}
    expected |= {"checkpoints", "plots", "tensorboard"}
    assert names == expected
    assert any("tfevents" in path.name for path in workdir.rglob("*"))
    for name in ("samples", "reconstructions", "training"):
        picture = matplotlib.image.imread(workdir / "plots" / f"{name}.png")
        assert picture[..., :3].std() > 0.01, f"{name} is blank"
    assert str(workdir / "plots") in output


def test_the_use_of_the_latent_is_measured_and_said(trained):
    use = json.loads((trained[0] / "latent.json").read_text())
    assert use["latent_size"] == 2 and 0 <= use["active_units"] <= 2 and use["kl_per_step"] >= 0
    assert f"Latent: {use['active_units']} of 2 latent units are active" in trained[1]


def test_tensorflow_optimizes_every_graph_of_a_run(trained):
    # What fails there is left as it is, with no more than these lines of its log.
    failed = [line for line in trained[1].splitlines() if "failed: INVALID_ARGUMENT" in line or "remapper" in line]
    assert not failed, failed


def test_the_metrics_log_holds_a_line_an_epoch(trained):
    records = launcher.read_metrics(trained[0])
    assert [(record["epoch"], record["step"]) for record in records] == [(1, 40), (2, 80), (3, 120)]
    assert [record["num_mixing"] for record in records] == [1, 1, 2]
    assert {record["val_num_mixing"] for record in records} == {2}
    assert {record["val_kl_weight"] for record in records} == {1.0}
    for record in records:
        assert record["val_loss"] == pytest.approx(-record["val_surrogate"], rel=1e-6)
    assert records[-1]["loss"] < records[0]["loss"]


def test_the_evaluation_states_what_it_is(trained):
    workdir, output = trained
    records = json.loads((workdir / "evaluation.json").read_text())
    assert [record["split"] for record in records] == ["validation", "test"]
    for record in records:
        assert (record["estimator"], record["num_mixing"], record["num_importance"]) == ("L_K", 2, 1)
        assert record["num_sequences"] == 50
        assert record["nll"] == pytest.approx(record["kl"] - record["reconstruction"], rel=1e-6)
        assert record["nll_per_step"] == pytest.approx(record["nll"] / 8, rel=1e-6)
        line = f"{record['split']} NLL <= {record['nll']:.3f}"
        assert line in output
    assert "L_K, K=2, M=1, seed 0; digits, threshold, rows" in output


def test_the_same_command_on_a_finished_run_repeats_its_result(trained):
    workdir, output = trained
    before = launcher.read_metrics(workdir)
    evaluation = (workdir / "evaluation.json").read_text()
    spec = (workdir / "data.json").read_text()
    (workdir / "data.json").unlink()  # "data.json is missing: Repeat the training command"
    status, again = launcher.run("train", f"--workdir={workdir}", *launcher.TINY)
    assert status == 0, again
    assert launcher.read_metrics(workdir) == before
    assert (workdir / "evaluation.json").read_text() == evaluation
    assert (workdir / "data.json").read_text() == spec
    assert output.splitlines()[-3:] == again.splitlines()[-3:]


def test_a_killed_run_ends_as_if_it_had_never_stopped(trained, tmp_path):
    """A full disk, then kills by SIGKILL and SIGTERM at random moments: 60 mid-epoch checkpoints to die in."""
    moments = random.Random(0)
    arguments = (f"--workdir={tmp_path / 'run'}", "--save_every_steps=2", *launcher.TINY)
    status, output = launcher.run_on_full_disk(10_000, "train", *arguments)
    (error,) = [line for line in output.splitlines() if line.startswith("ERROR: ")]
    assert status == 1 and "Traceback" not in output
    assert "checkpoints/last-2 cannot be written: File too large" in error and "run the same command again" in error
    for sent in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL, signal.SIGKILL):
        process = launcher.start("train", *arguments)
        checkpoint_goal = moments.randrange(1, 14)
        seen = set()
        while process.poll() is None and len(seen) < checkpoint_goal:
            seen |= {path.name for path in (tmp_path / "run").glob("checkpoints/last-*.index")}
        process.send_signal(sent)
        output, _ = process.communicate(timeout=60)
        if sent == signal.SIGTERM:
            assert process.returncode == 0, output
            assert "Terminated: stopped after step" in output
        else:
            assert process.returncode == -signal.SIGKILL, output
    status, output = launcher.run("train", *arguments)
    assert status == 0, output
    assert "Continuing from step" in output

    workdir, _ = trained
    expected, received = launcher.read_state(workdir), launcher.read_state(tmp_path / "run")
    assert expected.keys() == received.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(received[name], value, err_msg=name)
    assert launcher.read_metrics(tmp_path / "run") == launcher.read_metrics(workdir)
    litter = [path for path in tmp_path.rglob("*") if path.name.startswith(".") or "temp" in path.name]
    assert not litter, litter
    evaluations = [(folder / "evaluation.json").read_text() for folder in (workdir, tmp_path / "run")]
    assert evaluations[0] == evaluations[1]


def test_other_flags_on_a_workdir_are_refused_by_name(trained):
    workdir, _ = trained
    before = {path: path.read_bytes() for path in workdir.rglob("*") if path.is_file()}
    status, output = launcher.run("train", f"--workdir={workdir}", *launcher.TINY, "--hidden_size=5", "--seed=1")
    assert status != 0
    assert "hidden_size: 4 != 5" in output
    assert "seed: 0 != 1" in output
    assert {path: path.read_bytes() for path in workdir.rglob("*") if path.is_file()} == before


def test_a_loss_that_is_not_a_number_stops_the_run_and_names_the_step(tmp_path):
    flags = ("--learning_rate=1e30", f"--workdir={tmp_path / 'run'}", *launcher.TINY)
    status, output = launcher.run("train", *flags)
    assert status != 0
    assert "at step" in output
    assert "--learning_rate" in output
    assert "checkpoint" not in output and not list(tmp_path.glob("run/checkpoints/last-*"))


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--dataset=unknown",), "--dataset"),
        (("--num_mixing=-1",), "num_mixing"),
        (("--batch_size=9999",), "batch_size"),
    ],
)
def test_bad_flags_end_before_training(tmp_path, flags, message):
    status, output = launcher.run("train", f"--workdir={tmp_path / 'run'}", *flags)
    assert status != 0
    assert message in output
    assert "Traceback" not in output
    assert not (tmp_path / "run").exists()


def _assert_same(expected, received):
    for name, value in launcher.read_state(expected).items():
        np.testing.assert_array_equal(launcher.read_state(received)[name], value, err_msg=name)
    assert launcher.read_metrics(received) == launcher.read_metrics(expected)
    evaluations = [(folder / "evaluation.json").read_text() for folder in (expected, received)]
    assert evaluations[0] == evaluations[1]


def _kill_in_epoch(number, arguments, workdir):
    """Starts a run and kills it when so many epochs are logged and steps of the next are saved."""
    process = launcher.start("train", *arguments)
    while process.poll() is None:
        steps = [int(path.stem.split("-")[1]) for path in workdir.glob("checkpoints/last-*.index")]
        if any(step > 40 * number and step % 40 for step in steps):
            process.send_signal(signal.SIGKILL)
            break
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL


# At this rate the validation of the first epoch is the best.
WORSENING = ("--learning_rate=0.5", "--early_stopping_epochs=1", "--learning_rate_schedule=plateau")


def test_a_run_that_grows_and_is_killed_ends_as_if_it_had_all_epochs_from_the_start(tmp_path):
    """And stops where it is to stop early, which a killed run knows."""
    flags = [*launcher.TINY, *WORSENING, "--kl_schedule=constant", "--save_every_steps=10"]
    whole, grown = tmp_path / "whole", tmp_path / "grown"
    status, output = launcher.run("train", f"--workdir={whole}", *flags, "--epochs=9")
    assert status == 0 and "Stopped: 1 epochs without a better validation" in output, output
    epochs = len(launcher.read_metrics(whole))
    assert 2 <= epochs < 9
    status, output = launcher.run("train", f"--workdir={grown}", *flags, "--epochs=1")
    assert status == 0, output
    arguments = (f"--workdir={grown}", *flags, "--epochs=9")
    _kill_in_epoch(epochs - 1, arguments, grown)
    for _ in range(2):  # the second time nothing is left to do
        status, output = launcher.run("train", *arguments)
        assert status == 0 and "Stopped: 1 epochs" in output, output
        _assert_same(whole, grown)


def test_a_killed_run_with_a_falling_learning_rate_ends_as_if_it_had_never_stopped(trained, tmp_path):
    flags = (*launcher.TINY, "--learning_rate_schedule=cosine", "--save_every_steps=10", f"--init_from={trained[0]}")
    for name in ("whole", "killed"):
        arguments = (f"--workdir={tmp_path / name}", *flags)
        if name == "killed":
            _kill_in_epoch(1, arguments, tmp_path / name)
        status, output = launcher.run("train", *arguments)
        assert status == 0, output
    _assert_same(tmp_path / "whole", tmp_path / "killed")
    first = launcher.read_metrics(tmp_path / "whole")[0]
    assert first["val_loss"] < launcher.read_metrics(trained[0])[0]["val_loss"] - 1  # it began where the other ended
