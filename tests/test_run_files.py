"""Files of a run: what is damaged is named, what is missing is empty."""

import json

import pytest

from sisrnn_tf.runs import run_files

CONVENTION = "digits, threshold, rows (T=8, D=8)"
RECORD = {
    "split": "test",
    "estimator": "L_K",
    "num_mixing": 2,
    "num_importance": 1,
    "seed": 0,
    "convention": CONVENTION,
    "nll": 20.5,
    "num_sequences": 50,
}
DIMENSION = {"dimension": 0, "active": True, "mean_negentropy": 0.1, "activity": None}
DIAGNOSTICS = {
    "model": "sisrnn",
    "split": "test",
    "convention": CONVENTION,
    "num_sequences": 9,
    "num_noise_draws": 7,
    "seed": 0,
    "latent_size": 1,
    "active_units": 1,
    "mixing_collapsed": False,
    "verdict": "fine",
    "mean_negentropy": 0.1,
    "kl_per_step": [1.0, None],
    "mutual_information_per_step": [0.5, 0.25],
    "dimensions": [DIMENSION],
}
ROW = {"label": "its own", "nll": 20.0, "standard_error": 0.5, "num_sequences": 9}
GAPS = {
    **{"model": "sisrnn", "convention": CONVENTION, "split": "validation", "quantity": "NLL <=", "verdict": "fine"},
    **dict.fromkeys(("epoch", "num_sequences", "num_mixing", "num_draws", "num_importance", "num_epochs"), 1),
    **{"seed": 0, "num_steps": 40, "num_alone_steps": 3, "rows": [ROW]},
}


def read_evaluation(path):
    return run_files.read_evaluation(path, CONVENTION)


def test_missing_files_are_empty(tmp_path):
    path = tmp_path / "none"
    assert read_evaluation(path) == run_files.read_metrics(path) == []
    assert run_files.read_diagnostics(path) is run_files.read_gaps(path) is None


def test_whole_files_are_read(tmp_path):
    path = tmp_path / "file"
    path.write_text(json.dumps([RECORD, RECORD | {"standard_error": None}]))
    assert read_evaluation(path) == [RECORD, RECORD | {"standard_error": None}]
    path.write_text(json.dumps(DIAGNOSTICS))
    assert run_files.read_diagnostics(path) == DIAGNOSTICS
    path.write_text(json.dumps(GAPS))
    assert run_files.read_gaps(path) == GAPS
    path.write_text('{"epoch": 1, "step": 40, "loss": NaN}\n{"epoch": 2, "st')
    (line,) = run_files.read_metrics(path)
    assert (line["epoch"], line["step"]) == (1, 40)


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (read_evaluation, "[{"),
        (read_evaluation, b"\xff\xfe"),
        (read_evaluation, json.dumps(RECORD)),
        (read_evaluation, "[3]"),
        (read_evaluation, json.dumps([{name: value for name, value in RECORD.items() if name != "nll"}])),
        (read_evaluation, json.dumps([RECORD | {"nll": "20"}])),
        (read_evaluation, json.dumps([RECORD | {"seed": 0.5}])),
        (read_evaluation, json.dumps([RECORD | {"seed": True}])),
        (read_evaluation, json.dumps([RECORD | {"standard_error": "small"}])),
        (read_evaluation, json.dumps([RECORD | {"quantity": 3}])),
        (read_evaluation, json.dumps([RECORD | {"quantity": ""}])),
        (read_evaluation, json.dumps([RECORD | {"split": "other"}])),
        (read_evaluation, json.dumps([RECORD | {"convention": "digits, dynamic, rows (T=8, D=8)"}])),
        (read_evaluation, "[" * 100_000),
        (run_files.read_metrics, '{"epoch": 1}\n'),
        (run_files.read_metrics, '{"epoch": 1, "step": 2, "loss": "low"}\n'),
        (run_files.read_diagnostics, "null"),
        (run_files.read_diagnostics, "{"),
        (run_files.read_diagnostics, "{}"),
        (run_files.read_diagnostics, json.dumps(DIAGNOSTICS | {"verdict": 1})),
        (run_files.read_diagnostics, json.dumps(DIAGNOSTICS | {"model": 1})),
        (run_files.read_diagnostics, json.dumps(DIAGNOSTICS | {"mean_negentropy": "low"})),
        (run_files.read_diagnostics, json.dumps(DIAGNOSTICS | {"kl_per_step": [1.0]})),
        (run_files.read_diagnostics, json.dumps(DIAGNOSTICS | {"kl_per_step": [1.0, "2"]})),
        (run_files.read_diagnostics, json.dumps(DIAGNOSTICS | {"dimensions": [3]})),
        (run_files.read_diagnostics, json.dumps(DIAGNOSTICS | {"dimensions": [DIMENSION | {"activity": "low"}]})),
        (run_files.read_gaps, "{}"),
        (run_files.read_gaps, json.dumps(GAPS | {"verdict": None})),
        (run_files.read_gaps, json.dumps(GAPS | {"rows": [ROW | {"nll": "low"}]})),
        (run_files.read_gaps, json.dumps(GAPS | {"rows": [ROW | {"gap": 0.5, "low": 0.25}]})),
        (run_files.read_gaps, json.dumps(GAPS | {"rows": [ROW | {"gap": 0.5, "low": 0.25, "high": 1.0}]})),
        (run_files.read_spec, "{"),
        (run_files.read_spec, "[" * 100_000),
        (run_files.read_spec, '{"name": "digits"}'),
    ],
)
def test_a_damaged_file_is_named(tmp_path, read, text):
    path = tmp_path / "file.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match=r"file\.json.*damaged"):
        read(path)
    if read != run_files.read_spec:  # which is not made again but by training
        path.unlink()
        assert not read(path)


def test_missing_data_json_says_what_to_do(tmp_path):
    with pytest.raises(ValueError, match=r"data\.json is missing.*Repeat the training command"):
        run_files.read_spec(tmp_path / "data.json")
