"""Weights that are handed on: what is read is what was written, or nothing."""

import re

import keras
import numpy as np
import pytest

from sisrnn_tf.runs import weights


def _variables(*shapes):
    rng = np.random.default_rng(len(shapes))
    values = [rng.normal(size=shape) for shape in shapes] + [np.array([1, 2], np.uint32)]
    return [keras.Variable(value, dtype=str(value.dtype), name=f"v{n}") for n, value in enumerate(values)]


def test_values_and_their_epoch_come_back_bit_by_bit(tmp_path):
    path, written, read = tmp_path / "w", _variables((3, 2), ()), _variables((3, 2), ())
    read[0].assign(read[0] + 1)
    weights.write(path, written, 7)
    assert weights.restore(path, read) == 7
    for first, second in zip(written, read, strict=True):
        np.testing.assert_array_equal(first.numpy(), second.numpy())
        assert first.dtype == second.dtype


@pytest.mark.parametrize("shapes", [((3, 3), ()), ((3, 2),), ((3, 2), (), ())], ids=["shape", "more", "fewer"])
def test_weights_of_another_model_are_named_and_leave_it_alone(tmp_path, shapes):
    path, model = tmp_path / "w", _variables(*shapes)
    before = [variable.numpy() for variable in model]
    weights.write(path, _variables((3, 2), ()), 7)
    with pytest.raises(ValueError, match=f"{re.escape(str(path))} has other weights than the model of .*, v[012] amo"):
        weights.restore(path, model)
    for old, variable in zip(before, model, strict=True):
        np.testing.assert_array_equal(old, variable.numpy())


def test_a_damaged_file_is_named(tmp_path):
    path = tmp_path / "w"
    weights.write(path, _variables((3, 2)), 7)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"is damaged: .*Copy the folder again"):
        weights.restore(path, _variables((3, 2)))
