"""Runs in a folder: training and its callbacks, checkpoints, evaluation, scores, the report."""
