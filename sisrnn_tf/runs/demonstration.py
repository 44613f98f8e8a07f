"""What the page of `launch.demo` asks of the presets: how begun drawings and begun digits may go on."""

import threading
from typing import Any

import numpy as np

from sisrnn_tf.core.validation import require, require_int
from sisrnn_tf.data import pen
from sisrnn_tf.runs.predictor import Predictor

SIZE = 500  # of the page's board, in the units of the drawings, most of which are 486 high or wide
MAX_POINTS = 5000  # of a drawing, as a hand makes them
MAX_STEPS, MAX_SAMPLES = 60, 8
_TOLERANCE = 6.0  # the drawings were thinned to the points that matter; what a hand draws is too
_TEMPERATURE = 0.6  # of the strokes: the likelier ones, fewer of which leave the board
_NUM_IMPORTANCE = 50


class Demonstration:
    """Answers the requests of the page, one at a time; each is a JSON object, and so is its answer.

    Args:
        drawings: of drawings of pen strokes.
        digits: of images by rows, of 0 and 1.
    """

    def __init__(self, drawings: Predictor, digits: Predictor):
        self._drawings, self._digits = drawings, digits
        self._one_at_a_time = threading.Lock()

    @property
    def max_context(self) -> int:
        """How many points of a drawing the model has seen at the most."""
        return self._drawings.spec.num_steps

    def warm_up(self) -> None:
        """Makes the graphs that requests run, which takes seconds: of two lengths of a beginning, then of any."""
        line = [[0.0, 0.0], [90.0, 9.0], [90.0, 90.0]]
        for strokes in ([line[:2]], [line], []):
            self.complete_drawing({"strokes": strokes, "pen_down": False, "num_steps": 2, "num_samples": 2, "seed": 0})
        for rows in ([[1] * self._digits.spec.observation_size] * count for count in (1, 2, 0)):
            self.complete_rows({"rows": rows, "num_samples": 2, "seed": 0})

    def complete_drawing(self, request: Any) -> dict:
        """Returns how a begun drawing may go on.

        Args:
            request: `strokes`, of each its points [x, y] on a board of `SIZE`; `pen_down`, whether the last stroke is
                not at its end; `num_steps`, how many points to add; `num_samples`, in how many ways; `seed`.

        Returns:
            `completions`, of each its strokes, lists of points; and `num_points`, how many the model was given.

        Raises:
            ValueError: the request is another.
        """
        request = _object(request)
        strokes, is_down = _strokes(request.get("strokes")), request.get("pen_down")
        require(isinstance(is_down, bool), "pen_down", "true or false", is_down)
        num_steps, num_samples, seed = _number(request, "num_steps", MAX_STEPS), *_draws(request)
        thin = [pen.simplify(stroke, _TOLERANCE) for stroke in strokes]
        offsets = pen.to_offsets(thin, is_down)
        most = self.max_context
        require(len(offsets) <= most, "strokes", f"of at most {most} points that matter: clear the board", len(offsets))
        options: dict[str, Any] = {"temperature": _TEMPERATURE, "seed": seed}
        with self._one_at_a_time:
            if len(offsets):
                options |= {"num_samples": num_samples, "num_importance": _NUM_IMPORTANCE}
                drawn = self._drawings.forecast([offsets], num_steps, **options)[:, 0]
            else:
                drawn = self._drawings.generate(num_samples, num_steps, **options)
        start = thin[-1][-1] if thin else np.array([SIZE / 4, SIZE / 4])
        goes_on = is_down or not len(offsets)  # a drawing begins with the pen down
        completions = [pen.to_strokes(each, start, goes_on) for each in drawn]
        rounded = [[np.round(stroke, 1).tolist() for stroke in each] for each in completions]
        return {"completions": rounded, "num_points": len(offsets)}

    def complete_rows(self, request: Any) -> dict:
        """Returns how a begun digit may go on.

        Args:
            request: `rows`, those that are given, each of as many 0 and 1 as a row has; `num_samples`, in how many
                ways; `seed`.

        Returns:
            `completions`, of each all its rows.

        Raises:
            ValueError: the request is another.
        """
        request, spec = _object(request), self._digits.spec
        num_samples, seed = _draws(request)
        rows, width = request.get("rows"), spec.observation_size
        good = isinstance(rows, list) and all(isinstance(row, list) and len(row) == width for row in rows)
        bits = good and all(type(bit) is int and bit in (0, 1) for row in rows for bit in row)
        left = spec.num_steps - (len(rows) if bits else 0)
        require(bits and left >= 1, "rows", f"fewer than {spec.num_steps} rows of {width} numbers, 0 or 1", rows)
        given = np.array(rows, np.float32).reshape([-1, width])
        with self._one_at_a_time:
            if len(given):
                rest = self._digits.forecast([given], left, num_samples, _NUM_IMPORTANCE, seed=seed)[:, 0]
            else:
                rest = self._digits.generate(num_samples, left, seed=seed)
        completions = np.concatenate([np.tile(given, [num_samples, 1, 1]), rest], axis=1)
        return {"completions": completions.astype(int).tolist()}


def _object(request: Any) -> dict:
    require(isinstance(request, dict), "request", "a JSON object", request)
    return request


def _number(request: dict, name: str, most: int) -> int:
    value = require_int(name, request.get(name), 1)
    require(value <= most, name, f"at most {most}", value)
    return value


def _draws(request: dict) -> tuple[int, int]:
    return _number(request, "num_samples", MAX_SAMPLES), require_int("seed", request.get("seed"), 0)


def _strokes(strokes: Any) -> list[np.ndarray]:
    """Returns the points of each stroke, `[N, 2]`."""
    expected = f"a list of strokes, each of points [x, y] of a board of {SIZE}, at most {MAX_POINTS} in all"
    good = isinstance(strokes, list) and all(isinstance(each, list) and each for each in strokes)
    good = good and sum(map(len, strokes)) <= MAX_POINTS
    points = [point for each in strokes for point in each] if good else []
    good = good and all(isinstance(point, list) and len(point) == 2 for point in points)
    numbers = [number for point in points for number in point] if good else []
    good = good and all(type(number) in (int, float) and abs(number) <= 2 * SIZE for number in numbers)  # no NaN
    require(good, "strokes", expected, str(strokes)[:100])
    return [np.array(stroke, np.float64) for stroke in strokes]
