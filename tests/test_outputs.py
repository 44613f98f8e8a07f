"""What a launcher is asked to write, checked before any work."""

import os
import stat

import pytest

from sisrnn_tf.configuration.config import ExperimentConfig
from sisrnn_tf.runs.outputs import Output
from sisrnn_tf.runs.workdir import Workdir


@pytest.fixture
def run(tmp_path):
    workdir = Workdir(tmp_path / "run")
    workdir.create(ExperimentConfig(), "{}")
    return workdir


def test_an_output_is_written_and_an_earlier_one_replaced_in_words(tmp_path):
    output = Output("output", tmp_path / "new" / "file")
    assert not (tmp_path / "new").exists()  # nothing is made before the work
    assert output.write(lambda file: file.write(b"one")) == str(output.path)
    again = Output("output", output.path)
    assert again.write(lambda file: file.write(b"two")) == f"{output.path}, in the place of an earlier one"
    assert output.path.read_bytes() == b"two"


def test_a_runs_own_files_are_refused_under_any_name_of_theirs(run, tmp_path, monkeypatch):
    run.weights.write_bytes(b"")  # of a run that was handed on, whose card is its own
    own = [value for name, value in vars(run).items() if name not in ("path", "report", "forecasts")]
    own = [path / "file" if path.suffix == "" else path for path in own]
    assert run.config in own and run.plots / "file" in own and len(own) == 19
    for path in own:
        with pytest.raises(ValueError, match=r"`output` must be no file that the run in .*run needs\. Choose another"):
            Output("output", path)
    (tmp_path / "link").symlink_to(run.path)
    monkeypatch.chdir(run.plots)
    for path in (tmp_path / "link" / "config.json", "../config.json", "samples.png"):
        with pytest.raises(ValueError, match="`output` must be no file that the run"):
            Output("output", path)
    Output("output", run.report)
    Output("output", run.path / "generated" / "samples.txt")
    Output("output", tmp_path / "config.json").write(lambda file: file.write(b"no run's"))
    assert Workdir(run.path).read_config() == ExperimentConfig()


def test_inputs_devices_links_and_folders_are_refused(tmp_path):
    given = tmp_path / "gaps.npz"
    given.write_bytes(b"mine")
    os.link(given, tmp_path / "same.npz")
    (tmp_path / "link.npz").symlink_to(given)
    for path in (given, tmp_path / "same.npz", tmp_path / "x" / ".." / "gaps.npz"):
        (tmp_path / "x").mkdir(exist_ok=True)
        with pytest.raises(ValueError, match="`output` must be another file than the input"):
            Output("output", path, [given])
    for path in (tmp_path / "link.npz", tmp_path, "/dev/full", "/dev/stdout"):
        with pytest.raises(ValueError, match="`output` must be a new file, or a regular one to replace"):
            Output("output", path, [given])
    with pytest.raises(ValueError, match=r"`output` must be a file in a folder that can be written.*gaps\.npz"):
        Output("output", given / "file")
    assert stat.S_ISCHR(os.stat("/dev/full").st_mode) and given.read_bytes() == b"mine"
    Output("output", tmp_path / "filled.npz", [given, tmp_path / "missing"])
