"""One trained run, shared by the tests of the launchers."""

import pytest

from tests.launch import launcher


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """The workdir and output of an uninterrupted run."""
    workdir = tmp_path_factory.mktemp("trained") / "run"
    status, output = launcher.run_anew("train", f"--workdir={workdir}", *launcher.TINY)
    assert status == 0, output
    return workdir, output
