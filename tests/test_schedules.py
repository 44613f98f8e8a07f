"""Schedules: closed forms, limits and serialization."""

import keras
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sisrnn_tf.inference.schedules import RUNGS, ConstantKLWeight, CyclicalKLWeight, LinearKLWeight, MixingRamp

ALL = [ConstantKLWeight(0.5), LinearKLWeight(10, 0.5), CyclicalKLWeight(100, 4, 0.25, 2.0), MixingRamp(2, 7, 5)]


@pytest.mark.parametrize("schedule", ALL, ids=lambda schedule: type(schedule).__name__)
def test_serialization_round_trip(schedule):
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(schedule))
    assert type(copy) is type(schedule)
    assert [copy(count) for count in range(120)] == [schedule(count) for count in range(120)]


def test_linear_rises_to_its_weight_and_rests():
    schedule = LinearKLWeight(num_steps=4, weight=0.8)
    assert [schedule(step) for step in (0, 1, 2, 4, 9)] == pytest.approx([0.0, 0.2, 0.4, 0.8, 0.8])


def test_cyclical_rises_in_the_first_part_of_each_cycle():
    schedule = CyclicalKLWeight(num_steps=40, num_cycles=4, rising_fraction=0.5)
    one_cycle = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.0, 1.0, 1.0, 1.0]
    assert [schedule(step) for step in range(40)] == pytest.approx(one_cycle * 4)
    assert schedule(40) == schedule(10_000) == 1.0


def test_one_cycle_is_the_linear_schedule():
    cyclical, linear = CyclicalKLWeight(100, 1, 0.3, 0.7), LinearKLWeight(30, 0.7)
    assert [cyclical(step) for step in range(150)] == pytest.approx([linear(step) for step in range(150)])


@given(num_steps=st.integers(1, 1000), num_cycles=st.integers(1, 7), step=st.integers(0, 2000))
def test_cyclical_stays_between_zero_and_its_weight(num_steps, num_cycles, step):
    assert 0.0 <= CyclicalKLWeight(num_steps, num_cycles, 0.5, 1.5)(step) <= 1.5


def test_mixing_ramp_of_the_paper():
    ramp = MixingRamp(1, 100, 500)
    values = [ramp(epoch) for epoch in range(2000)]
    assert values[0] == 1
    assert values[499] == 99
    assert set(values[500:]) == {100}
    assert values == sorted(values)
    assert set(values) == set(range(1, 101))


@given(start=st.integers(0, 20), rise=st.integers(0, 120), num_epochs=st.integers(0, 50), epoch=st.integers(0, 60))
def test_rungs_follow_the_ramp_from_below(start, rise, num_epochs, epoch):
    ramp = MixingRamp(start, start + rise, num_epochs)
    rung = ramp.rung(epoch)
    assert start <= rung <= ramp(epoch) <= start + rise
    assert rung in (*RUNGS, start, start + rise)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: ConstantKLWeight(-1.0), "weight"),
        (lambda: ConstantKLWeight(float("nan")), "weight"),
        (lambda: LinearKLWeight(0), "num_steps"),
        (lambda: CyclicalKLWeight(10, 0), "num_cycles"),
        (lambda: CyclicalKLWeight(10, 1, 0.0), "rising_fraction"),
        (lambda: CyclicalKLWeight(10, 1, 1.1), "rising_fraction"),
        (lambda: MixingRamp(-1, 3, 2), "start"),
        (lambda: MixingRamp(4, 3, 2), "end"),
        (lambda: MixingRamp(1, 3, -2), "num_epochs"),
    ],
)
def test_bad_values_are_named(make, name):
    with pytest.raises(ValueError, match=f"`{name}` must be .* Received: {name}="):
        make()
