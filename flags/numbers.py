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
    if not texts or not all(text.isdecimal() and int(text) >= minimum for text in texts):
        raise app.UsageError(
            f"--{name} must be ints of at least {minimum}, separated by commas. Received: --{name}={','.join(texts)}"
        )
    return [int(text) for text in texts]
