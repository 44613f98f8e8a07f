"""What is to be known of objectives without TensorFlow: a command is checked before that is imported."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Traits(NamedTuple):
    """What is to be known of an objective before one is made; `Objective` has the same under the same names.

    Attributes:
        description: what it is, in words.
        has_importance: whether there is an M to choose.
        min_importance: the least M in training.
        weighs_kl: whether a bound with another beta than 1 is known for it.
        needs_steps: whether it works step by step, and one latent for a whole sequence will not do.
    """

    description: str
    has_importance: bool = True
    min_importance: int = 1
    weighs_kl: bool = False
    needs_steps: bool = False


# By the names of `objectives.OBJECTIVES`: the choices of the configuration and of its flag.
OBJECTIVES: Mapping[str, Traits] = MappingProxyType(
    {
        "sivi": Traits(
            "The surrogate bound L_K (Yin & Zhou 2018, eq. 10): one trajectory a sequence",
            has_importance=False,
            weighs_kl=True,
        ),
        "iwae": Traits(
            "Importance-weighted trajectories (Burda et al. 2016): M whole trajectories, each weighted by all its "
            "steps",
            min_importance=2,
        ),
        "fivo": Traits(
            "Sequential Monte Carlo (Maddison et al. 2017): M particles, weighted step by step and resampled",
            min_importance=3,
            needs_steps=True,
        ),
    }
)
# Estimators by their names in a command -> the objective that each is.
ESTIMATORS: Mapping[str, str] = MappingProxyType({"bound": "sivi", "iwae": "iwae", "smc": "fivo"})
