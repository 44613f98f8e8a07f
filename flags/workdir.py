"""The flag that says where a run lies."""

from absl import flags

flags.DEFINE_string(
    "workdir",
    None,
    "Folder of the run, or preset:NAME for one that comes with the package. launch.train makes runs/DATASET-MODEL by "
    "default; others need it.",
)
