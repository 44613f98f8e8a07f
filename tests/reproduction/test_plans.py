"""What is run: every configuration is good, and models of a table have the same budget."""

import dataclasses

import pytest

from sisrnn_tf.configuration.config import differences
from sisrnn_tf.data.registry import DATASETS
from sisrnn_tf.reproduction import plans, published

ALL = [plans.make(table, scale) for table in plans.TABLES for scale in plans.SCALES]
BUDGET = (
    "epochs",
    "max_steps",
    "batch_size",
    "learning_rate",
    "clip_norm",
    "eval_num_mixing",
    "num_mixing",
    "objective",
)


@pytest.mark.parametrize("plan", ALL, ids=[plan.name for plan in ALL])
def test_models_of_a_table_have_one_budget(plan):
    configs = [row.config(seed, "DIR") for row, seed in plan.select()]
    for name in BUDGET:
        assert len({getattr(config.training, name) for config in configs}) == 1, name
    assert len({config.data.max_eval_sequences for config in configs}) == 1
    if plan.table != "language":  # there the schedule is what sets two rows apart
        assert len({config.training.kl_schedule for config in configs}) == 1


@pytest.mark.parametrize("plan", ALL, ids=[plan.name for plan in ALL])
def test_rows_have_names_data_and_numbers_of_the_paper(plan):
    assert len({row.name for row in plan.rows}) == len(plan.rows)
    quoted = {(entry.dataset, entry.model) for entry in published.load() if entry.table == plans.TABLES[plan.table]}
    for row, seed in plan.select():
        data = row.config(seed, "DIR").data
        entry = DATASETS[data.dataset]
        assert data.binarization in entry.binarizations
        assert (data.data_dir is None) == ("data_dir" not in entry.options)
        assert row.published in (quoted | {None})
        if plan.scale == "smoke":
            assert data.data_dir is None
        if plan.scale != "paper":
            assert row.published is not None or row.name == "rnn"
    assert not [row for row in plan.rows if row.config(0, None).data.data_dir]


@pytest.mark.parametrize("scale", plans.SCALES)
def test_the_study_of_conventions_changes_nothing_but_the_data(scale):
    plan = plans.make("mnist", scale)
    studied = [row for row in plan.rows if row.base]
    assert len(studied) == 6
    for row in studied:
        config, base = row.config(0, "DIR"), plan.row(row.base).config(0, "DIR")
        assert dataclasses.replace(config, data=base.data) == base
        assert config.data.binarization == row.name.rsplit("_", 1)[1] != base.data.binarization


def test_the_papers_sizes_are_the_papers():
    small, large = (plans.make("mnist", "paper").row(f"sisrnn_{size}").config(0, "DIR") for size in (64, 128))
    assert (small.model.hidden_size, large.model.hidden_size) == (64, 128)
    assert small.model.encoder_sizes == (128, 128, 128) and small.model.noise_sizes == (150, 100, 50)
    assert small.model.prior_sizes == (64, 64)
    training = small.training
    assert (training.epochs, training.learning_rate, training.batch_size) == (2000, 1e-3, 128)
    assert (training.num_mixing_start, training.num_mixing, training.num_mixing_ramp_epochs) == (1, 100, 500)
    assert training.kl_schedule == "cyclical"
    assert differences(small, large) == ["hidden_size: 64 != 128"]
    handwriting = plans.make("handwriting", "paper").row("sisrnn").config(0, "DIR")
    assert (handwriting.model.hidden_size, handwriting.data.splits) == (256, "vrnn")


def test_a_part_of_a_plan_is_chosen_by_rows_and_seeds(mnist):
    assert [(row.name, seed) for row, seed in mnist.select(["vrnn_grey", "vrnn"], [0])] == [
        ("vrnn", 0),
        ("vrnn_grey", 0),
    ]
    assert [seed for _, seed in mnist.select(["rnn"])] == [0, 1, 2]
    with pytest.raises(ValueError, match=r"`rows` must be among rnn, .*Received: rows='vae'"):
        mnist.select(["rnn", "vae"])
    with pytest.raises(ValueError, match=r"`seeds` must be among \[0\]"):
        mnist.select(["vrnn_grey"], [0, 1])
    with pytest.raises(ValueError, match=r"`scale` must be one of smoke, cpu, paper"):
        plans.make("mnist", "large")
