"""Semi-implicit stochastic recurrent neural networks: every launcher as a subcommand, with its own flags.

sisrnn train --dataset=digits --workdir=runs/digits
sisrnn train --help
"""

import ast
import importlib
import pathlib
import sys

# In the order of use.
COMMANDS = (
    *("train", "evaluate", "diagnose", "generate", "forecast", "impute", "score", "report", "compare"),
    *("export", "demo", "reproduce"),
)


def main() -> None:
    """Runs the launcher that the first word of the command line names, on the words after it."""
    name, *arguments = sys.argv[1:] or ["--help"]
    if name in ("--help", "--helpshort", "help"):
        print(_help())
        return
    if name not in COMMANDS:
        sys.exit(f"ERROR: the command must be one of {', '.join(COMMANDS)}. Received: {name}")
    launcher = importlib.import_module(f"launch.{name}")
    sys.modules["__main__"].__doc__ = launcher.__doc__  # which help and errors begin with
    sys.argv = [f"sisrnn {name}", *arguments]
    launcher.COMMAND.run()


def _help() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"    {name:{width}}  {_summary(name)}" for name in COMMANDS]
    return "\n".join([(__doc__ or "").rstrip(), "", *lines])


def _summary(name: str) -> str:
    """Returns the first line of a launcher's docstring; not by its import: launchers have flags of the same name."""
    source = pathlib.Path(__file__).with_name(f"{name}.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(source)) or "").split("\n")[0]


if __name__ == "__main__":
    main()
