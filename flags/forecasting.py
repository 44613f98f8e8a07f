"""Flags that say what to forecast."""

from absl import flags

from sisrnn_tf.data.spec import SPLITS

flags.DEFINE_string(
    "input",
    None,
    "Forecast what follows the series of this file, past their end: a .csv or .parquet, laid out as the training "
    "data, or an .npz of `observations` [N, T, D] in the data's units and, if need be, "
    "`lengths` [N] and `sequence` [N]. Default: a backtest on held-out sequences.",
)
flags.DEFINE_enum("split", "test", SPLITS, "Of a backtest: which sequences.")
flags.DEFINE_integer("num_sequences", 64, "Of a backtest: at most so many of them, evenly spaced.", lower_bound=1)
flags.DEFINE_integer(
    "context_steps", None, "Of a backtest: C, steps of each sequence before its first forecast.", lower_bound=1
)
flags.DEFINE_integer("num_origins", 1, "Of a backtest: so many forecasts of each sequence.", lower_bound=1)
flags.DEFINE_integer("stride", 1, "Of a backtest: steps from where a forecast begins to the next one.", lower_bound=1)
flags.DEFINE_integer(
    "season_length",
    None,
    "Of a backtest: m, steps of a season, for the seasonal naive forecast and the scales of MASE and RMSSE; 1: no "
    "season. Default: guessed by the autocorrelation of the training split.",
    lower_bound=1,
)
flags.DEFINE_integer(
    "num_steps",
    None,
    "F, how many steps to forecast; with --input it must be given, else the default is as many as the longest sequence "
    "has left.",
    lower_bound=1,
)
flags.DEFINE_integer("num_samples", 100, "S, draws a sequence; of a backtest at least 2.", lower_bound=1)
flags.DEFINE_integer(
    "num_importance",
    100,
    "M, particles that follow the context; as many as --num_samples where that is more.",
    lower_bound=1,
)
flags.DEFINE_float("temperature", 1.0, "Of the emission: below 1 what is likely becomes likelier.")
flags.DEFINE_integer("sampling_seed", 0, "Seed of the draws.")
flags.DEFINE_string("output_dir", None, "Where to write; default: WORKDIR/forecasts.")
