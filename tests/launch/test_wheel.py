"""The wheel: what it installs is the command, which works from any directory."""

import os
import pathlib
import shutil
import subprocess
import sys
import sysconfig
import venv

import numpy as np
import pytest

from tests.launch import launcher

SOURCES = ("setup.cfg", "pyproject.toml", "README.md", "LICENSE", "sisrnn_tf", "flags", "launch")


def _run(*command, cwd):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    process = subprocess.run(
        [*map(str, command)],
        cwd=cwd,
        env=environment | {"CUDA_VISIBLE_DEVICES": "-1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    assert process.returncode == 0, process.stdout
    return process.stdout


@pytest.fixture(scope="module")
def sisrnn(tmp_path_factory):
    """Returns the command of an environment into which the wheel is installed, with this one's libraries beside it."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in SOURCES:  # a build leaves files where it runs
        path = launcher.ROOT / name
        if path.is_dir():
            shutil.copytree(path, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(path, source)
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    _run(*pip, "wheel", source, "--no-deps", "--no-index", "--no-build-isolation", "-w", folder, cwd=folder)
    (wheel,) = folder.glob("*.whl")
    environment = folder / "environment"
    venv.create(environment, symlinks=True)
    python = environment / "bin" / "python"
    _run(*pip, "--python", python, "install", "--no-deps", "--no-index", wheel, cwd=folder)
    # Of this environment's own .pth files, an editable install among them, none is read there.
    (site,) = environment.glob("lib/python*/site-packages")
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib"))
    return environment / "bin" / "sisrnn"


def test_the_command_trains_forecasts_and_reports_from_another_directory(sisrnn, tmp_path):
    python = sisrnn.with_name("python")
    where = _run(python, "-c", "import flags, launch; print(flags.__file__, launch.__file__)", cwd=tmp_path)
    assert all(pathlib.Path(each).is_relative_to(sisrnn.parents[1]) for each in where.split()), where
    rng = np.random.default_rng(0)
    rows = [f"{name},{a:.2f},{b:.2f}" for name in range(60) for a, b in rng.normal(size=(6, 2))]
    (tmp_path / "sensors.csv").write_text("\n".join(["sequence,heat,flow", *rows]))
    sizes = ("--model=rnn", "--hidden_size=4", "--decoder_sizes=8", "--max_steps=5", "--num_components=2")
    output = _run(sisrnn, "train", "--dataset=csv", "--data_dir=sensors.csv", "--workdir=run", *sizes, cwd=tmp_path)
    assert "test NLL = " in output, output
    flags = ("--input=sensors.csv", "--num_steps=3", "--num_samples=2")
    output = _run(sisrnn, "forecast", "--workdir=run", *flags, cwd=tmp_path)
    assert "Forecasts (2, 60, 3, 2)" in output, output
    lines = (tmp_path / "run" / "forecasts" / "samples.csv").read_text().splitlines()
    assert lines[0] == "sequence,sample,step,heat,flow" and len(lines) == 1 + 2 * 60 * 3
    assert "Report: run/report.html" in _run(sisrnn, "report", "--workdir=run", cwd=tmp_path)
    assert "sensors" in (tmp_path / "run" / "report.html").read_text()


def test_a_preset_comes_with_it(sisrnn, tmp_path):
    flags = ("--workdir=preset:digits", "--num_samples=2", "--output_dir=drawn")
    assert "Wrote 2 sequences of 8 steps to drawn/samples.npz" in _run(sisrnn, "generate", *flags, cwd=tmp_path)
