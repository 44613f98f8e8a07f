"""The launchers with other posteriors and priors than the paper's: train, evaluate, serve what can be served."""

import json

import pytest
import tensorflow as tf

from tests.launch import launcher

TINY = tuple(flag for flag in launcher.TINY if "noise_sizes" not in flag and "epochs=3" not in flag)
MIXED = ("--mixing=per_dimension", "--noise_per_dimension=2", "--posterior=smoothing", "--backward_size=3")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The workdir of an SRNN with all that there is."""
    workdir = tmp_path_factory.mktemp("posteriors") / "run"
    flags = ("--model=srnn", *MIXED, "--prior_components=2", "--epochs=1")
    status, output = launcher.run("train", f"--workdir={workdir}", *TINY, *flags)
    assert status == 0, output
    return workdir


def test_a_smoothing_posterior_is_evaluated_and_served_without_a_step(trained, tmp_path):
    flags = ("--estimator=all", "--num_importance=3", "--num_mixing=2")
    status, output = launcher.run("evaluate", f"--workdir={trained}", *flags)
    assert status == 0, output
    records = json.loads((trained / "evaluation.json").read_text())
    assert {record["estimator"] for record in records} == {"L_K", "IWAE", "SMC"}
    status, output = launcher.run("export", f"--workdir={trained}", f"--export_dir={tmp_path / 'srnn' / '1'}")
    assert status == 0, output
    assert "step" not in tf.saved_model.load(str(tmp_path / "srnn" / "1")).signatures


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--model=vrnn", "--mixing=joint"), "--model=vrnn makes no use of --mixing: leave it out"),
        (("--mixing=none", "--noise_sizes=3,2"), "--mixing=none, --posterior=filtering makes no use of --noise_sizes"),
        (("--noise_per_dimension=2",), "--mixing=joint, --posterior=filtering makes no use of --noise_per_dimension"),
        (("--model=vrnn", "--backward_size=2"), "--posterior=filtering makes no use of --backward_size"),
        (("--mixing=per_dimension", "--noise_per_dimension=9"), "`noise_per_dimension` must be from 1 to 8"),
        (("--prior_components=0",), "`prior_components` must be at least 1"),
    ],
)
def test_flags_that_would_do_nothing_are_refused(flags, message, tmp_path):
    status, output = launcher.run("train", f"--workdir={tmp_path / 'run'}", *flags)
    assert status != 0 and message in output
    assert not (tmp_path / "run").exists()
