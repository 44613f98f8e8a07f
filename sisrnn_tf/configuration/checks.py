"""What is required of the fields of a configuration; each a ValueError that names the field."""

from collections.abc import Collection
from typing import Any

import numpy as np

from sisrnn_tf.core.validation import require

_LARGEST = float(np.finfo(np.float32).max)


def require_choice(name: str, received: Any, choices: Collection[str]) -> None:
    """Requires one of some names."""
    require(received in choices, name, f"one of {', '.join(choices)}", received)


def require_sizes(name: str, received: Any) -> None:
    """Requires units of hidden layers."""
    valid = isinstance(received, tuple) and all(isinstance(size, int) and 0 < size < 2**31 for size in received)
    require(valid, name, "a tuple of positive ints below 2**31", received)


def require_minimum(name: str, received: Any, minimum: float) -> None:
    """Requires a number of at least so much, and an int that has 32 bits."""
    require(minimum <= received, name, f"at least {minimum}", received)
    require(not isinstance(received, int) or received < 2**31, name, "below 2**31", received)


def require_finite(section: Any) -> None:
    """Requires numbers that float32, in which they are used, has."""
    for name, value in vars(section).items():
        number = isinstance(value, int | float)
        require(not number or abs(value) <= _LARGEST, name, f"finite, at most {_LARGEST:.2g}", value)


def require_type_of(name: str, received: Any, default: Any) -> None:
    """Requires a value of the default's type; where that is None it may be of any."""
    types = (int, float) if isinstance(default, float) else type(default)
    same = isinstance(received, types) and isinstance(received, bool) == isinstance(default, bool)
    require(default is None or same, name, f"of the type {type(default).__name__}", received)
