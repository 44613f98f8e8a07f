"""The flag that says where the comparison goes."""

from absl import flags

flags.DEFINE_string(
    "output",
    "comparison.png",
    "The picture to write, .png or .svg; the table goes beside it, as .txt. A run's report shows what its folder has.",
)
