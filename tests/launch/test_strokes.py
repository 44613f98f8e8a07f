"""The launchers on pen strokes: train, generate, complete, forecast, fill in."""

import matplotlib.image
import numpy as np
import pytest

from tests.launch import launcher

NUM_STEPS = 7


@pytest.fixture(scope="module")
def trained_strokes(tmp_path_factory):
    """The workdir of a run on a small file of strokes."""
    folder, rng = tmp_path_factory.mktemp("strokes"), np.random.default_rng(0)
    splits = {}
    for name, count in (("train", 24), ("valid", 4), ("test", 6)):
        lengths = np.resize([NUM_STEPS, 4, 2], count)
        offsets = rng.integers(-99, 99, size=(lengths.sum(), 2))
        splits[name] = np.column_stack([offsets, rng.random(lengths.sum()) < 0.2]).astype(np.int16)
        splits[f"{name}_offsets"] = np.append(0, np.cumsum(lengths))
    np.savez(folder / "marks.npz", **splits)
    arguments = ("--dataset=strokes", f"--data_dir={folder / 'marks.npz'}", "--num_components=2", "--batch_size=8")
    arguments += ("--truncation=3", "--max_steps=3", "--preset=small")
    status, output = launcher.run("train", f"--workdir={folder / 'run'}", *launcher.TINY, *arguments)
    assert status == 0, output
    return folder / "run"


def test_training_draws_samples_beside_data(trained_strokes):
    assert matplotlib.image.imread(trained_strokes / "plots" / "samples.png").std() > 0.01


def test_generate_completes_test_drawings(trained_strokes, tmp_path):
    flags = ("--context_steps=3", "--temperature=0.5", f"--output_dir={tmp_path}", "--num_samples=6")
    status, output = launcher.run("generate", f"--workdir={trained_strokes}", *flags)
    assert status == 0, output
    with np.load(tmp_path / "samples.npz") as arrays:
        drawings = np.split(arrays["observations"], arrays["observations_offsets"][1:-1])
    with np.load(trained_strokes.parent / "marks.npz") as arrays:
        test = np.split(arrays["test"], arrays["test_offsets"][1:-1])
    given = [part[:3] for part in sorted(test, key=len) if len(part) > 3]
    assert [part.shape for part in drawings] == [(NUM_STEPS, 3)] * 4
    np.testing.assert_allclose([part[:3] for part in drawings], given, rtol=1e-4, atol=1e-3)
    assert matplotlib.image.imread(tmp_path / "samples.png").std() > 0.01
    assert "</svg>" in (tmp_path / "samples.svg").read_text()


def test_forecast_writes_draws_and_a_picture(trained_strokes):
    flags = ("--context_steps=4", "--num_samples=9", "--num_importance=9")
    status, output = launcher.run_anew("forecast", f"--workdir={trained_strokes}", *flags)
    assert status == 0 and "seasonal" not in output and "in 80%" in output, output
    with np.load(trained_strokes / "forecasts" / "forecasts.npz") as arrays:
        shapes = {name: arrays[name].shape for name in arrays}
    assert shapes == {
        "context": (2, 4, 3),
        "lengths": (2,),
        "sequence": (2,),
        "truth": (2, 3, 3),
        "samples": (9, 2, 3, 3),
        "quantiles": (9, 2, 3, 3),
        "levels": (9,),
    }
    assert matplotlib.image.imread(trained_strokes / "forecasts" / "forecasts.png").std() > 0.01


def test_impute_fills_the_gaps_of_a_file(trained_strokes, tmp_path):
    values = np.array([[[5.0, -7.0, 1.0], [np.nan, 9.0, np.nan], [2.0, 2.0, 0.0]]])
    np.savez(tmp_path / "gaps.npz", observations=values)
    flags = (f"--input={tmp_path / 'gaps.npz'}", f"--output={tmp_path / 'filled.npz'}", "--num_samples=3")
    status, output = launcher.run_anew("impute", f"--workdir={trained_strokes}", *flags)
    assert status == 0 and "Filled 2 values of 1 sequences" in output, output
    with np.load(tmp_path / "filled.npz") as arrays:
        filled, samples = arrays["observations"], arrays["samples"]
        assert arrays["lengths"].tolist() == [3]
    assert np.isfinite(filled).all() and (filled[~np.isnan(values)] == values[~np.isnan(values)]).all()
    assert samples.shape == (3, 1, 3, 3) and set(np.unique(samples[..., 2])) <= {0.0, 1.0}


@pytest.mark.parametrize(
    ("module", "flags", "message"),
    [
        ("forecast", ("--context_steps=7",), "`context_steps` must be below the 7 steps"),
        ("impute", ("--input=nowhere.npz",), "nowhere.npz"),
        ("generate", ("--context_steps=7",), "`context_steps` must be below the 7 steps"),
        ("generate", ("--top_k=3",), "A model of marks makes no use of --top_k: leave it out"),
    ],
)
def test_refusals(trained_strokes, module, flags, message):
    status, output = launcher.run(module, f"--workdir={trained_strokes}", *flags)
    assert status == 1 and "ERROR: " in output and message in output and "Traceback" not in output, output
