"""launch.export as a process."""

import json

import numpy as np
import pytest
import tensorflow as tf

import sisrnn_tf
from sisrnn_tf import export
from tests.launch import launcher


def test_writes_a_model_whose_card_says_what_it_is(trained, tmp_path):
    path = tmp_path / "models" / "digits" / "1"
    sizes = ("--num_importance=65536", "--max_generated=6")  # the most particles that there may be
    arguments = (f"--workdir={trained[0]}", f"--export_dir={path}", *sizes)
    status, output = launcher.run_anew("export", *arguments)
    assert status == 0 and str(path) in output, output
    assert [child.name for child in path.parent.iterdir()] == ["1"]
    for asset, original in (("config", "config"), ("data", "data")):
        assert (path / "assets" / f"{asset}.json").read_text() == (trained[0] / f"{original}.json").read_text()
    card = (path / "README.md").read_text()
    records = json.loads((trained[0] / "evaluation.json").read_text())
    assert len(records) == 2
    for record in records:
        line = f"{record['split']} NLL <= {record['nll']:.3f}"
        assert f"- {line}" in card and f"Best epoch by validation: {record['epoch']}" in card
    assert "Latent: " in card and "of 2 latent units are active, the KL to the prior is" in card
    assert records[0]["convention"] in card and "1,297 / 250 / 250 sequences" in card
    assert "K = 2, M = 65536" in card  # of --eval_num_mixing, and as asked for
    generate = tf.saved_model.load(str(path)).signatures["generate"]
    made = generate(batch=tf.constant(2), steps=tf.constant(3), seed=tf.constant([0, 0]))["observations"]
    assert made.shape == (2, 3, 8)
    assert "6 steps of `generate`" in card
    with pytest.raises(tf.errors.InvalidArgumentError, match="`batch` times `steps` must be at most 6"):
        generate(batch=tf.constant(7), steps=tf.constant(1), seed=tf.constant([0, 0]))

    status, output = launcher.run("export", *arguments)
    assert status != 0 and "`export_dir` must be new" in output and "Choose the next number" in output
    assert "Traceback" not in output
    export.check_new("export_dir", path.with_name("2"))


def test_a_folder_that_is_no_version_is_refused(trained, tmp_path):
    flags = (f"--workdir={trained[0]}", f"--export_dir={tmp_path / 'models' / 'latest'}")
    status, output = launcher.run("export", *flags)
    assert status != 0 and "ERROR: `export_dir` must be NAME/NUMBER" in output and "Traceback" not in output
    assert not list(tmp_path.iterdir())


def test_a_folder_to_hand_on_is_read_as_the_run_is(trained, tmp_path):
    path = tmp_path / "shared" / "digits"
    flags = (f"--workdir={trained[0]}", "--format=folder", f"--export_dir={path}")
    status, output = launcher.run("export", *flags, "--provenance=Scanned by hand.")
    assert status == 0 and f"Exported epoch 3 to {path}" in output, output
    assert [child.name for child in path.parent.iterdir()] == ["digits"]
    records = json.loads((trained[0] / "evaluation.json").read_text())
    card = (path / "README.md").read_text()
    assert all(f"value: {record['nll']}" in card for record in records)
    assert "\nScanned by hand.\n" in card and f"--workdir={trained[0]}" in card
    first, second = sisrnn_tf.load(trained[0]), sisrnn_tf.load(path)
    images = first.generate(3)
    np.testing.assert_array_equal(first.score(images, num_importance=4), second.score(images, num_importance=4))
    for kept in ("config.json", "data.json", "latent.json"):
        assert (path / kept).read_bytes() == (trained[0] / kept).read_bytes()

    status, output = launcher.run("export", *flags)
    assert status != 0 and "ERROR: `export_dir` must be new" in output and "Traceback" not in output


@pytest.mark.parametrize("flags", [("--format=folder", "--num_mixing=3"), ("--provenance=mine",)])
def test_flags_of_the_other_format_are_refused(flags, tmp_path):
    status, output = launcher.run("export", "--workdir=preset:digits", f"--export_dir={tmp_path / '1'}", *flags)
    assert status != 0 and f"makes no use of {flags[-1].split('=')[0]}" in output
    assert not list(tmp_path.iterdir())
