"""Logs the metrics of each epoch as a line of JSON."""

import json
import pathlib
import time
from collections.abc import Mapping

import keras

from sisrnn_tf.core.atomic import append_text, write_text
from sisrnn_tf.core.validation import parse_json


class MetricsLog(keras.callbacks.Callback):
    """Appends a JSON line to a file at the end of each epoch.

    Args:
        path: the file.
    """

    def __init__(self, path: pathlib.Path):
        super().__init__()
        self.path = pathlib.Path(path)

    def read(self) -> list[dict]:
        """Returns the records of the file; a line that a kill cut short is left out.

        Raises:
            ValueError: a whole line is damaged.
        """
        if not self.path.exists():
            return []
        lines = self.path.read_bytes().split(b"\n")[:-1]  # a whole line ends with a newline
        return [self._parse(line, number) for number, line in enumerate(lines, start=1)]

    def _parse(self, line: bytes, number: int) -> dict:
        try:
            record = parse_json(line)
            if not isinstance(record, dict) or not all(type(record.get(name)) is int for name in ("epoch", "step")):
                raise ValueError("it must be a JSON object with whole numbers `epoch` and `step`")
            if not all(type(value) in (int, float) for value in record.values()):
                raise ValueError("all values must be numbers")
        except ValueError as error:
            raise ValueError(f"{self.path}, line {number}, is damaged: {error}. Repair or remove the line.") from error
        return record

    def rewind(self, step: int) -> list[dict]:
        """Drops what was logged after a step, and returns the rest."""
        records = [record for record in self.read() if record["step"] <= step]
        text = "".join(json.dumps(record) + "\n" for record in records)
        if self.path.exists() and self.path.read_bytes() != text.encode():
            write_text(self.path, text)
        return records

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Starts the clock."""
        self._start = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Appends the epoch's line."""
        record: dict[str, float] = {"epoch": epoch + 1, "step": int(self.model.optimizer.iterations.numpy())}
        record |= {name: float(value) for name, value in (logs or {}).items()}
        record["seconds"] = round(time.monotonic() - self._start, 3)
        append_text(self.path, json.dumps(record) + "\n")
