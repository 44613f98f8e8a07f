"""Code in pages runs: Python as it stands, commands as far as their flags."""

import functools
import json
import os
import re
import shlex
import subprocess
import sys
import unittest

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from sybil import Lexeme, Sybil
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser

from launch.__main__ import COMMANDS
from sisrnn_tf.configuration.presets import from_options
from sisrnn_tf.runs.training import Trainer
from sisrnn_tf.runs.workdir import Workdir
from tests.test_pages import PAGES, ROOT

# Sizes that show something to a reader, and those that are enough to run.
SMALLER = {
    "epochs=20": "epochs=1",
    "observations[:1500]": "observations[:64]",
    "observations[1500:]": "observations[1500:1532]",
    "model.generate(1000, 20": "model.generate(32, 20",
    "num_importance=100": "num_importance=5",
}
TINY_RUN = {"model": "rnn", "hidden_size": 4, "decoder_sizes": (8,), "max_steps": 2, "max_eval_sequences": 4}
SYBIL = Sybil(parsers=[PythonCodeBlockParser(), SkipParser()])
WITH_CODE = [page for page in PAGES if "```python" in page.read_text()]

# Parses each command line by the flags of its launcher, in a fork that has imported no TensorFlow.
_PROGRAM = """
import importlib, json, os, sys
from absl import flags

def check(name, lines):
    command = importlib.import_module(f"launch.{name}").COMMAND
    flags.mark_flags_as_required(list(command.required))
    for line in lines:
        try:
            rest = flags.FLAGS([name, *line])[1:]
            if rest and name != "compare":
                raise ValueError(f"no flags: {rest}")
        except Exception as error:
            print(f"launch.{name} {' '.join(line)}: {error}", flush=True)
        flags.FLAGS.unparse_flags()
        for flag in flags.FLAGS:
            flags.FLAGS[flag].unparse()

for name, lines in json.loads(sys.argv[1]).items():
    process = os.fork()
    if not process:
        check(name, lines)
        os._exit(0)
    assert os.waitpid(process, 0)[1] == 0, name
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with what code in pages reads: a run of series, a file of series, values of two evaluations."""
    folder = tmp_path_factory.mktemp("snippets")
    rng = np.random.default_rng(0)
    series = pd.DataFrame(rng.normal(size=(60 * 6, 2)), columns=["heat", "flow"])
    series.insert(0, "sequence", np.repeat(np.arange(60), 6))
    series.to_csv(folder / "sensors.csv", index=False)
    series[: 2 * 6].mask(series == series.iloc[3, 1]).to_csv(folder / "new.csv", index=False)
    config = from_options(
        "small",
        {
            "dataset": "csv",
            "emission": "normal",
            "normalization": "per_channel",
            "binarization": "none",
            "data_dir": str(folder / "sensors.csv"),
            **TINY_RUN,
        },
    )
    Trainer.prepare(config, Workdir(folder / "runs" / "sensors")).run()
    for name in ("digits-sisrnn/likelihoods/test-SMC-K10-M10-seed0", "digits-vrnn/likelihoods/test-SMC-K0-M10-seed0"):
        path = folder / "runs" / f"{name}.npz"
        path.parent.mkdir(parents=True)
        np.savez(path, log_likelihood=rng.normal(size=20))
    return folder


@pytest.fixture
def _eagerly():
    """Without graphs, whose tracing would take longer than what they compute."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.mark.filterwarnings("ignore:Even though the `tf.config.experimental_run_functions_eagerly`:UserWarning")
@pytest.mark.usefixtures("_eagerly")
@pytest.mark.parametrize("page", WITH_CODE, ids=lambda page: page.stem)
def test_python_runs(page, folder, monkeypatch):
    monkeypatch.chdir(folder)
    ran = 0
    document = SYBIL.parse(page)
    for example in document.examples():
        if isinstance(example.parsed, Lexeme):
            text = functools.reduce(lambda text, pair: text.replace(*pair), SMALLER.items(), example.parsed.text)
            example.parsed = Lexeme(text, example.parsed.offset, example.parsed.line_offset)
        try:
            example.evaluate()
            ran += 1
        except unittest.SkipTest as reason:
            assert str(reason).startswith("needs "), reason  # data, a server, a GPU, minutes
    assert ran


def _commands(text):
    """Returns the words of each command of this project in a page, without its environment."""
    joined = re.sub(r"\\\n\s*", " ", text)
    lines = re.findall(
        r"\b(?:python3? (?:-m (?:launch|benchmarks|examples)\.|examples/)|(?<![\w=-])sisrnn )[^\n`]*", joined
    )
    for line in lines:
        words = shlex.split(re.sub(r"[\[\]]", "", line), comments=True)
        end = next((index for index, word in enumerate(words) if word in ("&", "&&", "|", "done;")), len(words))
        yield words[:end]


def _source(path):
    """Returns a program, and what it imports from beside it."""
    text = path.read_text()
    beside = re.findall(rf"^from {path.parent.name}\.(\w+) import", text, re.MULTILINE)
    return "\n".join([text, *((path.parent / f"{name}.py").read_text() for name in beside)])


def test_commands_have_flags_that_exist():
    launched, problems = {}, []
    for page in PAGES:
        for words in _commands(page.read_text()):
            module = words[1] if words[0] == "sisrnn" else words[1 if words[1] != "-m" else 2]
            if words[0] == "sisrnn" or module.startswith("launch."):
                name = module.removeprefix("launch.")
                assert name in COMMANDS, f"{page.name}: {' '.join(words)}"
                arguments = words[2:] if words[0] == "sisrnn" else words[3:]
                if arguments and arguments != ["--help"]:
                    launched.setdefault(name, []).append(arguments)
                continue
            source = _source(ROOT / (module if module.endswith(".py") else module.replace(".", "/") + ".py"))
            flags = {word.split("=")[0] for word in words if word.startswith("--")}
            problems += [
                f"{page.name}: {module} {flag}" for flag in flags if not re.search(rf'"(--)?{flag[2:]}"', source)
            ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "SISRNN_TF_ROOMS_ONLY": "1"}
    process = subprocess.run(
        [sys.executable, "-c", _PROGRAM, json.dumps(launched)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    assert problems + process.stdout.splitlines() == []
    assert len(launched) > 8
