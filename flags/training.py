"""Flags that say how to train. Without a default of their own they take the preset's."""

from absl import flags

from sisrnn_tf.configuration.training_config import KL_SCHEDULES, LEARNING_RATE_SCHEDULES, PRECISIONS
from sisrnn_tf.core.choices import STRATEGIES, TRACKERS
from sisrnn_tf.inference.traits import OBJECTIVES

_TRAINABLE = "; ".join(f"{name}: {kind.description}" for name, kind in OBJECTIVES.items())
_IMPORTANCE = "; ".join(
    f"{name}: at least {kind.min_importance}" for name, kind in OBJECTIVES.items() if kind.has_importance
)

flags.DEFINE_integer(
    "epochs", None, "Epochs to train. A run may be given more, unless a schedule is spread over all of them."
)
flags.DEFINE_integer("max_steps", None, "Stop after so many steps, whatever the epoch.")
flags.DEFINE_integer(
    "batch_size", None, "Sequences a step. Default: the preset's, of fewer sequences a quarter of them."
)
flags.DEFINE_float("learning_rate", None, "Learning rate of Adam.")
flags.DEFINE_enum(
    "learning_rate_schedule",
    None,
    LEARNING_RATE_SCHEDULES,
    "cosine: to 0 over the whole run; plateau: a tenth after 10 epochs without a better validation. Default: constant.",
)
flags.DEFINE_integer("early_stopping_epochs", None, "End the run after so many epochs without a better validation.")
flags.DEFINE_string(
    "init_from",
    None,
    "Workdir of a run of the same model, or preset:NAME: start with the weights of its best epoch. Default: fresh.",
)
flags.DEFINE_float("clip_norm", None, "Clip the gradient to this global norm.")
flags.DEFINE_integer(
    "truncation",
    None,
    "Steps between the points where the gradient through the state stops (truncated backpropagation through time); "
    "the state itself is carried on.",
)
flags.DEFINE_enum(
    "objective",
    None,
    list(OBJECTIVES),
    f"What to maximize. {_TRAINABLE}. In all but sivi beta is 1. Default: sivi.",
)
flags.DEFINE_integer("num_importance", None, f"M, trajectories or particles of the objective; {_IMPORTANCE}.")
flags.DEFINE_integer("num_mixing", None, "K, extra mixing draws in the bound, at the end of its ramp.")
flags.DEFINE_integer("num_mixing_start", None, "K in the first epoch.")
flags.DEFINE_integer("num_mixing_ramp_epochs", None, "Epochs over which K rises; 0: none.")
flags.DEFINE_enum("kl_schedule", None, KL_SCHEDULES, "How beta, the KL weight, moves over training.")
flags.DEFINE_float("kl_weight", None, "beta at the end of its schedule. What is reported always has beta = 1.")
flags.DEFINE_integer("kl_num_cycles", None, "Cycles of the cyclical schedule.")
flags.DEFINE_float("kl_rising_fraction", None, "Part of a cycle, or of a linear schedule, in which beta rises.")
flags.DEFINE_integer("eval_num_mixing", None, "K of every validation and of the final evaluation.")
flags.DEFINE_integer("eval_batch_size", None, "Sequences a batch of evaluation.")
flags.DEFINE_integer("seed", None, "The seed of everything random.")
flags.DEFINE_enum("precision", None, PRECISIONS, "Precision of networks; densities are float32, or float64 with it.")
flags.DEFINE_bool("jit_compile", None, "Compile the training step with XLA: faster on GPU, slower on CPU.")
flags.DEFINE_bool("deterministic", None, "Only deterministic TensorFlow operations.")
flags.DEFINE_integer("steps_per_execution", None, "Steps in one call of the compiled function.")
flags.DEFINE_integer("save_every_steps", None, "Checkpoints inside an epoch too.")
flags.DEFINE_enum(
    "tracking",
    None,
    TRACKERS,
    "Show the run in Weights & Biases or MLflow too, whose environment variables say where. Default: nowhere.",
)
flags.DEFINE_enum(
    "strategy",
    "auto",
    STRATEGIES,
    "mirrored: all GPUs of this machine; multi_worker: the processes that TF_CONFIG or SLURM names, with all GPUs of "
    "each; auto: multi_worker if there are several processes, mirrored if there are several GPUs, else one_device.",
)
flags.DEFINE_integer(
    "num_replicas", None, "R, devices that share a batch; without GPUs mirrored makes as many of the CPU. Default: all."
)
