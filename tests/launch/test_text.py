"""The launchers on the embedded text, as processes: train, stop, resume, evaluate, diagnose, write, report."""

import html
import json
import signal

import numpy as np
import pytest

from tests.launch import launcher

TINY = (
    "--dataset=pydoc",
    "--latent_size=2",
    "--hidden_size=4",
    "--encoder_sizes=8,8",
    "--noise_sizes=4,2",
    "--embedding_size=8",
    "--decoder_blocks=1",
    "--attention_heads=2",
    "--max_length=12",
    "--word_dropout=0.1",
    "--epochs=2",
    "--num_mixing=3",
    "--num_mixing_ramp_epochs=2",
    "--eval_num_mixing=2",
    "--max_eval_sequences=40",
)


@pytest.fixture(scope="module")
def trained_text(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("text") / "run"
    status, output = launcher.run("train", f"--workdir={workdir}", *TINY)
    assert status == 0, output
    return workdir, output


def test_training_says_what_the_data_is_and_what_it_found(trained_text):
    workdir, output = trained_text
    assert "scored tokens" in output and "sentences cut to 12 tokens" in output
    for record in json.loads((workdir / "evaluation.json").read_text()):
        assert record["estimator"] == "L_K" and record["num_sequences"] == 40
        assert record["ppl"] == pytest.approx(np.exp(record["nll"] * 40 / record["num_tokens"]))
        assert record["nll"] == pytest.approx(record["kl"] - record["reconstruction"], rel=1e-5)
        assert f"perplexity <= {record['ppl']:.2f}, KL {record['kl']:.3f}" in output
    assert len((workdir / "samples.txt").read_text().splitlines()) == 20
    assert len((workdir / "reconstructions.txt").read_text().splitlines()) == 40
    assert "<eos>" in (workdir / "vocabulary.txt").read_text().splitlines()


def test_a_stopped_run_ends_as_if_it_had_never_stopped(trained_text, tmp_path):
    arguments = (f"--workdir={tmp_path / 'run'}", "--save_every_steps=5", *TINY)
    process = launcher.start("train", *arguments)
    while process.poll() is None and not list((tmp_path / "run").glob("checkpoints/last-*.index")):
        pass
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    status, output = launcher.run("train", *arguments)
    assert status == 0 and "Continuing from step" in output, output
    expected, received = (launcher.read_state(folder) for folder in (trained_text[0], tmp_path / "run"))
    for name, value in expected.items():
        np.testing.assert_array_equal(received[name], value, err_msg=name)
    assert launcher.read_metrics(tmp_path / "run") == launcher.read_metrics(trained_text[0])


def test_evaluate_diagnose_and_report(trained_text):
    workdir = f"--workdir={trained_text[0]}"
    status, output = launcher.run("evaluate", workdir, "--estimator=all", "--num_importance=5", "--num_mixing=2")
    assert status == 0, output
    assert "perplexity" in output and "IWAE" in output and "SMC" not in output
    status, output = launcher.run("diagnose", workdir, "--num_sequences=20", "--num_noise_draws=8")
    assert status == 0 and "active units" in output, output
    status, output = launcher.run("report", workdir)
    assert status == 0, output
    page = (trained_text[0] / "report.html").read_text()
    assert "perplexity" in page and "--dataset=pydoc" in page
    assert (trained_text[0] / "samples.txt").read_text().splitlines()[0] in html.unescape(page)


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (
            ("--num_samples=2", "--reconstruct=see the zorkmid .", "--temperature=0.7", "--top_k=5", "--top_p=0.9"),
            "Not in the vocabulary, so read as <unk>: zorkmid",
        ),
        (("--num_samples=4", "--interpolate=see the class", "--interpolate=a function"), "Wrote 4 sentences"),
        (("--interpolate=a",), "ERROR: `interpolate` must be given twice"),
        (("--interpolate=a", "--interpolate=b", "--num_samples=1"), "ERROR: `num_samples` must be at least 2 with"),
        (("--interpolate=a", "--interpolate=b", "--reconstruct=c"), "ERROR: `reconstruct` must be left out beside"),
    ],
)
def test_generate(trained_text, flags, expected):
    status, output = launcher.run("generate", f"--workdir={trained_text[0]}", *flags)
    assert expected in output
    assert (status != 0) == expected.startswith("ERROR") and "Traceback" not in output


def test_missing_data_ends_before_training(tmp_path):
    status, output = launcher.run("train", f"--workdir={tmp_path / 'run'}", "--dataset=ptb")
    assert status != 0 and "No data for ptb" in output and "Traceback" not in output
    assert not (tmp_path / "run").exists()
