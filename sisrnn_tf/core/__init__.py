"""What everything else stands on: types, randomness, checks, networks, files. No model, no data."""
