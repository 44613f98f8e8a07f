"""Where files of series are, and how one is laid out."""

import dataclasses
import pathlib

from sisrnn_tf.core.validation import require
from sisrnn_tf.data import files

FORMS = ("wide", "long")
ENDINGS = (".csv", ".parquet")


@dataclasses.dataclass(frozen=True)
class Layout:
    """What a reader has found in the first file of a data set; the others are read the same way.

    Attributes:
        form: `wide`, a row a step and a column a feature; `long`, a row a value.
        delimiter: between cells; None of Parquet, which has none.
        decimal: the sign before decimals, `.` or `,`.
        sequence: the column that names the series of a row; None where all rows are one series.
        time: the column of times, kept as labels; None where there is none.
        variable, value: of the long form, the columns of features' names and of their values; else None.
        covariates: names of those columns, in the long form of those variables, that are known and not scored.
    """

    form: str
    delimiter: str | None = None
    decimal: str = "."
    sequence: str | None = None
    time: str | None = None
    variable: str | None = None
    value: str | None = None
    covariates: tuple[str, ...] = ()

    def __post_init__(self):
        require(self.form in FORMS, "form", f"one of {', '.join(FORMS)}", self.form)
        require(self.decimal in (".", ","), "decimal", "a point or a comma", self.decimal)

    @property
    def columns(self) -> list[str]:
        """Names of the columns that are neither features nor covariates."""
        roles = (self.sequence, self.time, self.variable, self.value)
        return [name for name in roles if name is not None]

    def describe(self) -> str:
        """Returns the layout in words."""
        cells = [] if self.delimiter is None else [f"cells divided by {self.delimiter!r}", f"decimal {self.decimal!r}"]
        roles = ("sequence", "time", "variable", "value")
        named = [f"{role} `{getattr(self, role)}`" for role in roles if getattr(self, role) is not None]
        single = [] if self.sequence else ["all rows one series"]
        known = [f"covariates {', '.join(f'`{name}`' for name in self.covariates)}"] if self.covariates else []
        return ", ".join([f"{self.form} form", *cells, *single, *named, *known])


def find(data_dir: str | None) -> dict[str, pathlib.Path]:
    """Returns split -> path of those files that are there.

    Args:
        data_dir: folder of train.csv and, where there are such, valid.csv (or val.csv) and test.csv, or .parquet; or
            one file, which is the training split.

    Raises:
        ValueError: there is no training file, or a split has two.
    """
    if data_dir is None:
        raise ValueError("No data for csv: give a .csv or .parquet file, or a folder with train.csv, as --data_dir")
    path = files.open_path(data_dir)
    if path.is_file():
        return {"train": path}
    found = files.find_splits(path, ("",), ENDINGS)
    if "train" not in found:
        raise ValueError(f"`data_dir` must hold train.csv or train.parquet. Received: data_dir={path}")
    return found
