"""Whether real-valued data is what its emission can give, before a model is built."""

import numpy as np
import tensorflow as tf

from sisrnn_tf.data.checks import require_allowed
from sisrnn_tf.data.kinds import SUPPORTS
from sisrnn_tf.data.spec import SPLITS, SequenceDataset
from sisrnn_tf.emissions.emission import Emission


def check(dataset: SequenceDataset, emission: Emission) -> None:
    """Scans series and strokes for what an emission, of counts perhaps, cannot give.

    Args:
        dataset: that `data.checks.check` has found good; of other kinds it has scanned all.
        emission: by which they are to be scored.

    Raises:
        ValueError: there is such a value; names the split and the first such sequence.
    """
    if not SUPPORTS[dataset.emission].is_real:
        return
    for name in SPLITS:
        observations = dataset.split(name).observations
        possible = emission.possible(tf.constant(observations)).numpy() | np.isnan(observations)  # NaN is missing
        require_allowed(possible, name, f"be {emission.expected} for the emission {emission}", observations)
