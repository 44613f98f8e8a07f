"""Flags that say what to fill in."""

from absl import flags

flags.DEFINE_string(
    "input",
    None,
    "A .csv or .parquet file, laid out as the training data, its cells empty where values are missing; or an .npz file "
    "of `observations` [N, T, D] in the data's units, NaN where they are missing, and, unless all are of one length, "
    "`lengths` [N].",
)
flags.DEFINE_string(
    "output",
    None,
    "The file to write: .csv with the same names, or .npz with the draws too; default: WORKDIR/imputed, .npz for .npz. "
    "A picture of the gaps of series goes beside it, as .png.",
)
flags.DEFINE_integer("num_samples", 20, "S, draws of each gap.", lower_bound=1)
flags.DEFINE_integer("num_importance", 100, "M, particles of each draw.", lower_bound=1)
flags.DEFINE_integer("sampling_seed", 0, "Seed of the draws.")
