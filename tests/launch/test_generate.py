"""launch.generate as a process."""

import matplotlib.image
import numpy as np

from tests.launch import launcher


def test_writes_a_picture_and_arrays(trained, tmp_path):
    workdir, _ = trained
    flags = (f"--workdir={workdir}", "--num_samples=5", f"--output_dir={tmp_path}")
    status, output = launcher.run_anew("generate", *flags)
    assert status == 0, output
    samples = np.load(tmp_path / "samples.npz")["observations"]
    assert samples.shape == (5, 8, 8)
    assert set(np.unique(samples)) <= {0.0, 1.0}
    assert matplotlib.image.imread(tmp_path / "samples.png").std() > 0.01


def test_the_help_that_an_error_recommends_shows_the_flags():
    status, output = launcher.run("generate", "--no_such_flag")
    assert status == 1 and "Pass --helpshort" in output
    status, output = launcher.run("generate", "--helpshort")
    assert status == 0 and "--num_samples: How many sequences to draw." in output


def test_a_folder_without_a_run_is_refused(tmp_path):
    status, output = launcher.run("generate", f"--workdir={tmp_path}")
    assert status != 0
    assert "must be the folder of a run" in output
    assert not list(tmp_path.iterdir())


def test_a_preset_is_a_run_that_is_only_read(tmp_path):
    flags = ("--workdir=preset:digits", "--num_samples=2")
    status, output = launcher.run("generate", *flags)
    assert status != 0 and "ERROR: `output_dir` must be given, outside of presets" in output
    status, output = launcher.run("generate", *flags, f"--output_dir={tmp_path}")
    assert status == 0 and np.load(tmp_path / "samples.npz")["observations"].shape == (2, 8, 8), output
