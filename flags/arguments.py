"""What a command takes beside flags, mostly nothing, and how it ends."""

import functools
import logging
import sys
from collections.abc import Callable, Sequence

from absl import app
from absl import logging as absl_logging


def flags_only(main: Callable[[], None]) -> Callable[[list[str]], None]:
    """Returns a main function for `app.run` that refuses arguments that are no flags.

    What a user can mend, an error of a value or a file, ends it with a line of ERROR: and a status other than 0.
    """

    @arguments_too
    @functools.wraps(main)
    def checked(arguments: list[str]) -> None:
        if arguments:
            raise app.UsageError(f"Flags only, please. Received: {' '.join(arguments)}")
        main()

    return checked


def arguments_too(main: Callable[[list[str]], None]) -> Callable[[list[str]], None]:
    """Returns a main function for `app.run` that is given the arguments that are no flags, and ends as `flags_only`."""

    @functools.wraps(main)
    def checked(argv: list[str]) -> None:
        absl_logging.set_verbosity(absl_logging.WARNING)  # TensorFlow's notes come this way
        try:
            main(argv[1:])
        except (ValueError, OSError, FloatingPointError) as error:
            logging.getLogger("sisrnn_tf").debug("The traceback of the error:", exc_info=True)
            sys.exit(f"ERROR: {error}")

    return checked


def refuse_useless(names: Sequence[str], what: str) -> None:
    """Raises a ValueError for flags that would do nothing.

    Args:
        names: of these flags.
        what: makes no use of them.
    """
    if names:
        them = "it" if len(names) == 1 else "them"
        raise ValueError(f"{what} makes no use of {', '.join(f'--{name}' for name in sorted(names))}: leave {them} out")
