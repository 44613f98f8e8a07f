"""Splits that a data set lacks, held out of the one it is trained on."""

from collections.abc import Mapping, Sequence

from sisrnn_tf.data.spec import SPLITS

EVERY = 10  # every tenth sequence of a split that must also validate


def hold_out(splits: Mapping[str, Sequence], source: str, what: str) -> tuple[dict[str, list], list[str]]:
    """Returns the three splits, and notes of what is not the data's own.

    Args:
        splits: those that there are, lists of sequences; validation and test are held out where they are missing.
        source: which of them is trained on, `train` or `validation`.
        what: a sequence is called.

    Raises:
        ValueError: there are too few sequences.
    """
    notes = ["trained on the validation file"] if source == "validation" else []
    missing = [split for split in SPLITS[1:] if split not in splits or split == source]
    fewest = EVERY + len(missing) - 1  # what is left of so many has a tenth sequence for the next split too
    if missing and len(splits[source]) < fewest:
        what_is_missing = f"{' and '.join(missing)} split{'s' * (len(missing) > 1)}"
        raise ValueError(
            f"The {what_is_missing} can be held out of at least {fewest} training {what}s. Received "
            f"{len(splits[source])}: bring more of them, or the {what_is_missing}."
        )
    rest, found = list(splits[source]), {split: list(items) for split, items in splits.items()}
    for split in missing:
        found[split] = rest[EVERY - 1 :: EVERY]
        rest = [item for index, item in enumerate(rest) if index % EVERY != EVERY - 1]
        notes.append(f"every {EVERY}th {what} for {split}")
    return found | {"train": rest}, notes
