"""What a command can choose among, by name, and what imports TensorFlow does: a command is checked before that."""

STRATEGIES = ("auto", "one_device", "mirrored", "multi_worker")  # of `strategies.make`
SCORE_FORMATS = ("csv", "npz")  # of the files that `runs.scoring` writes
TRACKERS = ("wandb", "mlflow")  # of `runs.tracking`, each an extra of the installation
EXPORT_FORMATS = ("savedmodel", "folder")  # of what `launch.export` makes
