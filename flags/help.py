"""The --help of a launcher: its flags by topic, without those of the libraries beneath."""

import sys
from collections.abc import Callable
from types import ModuleType

from absl import app
from absl.flags import FLAGS


def parser(*topics: ModuleType) -> Callable[[list[str]], list[str]]:
    """Returns a parser for `app.run` whose --help, or --helpshort, shows the flags of these modules.

    Args:
        topics: modules that define flags, in the order to show them.
    """

    def parse(argv: list[str]) -> list[str]:
        if {"--help", "--helpshort"} & set(argv[1:]):  # the latter is what absl recommends after an error
            print(sys.modules["__main__"].__doc__)
            for topic in topics:
                print((topic.__doc__ or "").strip())
                print(FLAGS.module_help(topic).split(":\n", 1)[1], end="\n\n")
            sys.exit(0)
        return app.parse_flags_with_usage(argv)

    return parse
