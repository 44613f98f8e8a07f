"""The likelihood without memory that a run's is to be held against, kept in the workdir."""

import json

from sisrnn_tf.analysis import baselines
from sisrnn_tf.analysis.baselines import Baseline
from sisrnn_tf.core.atomic import write_text
from sisrnn_tf.core.validation import parse_json
from sisrnn_tf.data.spec import SequenceDataset
from sisrnn_tf.emissions.emission import Emission
from sisrnn_tf.runs.workdir import Workdir


def measure(workdir: Workdir, emission: Emission, dataset: SequenceDataset, max_sequences: int | None) -> Baseline:
    """Measures it on the test split, and writes it to the workdir; arguments as of `analysis.baselines.measure`."""
    found = baselines.measure(emission, dataset, max_sequences)
    write_text(workdir.baseline, json.dumps(found._asdict()) + "\n")
    return found


def read(workdir: Workdir) -> Baseline | None:
    """Returns what `measure` has found; None of a run that has no such file.

    Raises:
        ValueError: the file is damaged.
    """
    if not workdir.baseline.exists():
        return None
    try:
        values = parse_json(workdir.baseline.read_bytes())
        error = values["standard_error"]
        error = None if error is None else float(error)
        return Baseline(float(values["nll"]), error, str(values["description"]), int(values["num_sequences"]))
    except (ValueError, TypeError, KeyError) as problem:
        raise ValueError(
            f"{workdir.baseline} is damaged: {problem}. Remove it, and repeat the training command, for a new one."
        ) from problem
