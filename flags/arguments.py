"""What a command takes beside flags: nothing."""

import functools
from collections.abc import Callable

from absl import app


def flags_only(main: Callable[[], None]) -> Callable[[list[str]], None]:
    """Returns a main function for `app.run` that refuses arguments that are no flags."""

    @functools.wraps(main)
    def checked(argv: list[str]) -> None:
        if len(argv) > 1:
            raise app.UsageError(f"Flags only, please. Received: {' '.join(argv[1:])}")
        main()

    return checked
