"""A launcher as a command."""

from collections.abc import Callable
from types import ModuleType
from typing import NamedTuple

from absl import app
from absl.flags import mark_flags_as_required

from flags import help


class Command(NamedTuple):
    """A launcher as a command; its help is the docstring of its module and of those of its flags.

    Attributes:
        main: as of `flags_only`; imports what imports TensorFlow when its flags are checked.
        topics: modules that define its flags, in the order to show them.
        required: names of the flags that must be given.
    """

    main: Callable[[list[str]], None]
    topics: tuple[ModuleType, ...]
    required: tuple[str, ...] = ()

    def run(self) -> None:
        """Parses the command line, does what it says and ends the process."""
        mark_flags_as_required(list(self.required))
        app.run(self.main, flags_parser=help.parser(*self.topics))
