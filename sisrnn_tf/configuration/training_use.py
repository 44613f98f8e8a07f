"""Which options of training make a difference to a run."""

from sisrnn_tf.configuration.config import ExperimentConfig
from sisrnn_tf.configuration.families import FAMILIES
from sisrnn_tf.inference.traits import OBJECTIVES

_MIXING = ("num_mixing", "num_mixing_start", "num_mixing_ramp_epochs", "eval_num_mixing")
_KL = ("kl_schedule", "kl_weight", "kl_num_cycles", "kl_rising_fraction")
# What a schedule of the KL weight makes no use of.
_UNUSED_BY_SCHEDULE = {"constant": _KL[2:], "linear": _KL[2:3]}


def useless(config: ExperimentConfig) -> set[str]:
    """Returns the fields of the training that make no difference with the rest of a configuration."""
    family, training = FAMILIES[config.model.model], config.training
    fields = set(_UNUSED_BY_SCHEDULE.get(training.kl_schedule, ()))
    fields |= set() if family.mixes(vars(config.model)) else set(_MIXING)
    fields |= set() if OBJECTIVES[training.objective].has_importance else {"num_importance"}
    fields |= {"objective", *_KL} if family.is_exact else set()
    return fields | (set() if family.recurs else {"truncation"})
