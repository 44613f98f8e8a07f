"""Checks of arguments, with messages that say which, what is expected and what was received."""

import json
import math
import numbers
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

# Of K and M: each is a pass through the posterior, and so many would not end in a day.
MAX_DRAWS = 10**6


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
    require(isinstance(values, Sequence | np.ndarray), name, "a sequence of ints", values)
    return tuple(require_int(name, value, minimum) for value in values)


def require_draws(name: str, value: Any, minimum: int) -> int:
    """Returns K or M as an int; raises a ValueError if it is none, below the minimum or above `MAX_DRAWS`."""
    require(require_int(name, value, minimum) <= MAX_DRAWS, name, f"at most {MAX_DRAWS}", value)
    return int(value)


def require_between(name: str, value: Any, low: float, high: float, expected: str) -> float:
    """Returns a number that is at least low and below high; raises a ValueError for anything else."""
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    require(is_number and low <= value < high, name, expected, value)
    return value


def require_positive(name: str, value: Any) -> float:
    """Returns a positive, finite number; raises a ValueError for anything else."""
    require_between(name, value, 0, math.inf, "positive and finite")
    require(value > 0, name, "positive and finite", value)
    return value


def require_memory(num_values: int, **sizes: int | Sequence[int]) -> None:
    """Raises a ValueError where numbers of 4 bytes, so many as sizes make, are more than this machine's memory."""
    wanted, present = 4 * num_values, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if wanted > present:
        names = " and ".join(f"`{name}`" for name in sizes)
        received = ", ".join(f"{name}={size}" for name, size in sizes.items())
        raise ValueError(
            f"{names} must fit in memory: {wanted / 2**30:,.0f} GiB are wanted, and this machine has "
            f"{present / 2**30:,.0f} GiB. Received: {received}"
        )


def require_precision(layer: Any) -> None:
    """Raises a ValueError for a layer that computes in float16, whose sums overflow without a word."""
    policy = layer.dtype_policy
    expected = "float32, float64 or mixed_bfloat16: float16 overflows in the sums of log-densities"
    require(policy.compute_dtype != "float16", "dtype", expected, policy.name)


def parse_json(text: str | bytes) -> Any:
    """Returns the value of a JSON text; raises a ValueError if it is none, is no UTF-8 or is nested without an end."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"it is not valid JSON: {error}") from error
