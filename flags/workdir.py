"""The flag that says where a run lies."""

from absl import flags

flags.DEFINE_string("workdir", None, "Folder of the run. launch.train's default: runs/DATASET-MODEL.")
