"""Checks of arguments, with messages that say which, what is expected and what was received."""

import json
import numbers
from typing import Any


def require(condition: bool, name: str, expected: str, received: Any) -> None:
    """Raises a ValueError unless a condition holds.

    Args:
        condition: whether the argument is good.
        name: of the argument.
        expected: what it must be.
        received: its value.
    """
    if not condition:
        raise ValueError(f"`{name}` must be {expected}. Received: {name}={received!r}")


def require_int(name: str, value: Any, minimum: int) -> int:
    """Returns an integer as an int, NumPy's too; raises a ValueError if it is none, below the minimum or over int32."""
    is_integer = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    require(is_integer and value >= minimum, name, f"an int of at least {minimum}", value)
    require(value < 2**31, name, "below 2**31, to be a size", value)
    return int(value)


def require_ints(name: str, values: Any, minimum: int = 1) -> tuple[int, ...]:
    """Returns integers as a tuple of ints; raises a ValueError if one is none or below the minimum."""
    return tuple(require_int(name, value, minimum) for value in values)


def parse_json(text: str | bytes) -> Any:
    """Returns the value of a JSON text; raises a ValueError if it is none, is no UTF-8 or is nested without an end."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"it is not valid JSON: {error}") from error


def require_precision(layer) -> None:
    """Raises a ValueError for a layer that computes in float16, whose sums overflow without a word."""
    policy = layer.dtype_policy
    expected = "float32, float64 or mixed_bfloat16: float16 overflows in the sums of log-densities"
    require(policy.compute_dtype != "float16", "dtype", expected, policy.name)
