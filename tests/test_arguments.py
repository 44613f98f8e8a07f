"""How a launcher ends: by a line of ERROR: for what a user can mend, by a traceback for what is ours."""

import pytest
from absl import app

from flags.arguments import flags_only


def _ending_with(error):
    @flags_only
    def main():
        raise error

    return main


@pytest.mark.parametrize("kind", [ValueError, OSError, ConnectionError, FloatingPointError])
def test_an_error_of_a_value_or_a_file_is_one_line(kind):
    with pytest.raises(SystemExit, match=r"^ERROR: what it was$"):
        _ending_with(kind("what it was"))(["name"])


def test_other_errors_are_not_hidden():
    with pytest.raises(ZeroDivisionError):
        _ending_with(ZeroDivisionError())(["name"])


def test_arguments_that_are_no_flags_are_refused_and_without_them_it_runs():
    ran = []
    main = flags_only(lambda: ran.append(True))
    with pytest.raises(app.UsageError, match=r"Flags only, please\. Received: one two"):
        main(["name", "one", "two"])
    assert not ran
    main(["name"])
    assert ran
