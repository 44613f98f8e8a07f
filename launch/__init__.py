"""Launchers, run from the checkout: `python -m launch.train --help`."""
