"""Results as if they had been run."""

import json

import pytest

from sisrnn_tf.reproduction import plans
from sisrnn_tf.reproduction.plan import DATA_DIR


def make_run(plan, name, seed=0, nll=80.0, **fields):
    """A finished run; its NLL falls by a nat from L_0 to IWAE, and by another to SMC."""
    row = plan.row(name)
    config = row.config(seed, DATA_DIR)
    is_rnn = config.model.model == "rnn"
    further = plan.weighted[0]
    estimates = [("exact", 0, 1, 0)] if is_rnn else [("L_K", 0, 1, 0)]
    estimates += [] if is_rnn else [("IWAE", 10, further.num_importance, 1), ("SMC", 10, further.num_importance, 2)]
    if config.model.model.endswith("sisrnn"):
        estimates += [("L_K", 10, 1, 0.25), ("L_K", 100, 1, 0.5)]
    grey = row.options.get("binarization") == "grey"
    records = [
        {
            "split": "test",
            "estimator": estimator,
            "num_mixing": k,
            "num_importance": m,
            "seed": seed,
            "quantity": f"{'cross-entropy' if grey else 'NLL'} {'=' if is_rnn else '<='}",
            "nll": nll - gain,
            "standard_error": 0.5,
            "nll_per_step": (nll - gain) / 28,
            "num_sequences": 10_000 if m == 1 else further.max_sequences,
            **({"ppl": 100 + nll, "kl": 0.75} if plan.table == "language" else {}),
        }
        for estimator, k, m, gain in estimates
    ]
    return {
        "row": name,
        "seed": seed,
        "config": json.loads(config.to_json()),
        "records": records,
        "epochs": [{"epoch": n + 1, "val_loss": nll - n, "seconds": 10.0} for n in range(3)],
        "best_epoch": 3,
        "seconds": {"training": 30.0, "evaluation": 12.0},
        "data": {"name": plan.data},
        "versions": {"sisrnn_tf": "0"},
        "machine": {"cpu": "a processor", "cores": 2},
    } | fields


@pytest.fixture
def mnist():
    """The plan of Table 1 on a CPU."""
    return plans.make("mnist", "cpu")
