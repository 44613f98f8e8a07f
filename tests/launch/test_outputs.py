"""What launchers are asked to write: what would destroy something is refused, a full disk is one line."""

import shutil

import pytest

from tests.launch import launcher


@pytest.fixture
def workdir(trained, tmp_path):
    """A copy of the trained run."""
    return shutil.copytree(trained[0], tmp_path / "run")


def _files(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("module", "flags", "message"),
    [
        ("impute", ("--input={0}/gaps.npz", "--output={0}/gaps.npz"), "`output` must be another file than the input"),
        ("report", ("--output={0}/config.json",), "`output` must be no file that the run in"),
        ("report", ("--output={0}",), "`output` must be a new file, or a regular one to replace"),
        ("generate", ("--output_dir={0}/plots",), "`output_dir` must be no file that the run in"),
        ("forecast", ("--output_dir={0}/plots", "--context_steps=2"), "`output_dir` must be no file that the run in"),
    ],
)
def test_an_output_that_would_destroy_something_is_refused(workdir, module, flags, message):
    (workdir / "gaps.npz").write_bytes(b"mine")
    before = _files(workdir)
    status, output = launcher.run(module, f"--workdir={workdir}", *(flag.format(workdir) for flag in flags))
    assert status == 1 and "Traceback" not in output
    assert output.startswith(f"ERROR: {message}") and len(output.splitlines()) == 1, output
    assert _files(workdir) == before


def test_a_full_disk_is_one_line_and_earlier_results_are_replaced_with_a_word(workdir):
    arguments = (f"--workdir={workdir}", "--num_samples=64")
    path = workdir / "generated" / "samples.npz"
    status, output = launcher.run_on_full_disk(600, "generate", *arguments)
    assert status == 1 and len(output.splitlines()) == 1, output
    assert output.startswith(f"ERROR: {path} cannot be written: File too large. ") and "MB are free there" in output
    assert not list(path.parent.iterdir())
    for where in (f"{path}\n", f"{path}, in the place of an earlier one\n"):
        status, output = launcher.run("generate", *arguments)
        assert status == 0 and f"Wrote 64 sequences of 8 steps to {where}" in output, output
