"""The flag that says where the demonstration is shown."""

from absl import flags

flags.DEFINE_integer(
    "port",
    8000,
    "Port of the page, on this machine alone; 0: any that is free.",
    lower_bound=0,
    upper_bound=2**16 - 1,
)
