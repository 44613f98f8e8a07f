"""Configuration of the training."""

import dataclasses

from sisrnn_tf.configuration.checks import require_choice, require_finite, require_minimum
from sisrnn_tf.core.validation import require
from sisrnn_tf.inference.traits import OBJECTIVES

LEARNING_RATE_SCHEDULES = ("constant", "cosine", "plateau")
KL_SCHEDULES = ("constant", "linear", "cyclical")
PRECISIONS = ("float32", "mixed_bfloat16", "float64")


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """How the model is fitted; the defaults are the paper's."""

    epochs: int = 2000
    max_steps: int | None = None  # stop after so many steps, whatever the epoch
    batch_size: int = 128  # sequences a step, over all devices together
    learning_rate: float = 1e-3  # of Adam
    clip_norm: float | None = None  # global norm of the gradient
    objective: str = "sivi"  # sivi: L_K; iwae: M weighted trajectories; fivo: M particles, resampled
    num_importance: int = 1  # M of iwae and fivo
    num_mixing: int = 100  # K at the end of its ramp
    num_mixing_start: int = 1  # K in the first epoch
    num_mixing_ramp_epochs: int = 500  # epochs over which K rises
    kl_schedule: str = "cyclical"
    kl_weight: float = 1.0  # beta at the end of the schedule
    kl_num_cycles: int = 4
    kl_rising_fraction: float = 0.5  # part of each cycle in which beta rises
    eval_num_mixing: int = 10  # K of every validation, so that epochs compare
    eval_batch_size: int = 200
    seed: int = 0
    precision: str = "float32"
    jit_compile: bool = False
    deterministic: bool = False  # TensorFlow's op determinism
    steps_per_execution: int = 1
    save_every_steps: int | None = None  # checkpoints inside an epoch; None: at its end only
    num_replicas: int = 1  # R, devices over which each batch is split; each draws its own noise
    truncation: int | None = None  # steps between the points where the gradient through h stops; None: nowhere
    learning_rate_schedule: str = "constant"  # cosine: to 0 over the run; plateau: by validation
    early_stopping_epochs: int | None = None  # so many without a better validation end the run; None: none do
    init_from: str | None = None  # workdir, or preset:NAME, of the run whose best weights this one starts with

    def __post_init__(self):
        require_finite(self)
        counts = ("epochs", "batch_size", "eval_batch_size", "kl_num_cycles", "steps_per_execution")
        for name in (*counts, "num_importance", "num_replicas"):
            require_minimum(name, getattr(self, name), 1)
        for name in ("num_mixing", "num_mixing_start", "num_mixing_ramp_epochs", "eval_num_mixing", "kl_weight"):
            require_minimum(name, getattr(self, name), 0)
        for name in ("max_steps", "save_every_steps", "truncation", "early_stopping_epochs"):
            if getattr(self, name) is not None:
                require_minimum(name, getattr(self, name), 1)
        require(
            self.num_mixing >= self.num_mixing_start,
            "num_mixing",
            f"at least num_mixing_start={self.num_mixing_start}",
            self.num_mixing,
        )
        require(self.learning_rate > 0, "learning_rate", "positive", self.learning_rate)
        require(self.clip_norm is None or self.clip_norm > 0, "clip_norm", "positive or None", self.clip_norm)
        require_choice("learning_rate_schedule", self.learning_rate_schedule, LEARNING_RATE_SCHEDULES)
        require_choice("kl_schedule", self.kl_schedule, KL_SCHEDULES)
        require(0 < self.kl_rising_fraction <= 1, "kl_rising_fraction", "in (0, 1]", self.kl_rising_fraction)
        require_choice("precision", self.precision, PRECISIONS)
        self._check_objective()
        self._check_replicas()
        require(0 <= self.seed < 2**31, "seed", "in [0, 2**31)", self.seed)

    def _check_replicas(self) -> None:
        for name in ("batch_size", "eval_batch_size"):
            size = getattr(self, name)
            divisible = f"divisible by num_replicas={self.num_replicas}, each of which takes as many sequences"
            require(size % self.num_replicas == 0, name, divisible, size)
        for name, only in (("jit_compile", False), ("steps_per_execution", 1)):
            value = getattr(self, name)
            possible = f"{only} with num_replicas={self.num_replicas}: TensorFlow fails with both"
            require(self.num_replicas == 1 or value == only, name, possible, value)

    def _check_objective(self) -> None:
        require_choice("objective", self.objective, tuple(OBJECTIVES))
        objective, which = OBJECTIVES[self.objective], f"with objective={self.objective}"
        if objective.has_importance:
            several = f"at least {objective.min_importance}, such as 8, {which}"
            require(self.num_importance >= objective.min_importance, "num_importance", several, self.num_importance)
        else:
            require(self.num_importance == 1, "num_importance", f"1 {which}", self.num_importance)
        if not objective.weighs_kl:
            only = f"{{}} {which}: importance weights have no beta but 1"
            require(self.kl_schedule == "constant", "kl_schedule", only.format("constant"), self.kl_schedule)
            require(self.kl_weight == 1, "kl_weight", only.format("1"), self.kl_weight)
