"""Callbacks, each alone: what they save, log and refuse."""

import json
import signal
import types

import numpy as np
import pytest
import tensorflow as tf

from sisrnn_tf.runs.callbacks import BestCheckpoint, CheckpointCallback, Interrupted, MetricsLog, NaNGuard


class _Series:
    """Remembers what it was asked to save."""

    def __init__(self):
        self.saved = []

    def save(self, number):
        self.saved.append(number)


def _at_step(callback, step):
    optimizer, strategy = types.SimpleNamespace(iterations=tf.Variable(step)), tf.distribute.get_strategy()
    model = types.SimpleNamespace(optimizer=optimizer, trainable_variables=[], distribute_strategy=strategy)
    callback.set_model(model)
    return callback


@pytest.fixture
def series():
    return _Series()


def test_the_end_of_an_epoch_and_of_a_run_are_saved_after_their_validation(series):
    saver = CheckpointCallback(series, steps_per_epoch=40, total_steps=50, save_every_steps=5)
    for step in range(1, 51):
        _at_step(saver, step).on_train_batch_end(step)
    assert series.saved == [5, 10, 15, 20, 25, 30, 35, 41, 46]
    saver.on_epoch_end(1)
    assert series.saved[-1] == 50


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_and_stops(series, number):
    before = signal.getsignal(number)
    saver = CheckpointCallback(series, steps_per_epoch=40, total_steps=80)
    saver.on_train_begin()
    _at_step(saver, 3).on_train_batch_end(3)
    assert series.saved == []
    signal.raise_signal(number)
    with pytest.raises(Interrupted, match="stopped after step 4, which is saved"):
        _at_step(saver, 4).on_train_batch_end(4)
    assert series.saved == [4]
    assert signal.getsignal(number) == before


def test_a_weight_that_is_not_finite_is_not_saved(series):
    saver = _at_step(CheckpointCallback(series, steps_per_epoch=4, total_steps=8), 4)
    saver.model.trainable_variables.append(types.SimpleNamespace(value=np.float32([1.0, np.nan])))
    with pytest.raises(FloatingPointError, match="by step 4"):
        saver.on_epoch_end(0)
    assert series.saved == []


def test_only_a_better_epoch_is_best(series):
    best = BestCheckpoint(series, best=5.0)
    for epoch, loss in enumerate([6.0, 4.0, 4.0, 3.0]):
        best.on_epoch_end(epoch, {"val_loss": loss})
    assert series.saved == [2, 4]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_loss_that_is_no_number_stops(value):
    guard = _at_step(NaNGuard(), 7)
    guard.on_train_batch_end(7, {"loss": 1.0})
    with pytest.raises(FloatingPointError, match=r"`loss` became .* at step 7"):
        guard.on_train_batch_end(7, {"loss": value})
    with pytest.raises(FloatingPointError, match="`val_loss` became"):
        guard.on_epoch_end(0, {"loss": 1.0, "val_loss": value})


def test_the_log_rewinds_to_a_step_and_drops_a_torn_line(tmp_path):
    records = [{"epoch": epoch, "step": 10 * epoch, "loss": 1.0 / epoch} for epoch in (1, 2, 3)]
    text = "".join(json.dumps(record) + "\n" for record in records)
    log = MetricsLog(tmp_path / "metrics.jsonl")
    assert log.rewind(30) == []
    log.path.write_text(text + '{"epoch": 4, "st')
    assert log.read() == records
    assert log.rewind(20) == records[:2]
    assert log.read() == records[:2]
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.jsonl"]


@pytest.mark.parametrize(
    "damage", [b'{"step": ', b"\xff\x00\x9f", b"[" * 100_000, b"3", b'{"epoch": 2, "loss": "low"}']
)
def test_a_damaged_line_is_named_and_without_it_the_log_goes_on(tmp_path, damage):
    log, good = MetricsLog(tmp_path / "metrics.jsonl"), b'{"epoch": 1, "step": 1}'
    log.path.write_bytes(good + b"\n" + damage + b"\n")
    with pytest.raises(ValueError, match=r"metrics\.jsonl, line 2, is damaged: .* Repair or remove the line"):
        log.rewind(9)
    log.path.write_bytes(good + b"\n")
    assert log.rewind(9) == [{"epoch": 1, "step": 1}]
