"""Flags that say which table of the paper to run, how large, and where the results go."""

from absl import flags

from sisrnn_tf.reproduction.plans import SCALES, TABLES

flags.DEFINE_enum("table", None, list(TABLES), "Which table of the paper: mnist: 1, handwriting: 2, language: 3.")
flags.DEFINE_enum(
    "scale",
    "smoke",
    SCALES,
    "smoke: minutes, embedded data, numbers without a meaning; cpu: at most about ten minutes a run on two cores; "
    "paper: the paper's sizes and epochs, for a GPU.",
)
flags.DEFINE_string(
    "data_dir",
    None,
    "Folder of data: binarized_mnist.npz and mnist.npz, ptb/, yahoo/, strokes/short_kanji.npz, iamondb/, as the table "
    "and the scale need them; smoke needs none.",
)
flags.DEFINE_string("results_dir", "results", "Folder of TABLE-SCALE.json, its tables as .md, and TABLE-SCALE/*.png.")
flags.DEFINE_string("workdir", "runs/reproduce", "Folder of the runs, from which they continue.")
flags.DEFINE_list("rows", None, "Run these rows only, comma-separated; --list names them. Default: all.")
flags.DEFINE_list("seeds", None, "Run these seeds only, comma-separated. Default: all that the rows have.")
flags.DEFINE_bool("list", False, "Show rows, what is done and about how long the rest takes; run nothing.")
flags.DEFINE_string("page", None, "A page of prose whose tables of this table and scale to write anew.")
