"""Numbers and signs as a page shows them."""

import json
import math
from typing import Any

_NONE = "\u2013"  # an en dash
_DIGITS = 3  # where no error says how many are worth showing
_MOST_DIGITS = 6
_SIGNS = {"<=": "\u2264", ">=": "\u2265", "+-": "\u00b1", "!=": "\u2260", "->": "\u2192"}


def signs(text: str) -> str:
    """Returns a text with the signs that its keys stand for: <= and +- as of files and the console."""
    for typed, sign in _SIGNS.items():
        text = text.replace(typed, sign)
    return text


def digits(error: float | None, scale: float | None = 1.0) -> int:
    """Returns how many digits after the point a value is worth: two of its standard error.

    Args:
        error: the standard error; None where it is not known.
        scale: by which the value shown is larger than the one that the error is of.
    """
    scaled = abs((error or 0.0) * (scale or 0.0))
    if not 0.0 < scaled < math.inf:
        return _DIGITS
    return min(max(1 - math.floor(math.log10(scaled)), 0), _MOST_DIGITS)


def fixed(value: float | None, places: int) -> str:
    """Returns a number with so many digits after the point and a minus that is one; a dash for None."""
    return _NONE if value is None else f"{value:.{places}f}".replace("-", "\u2212")


def significant(value: float | None, places: int = _DIGITS) -> str:
    """Returns a number with so many significant digits, as `fixed`; below a hundred thousandth as a power of ten."""
    return _NONE if value is None else f"{value:.{places}g}".replace("-", "\u2212")


def count(value: int) -> str:
    """Returns a whole number with its thousands apart."""
    return f"{value:,}"


def size(num_bytes: int) -> str:
    """Returns the size of a file in words."""
    power = min(max(len(str(num_bytes)) - 1, 0) // 3, 3)
    return f"{num_bytes / 1000**power:.3g} {('bytes', 'kB', 'MB', 'GB')[power]}"


def setting(value: Any) -> str:
    """Returns a value of a configuration as JSON has it, a list without its brackets."""
    if isinstance(value, tuple):
        return ", ".join(map(setting, value))
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return str(value)
