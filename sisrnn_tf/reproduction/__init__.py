"""The paper's tables again: what to run, the runs, and their numbers beside the published ones."""
