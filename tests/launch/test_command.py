"""The command `sisrnn`: what it answers before TensorFlow is imported."""

import json
import os
import subprocess
import sys

from launch import __main__ as command
from tests.launch import launcher

# Runs each command line in a fork of an interpreter that has imported nothing but the command.
_PROGRAM = """
import json, os, sys
from launch import __main__ as command
import sisrnn_tf.configuration.presets, sisrnn_tf.runs.outputs  # what most of them import

def run(arguments):
    sys.argv = ["sisrnn", *arguments]
    try:
        command.main()
    finally:
        heavy = {"tensorflow", "keras", "sklearn", "matplotlib", "pandas"} & set(sys.modules)
        print(f"imported: {sorted(heavy)}", flush=True)

for arguments in json.loads(sys.argv[1]):
    process = os.fork()
    if not process:
        run(arguments)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    print(f"status: {status}\\f", flush=True)
"""
_ERRORS = {
    "trian": "the command must be one of train, evaluate",
    "train --hiden_size=3": "Unknown command line flag 'hiden_size'",
    "train --dataset=digit": "should be one of <",
    "train --num_mixing=-1": "`num_mixing` must be at least",
    "train --objective=fivo": "`num_importance` must be at least 3",
    "train --dataset=csv --data_dir=nowhere.csv": "`data_dir` must be a file or a folder that exists",
    "train --dataset=npz": "give its .npz file as --data_dir",
    "train --dataset=iamondb": "unpack lineStrokes-all.tar.gz",
    "train --dataset=ptb": "No data for ptb",
    "train --dataset=mnist --data_dir=.": "No data for mnist",
    "train --dataset=binarized_mnist --data_dir=.": "No data for binarized_mnist",
    "train --init_from=nowhere": "`init_from` must be the workdir of a run",
    "evaluate": "--workdir must have a value",
    "evaluate --workdir=nowhere --num_mixing=x": "--num_mixing must be ints",
    "diagnose --workdir=nowhere": "`workdir` must be the folder of a run",
    "export --workdir=nowhere --export_dir=new/1": "`workdir` must be the folder of a run",
    "forecast --workdir=nowhere --context_steps=2": "`workdir` must be the folder of a run",
    "generate --workdir=nowhere": "`workdir` must be the folder of a run",
    "impute --workdir=nowhere --input=x.npz": "`workdir` must be the folder of a run",
    "report --workdir=nowhere": "`workdir` must be the folder of a run",
    "score --workdir=nowhere --input=x.npz --output=scores": "`workdir` must be the folder of a run",
    "compare a": "Name two runs or more, each once. Received: a",
    "compare a b --output=x.pdf": "`output` must be a .png or an .svg",
    "compare a b": "`workdir` must be the folder of a run",
    "reproduce --table=other": "should be one of <",
}


def _answers(folder, lines):
    process = subprocess.run(
        [sys.executable, "-c", _PROGRAM, json.dumps(lines)],
        cwd=folder,
        env={"PYTHONPATH": str(launcher.ROOT), "PATH": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=True,
    )
    return dict(zip(map(" ".join, lines), process.stdout.split("\f"), strict=False))


def test_every_launcher_is_a_subcommand():
    files = {path.stem for path in (launcher.ROOT / "launch").glob("*.py") if "COMMAND = " in path.read_text()}
    assert files == set(command.COMMANDS)
    assert "SISRNN_TF_ROOMS_ONLY" not in os.environ  # an import of the library in a child process is whole


def test_help_needs_no_tensorflow(tmp_path):
    lines = [[], ["--help"], *([name, "--help"] for name in command.COMMANDS)]
    for line, answer in _answers(tmp_path, lines).items():
        assert "imported: []" in answer and "status: 0" in answer, answer
        shown = command.COMMANDS if not line or line == "--help" else ["Flags that", "The flag that"]
        assert any(each in answer for each in shown), answer


def test_errors_of_flags_and_missing_files_need_no_tensorflow_and_write_nothing(tmp_path):
    answers = _answers(tmp_path, [line.split() for line in _ERRORS])
    for line, message in _ERRORS.items():
        assert message in answers[line] and "Traceback" not in answers[line], answers[line]
        assert "imported: []" in answers[line] and "status: 0" not in answers[line], answers[line]
    assert not list(tmp_path.iterdir())
