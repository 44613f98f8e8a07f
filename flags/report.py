"""The flag that says where the report goes."""

from absl import flags

flags.DEFINE_string("output", None, "The page to write; default: WORKDIR/report.html.")
