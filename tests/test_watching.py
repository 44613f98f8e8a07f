"""What watches the validation loss: wherever a run is stopped, it goes on as if it had not been."""

import types

import keras
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sisrnn_tf.runs.callbacks import EarlyStopping, ReduceLROnPlateau

LOSSES = st.lists(st.sampled_from([0.5, 0.75, 1.0, 1.0 - 1e-5]), min_size=1, max_size=30)
RATE = 0.25


def _begin(callback):
    optimizer = keras.optimizers.Adam(RATE)
    callback.set_model(types.SimpleNamespace(optimizer=optimizer, stop_training=False))
    callback.on_train_begin()
    return callback


def _train(callback, losses, first=0):
    """Goes on to the end of the losses or until it is stopped; returns the records that the log then has."""
    records = []
    for epoch, loss in enumerate(losses, start=first):
        if callback.model.stop_training:
            break
        logs = {"val_loss": loss}
        callback.on_epoch_end(epoch, logs)
        records.append({"epoch": epoch + 1, "step": 10 * (epoch + 1), **logs})
    return records


def _state(callback):
    rate = float(callback.model.optimizer.learning_rate.numpy())
    return callback.best, callback.wait, callback.model.stop_training, rate, getattr(callback, "cooldown_counter", None)


@settings(max_examples=30, deadline=None, derandomize=True, database=None)
@given(losses=LOSSES, cut=st.integers(0, 30), make=st.sampled_from([EarlyStopping, ReduceLROnPlateau]))
def test_where_it_is_stopped_makes_no_difference(losses, cut, make):
    value = 3 if make is EarlyStopping else RATE
    whole = _begin(make(value, []))
    expected = _train(whole, losses)
    before = _train(_begin(make(value, [])), losses[:cut])
    after = _begin(make(value, before))
    received = before + _train(after, losses[len(before) :], len(before))
    assert received == expected
    assert _state(after) == _state(whole)
    after.on_train_begin()  # a run is several calls of `fit`
    assert _state(after) == _state(whole)


def test_a_plateau_is_ten_epochs_and_leaves_a_tenth():
    callback = _begin(ReduceLROnPlateau(RATE, []))
    records = _train(callback, [1.0] * 12)
    assert [record["learning_rate"] for record in records] == [RATE] * 11 + [pytest.approx(RATE / 10)]


def test_so_many_epochs_without_a_better_one_are_the_last():
    assert len(_train(_begin(EarlyStopping(2, [])), [3.0, 2.0, 2.5, 2.0, 1.0])) == 4
