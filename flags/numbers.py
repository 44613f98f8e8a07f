"""Flags that hold several numbers."""

from absl import app
from absl.flags import FLAGS


def from_flag(name: str, minimum: int) -> list[int]:
    """Returns the ints of a list flag.

    Args:
        name: of the flag.
        minimum: the least that is allowed.

    Raises:
        absl.app.UsageError: the flag is empty, or a value is no int or below the minimum.
    """
    texts = FLAGS[name].value
    if not texts or not all(text.isdecimal() and minimum <= int(text) < 2**31 for text in texts):
        raise app.UsageError(
            f"--{name} must be ints of at least {minimum} and below 2**31, separated by commas. "
            f"Received: --{name}={','.join(texts)}"
        )
    return [int(text) for text in texts]
