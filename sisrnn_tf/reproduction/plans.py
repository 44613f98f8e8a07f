"""What to run for each table of the paper, at each scale."""

from sisrnn_tf.core.validation import require
from sisrnn_tf.reproduction import handwriting_rows, language_rows, mnist_rows
from sisrnn_tf.reproduction.plan import Further, Plan

TABLES = {"mnist": 1, "handwriting": 2, "language": 3}  # name -> number in the paper
_MAKERS = {"mnist": mnist_rows.make, "handwriting": handwriting_rows.make, "language": language_rows.make}
SCALES = ("smoke", "cpu", "paper")


def make(table: str, scale: str) -> Plan:
    """Returns the plan of a table.

    Args:
        table: a key of `TABLES`.
        scale: one of `SCALES`. smoke: minutes, on embedded data; cpu: at most about ten minutes a run on two cores;
            paper: the paper's sizes and epochs.

    Raises:
        ValueError: the table or the scale is unknown.
    """
    require(table in TABLES, "table", f"one of {', '.join(TABLES)}", table)
    require(scale in SCALES, "scale", f"one of {', '.join(SCALES)}", scale)
    note, rows = _MAKERS[table](scale)
    further, diagnosed = _FURTHER[table, scale]
    return Plan(table, scale, _DATA[table, scale], note, tuple(rows), further, diagnosed)


def _estimates(num_mixing: int, num_importance: int, max_sequences: int | None, smc: bool = True):
    """Returns L_K for several K on the whole split, and IWAE and SMC on a part of it."""
    weighted = ((num_mixing,), num_importance, max_sequences)
    bounds = tuple(k for k in (0, 1, 100) if k <= 10 * num_mixing)
    return (Further("bound", bounds), Further("iwae", *weighted), *([Further("smc", *weighted)] if smc else []))


_DATA = {
    ("mnist", "smoke"): "digits",
    ("mnist", "cpu"): "Larochelle's MNIST",
    ("mnist", "paper"): "Larochelle's MNIST",
    ("handwriting", "smoke"): "glyphs",
    ("handwriting", "cpu"): "KanjiVG",
    ("handwriting", "paper"): "IAM-OnDB",
    ("language", "smoke"): "help topics",
    ("language", "cpu"): "PTB",
    ("language", "paper"): "PTB and Yahoo",
}
# Estimates and the extent of the diagnosis, by table and scale.
_FURTHER = {
    ("mnist", "smoke"): (_estimates(2, 3, 20), (4, 8)),
    ("mnist", "cpu"): (_estimates(10, 10, 2000), (64, 256)),
    ("mnist", "paper"): (_estimates(100, 100, None), (64, 256)),
    ("handwriting", "smoke"): (_estimates(2, 3, 20), (4, 8)),
    ("handwriting", "cpu"): (_estimates(10, 10, None), (64, 256)),
    ("handwriting", "paper"): (_estimates(100, 100, None), (64, 256)),
    ("language", "smoke"): (_estimates(2, 3, 20, smc=False), (4, 8)),
    ("language", "cpu"): (_estimates(10, 50, 200, smc=False), (64, 256)),
    ("language", "paper"): (_estimates(100, 500, None, smc=False), (64, 256)),
}
