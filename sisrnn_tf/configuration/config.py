"""Experiment configuration: frozen, validated, written to and read from JSON."""

import dataclasses
import json
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from sisrnn_tf.configuration.families import FAMILIES
from sisrnn_tf.core.validation import parse_json, require
from sisrnn_tf.data.normalization import NORMALIZATIONS
from sisrnn_tf.inference.traits import OBJECTIVES

MODELS = tuple(FAMILIES)
BINARIZATIONS = ("larochelle", "sampled", "dynamic", "threshold", "grey", "none")
TRAIN_SPLITS = ("train", "val")
LAYOUTS = ("rows", "pixels")
SPLIT_PROTOCOLS = ("vrnn", "official")
# How series are scored, each with the fields of the configuration's model that it makes use of.
EMISSIONS: Mapping[str, tuple[str, ...]] = {
    "normal": ("emission_scale_floor",),
    "normal_mixture": ("num_components", "emission_scale_floor"),
    "logistic_mixture": ("num_components", "emission_scale_floor"),
    "negative_binomial": (),
}
COUNT_EMISSIONS = ("negative_binomial",)
MIXINGS = ("none", "joint", "per_dimension")
POSTERIORS = ("filtering", "smoothing")
LEARNING_RATE_SCHEDULES = ("constant", "cosine", "plateau")
KL_SCHEDULES = ("constant", "linear", "cyclical")
PRECISIONS = ("float32", "mixed_bfloat16", "float64")
_LARGEST = float(np.finfo(np.float32).max)


def _require_choice(name: str, received: Any, choices: Collection[str]) -> None:
    require(received in choices, name, f"one of {', '.join(choices)}", received)


def _require_sizes(name: str, received: Any) -> None:
    valid = isinstance(received, tuple) and all(isinstance(size, int) and 0 < size < 2**31 for size in received)
    require(valid, name, "a tuple of positive ints below 2**31", received)


def _require_minimum(name: str, received: Any, minimum: float) -> None:
    require(minimum <= received, name, f"at least {minimum}", received)
    require(not isinstance(received, int) or received < 2**31, name, "below 2**31", received)


def _require_finite(section: Any) -> None:
    """Requires numbers that float32, in which they are used, has."""
    for name, value in vars(section).items():
        number = isinstance(value, int | float)
        require(not number or abs(value) <= _LARGEST, name, f"finite, at most {_LARGEST:.2g}", value)


def _require_type_of(name: str, received: Any, default: Any) -> None:
    """Requires a value of the default's type; where that is None it may be of any."""
    types = (int, float) if isinstance(default, float) else type(default)
    same = isinstance(received, types) and isinstance(received, bool) == isinstance(default, bool)
    require(default is None or same, name, f"of the type {type(default).__name__}", received)


@dataclasses.dataclass(frozen=True)
class DataConfig:
    """Which sequences, and under which convention their likelihood is counted."""

    dataset: str = "digits"  # a name in sisrnn_tf.data.registry
    data_dir: str | None = None  # where the user's files lie; None for embedded or prepared data
    download: bool = False  # whether TFDS may use the network
    binarization: str = "threshold"  # how grey images become observations; none: no images
    layout: str = "rows"  # rows: T x D is the image; pixels: one pixel a step
    max_eval_sequences: int | None = None  # validation and test use at most so many, evenly spaced
    train_split: str = "train"  # of text; val: train on the validation file, a part of it held out
    vocabulary_file: str | None = None  # of text, a word a line; None for the data's own or the training text's
    vocabulary_size: int = 20_000  # of text, V at the most where it is made of the training text
    max_length: int | None = None  # tokens of a sentence, the end among them, or steps of a series, at the most
    normalization: str = "none"  # of real-valued sequences, by statistics of the training split
    splits: str = "vrnn"  # of iamondb: which lists train, validate and test
    allow_pickle: bool = False  # of strokes: whether to read pickled arrays, which can run any code
    window_length: int | None = None  # of csv: steps of windows, split by time; None: whole, but for a single series
    covariates: tuple[str, ...] = ()  # of csv: columns that are known and not scored

    def __post_init__(self):
        _require_choice("normalization", self.normalization, NORMALIZATIONS)
        _require_choice("splits", self.splits, SPLIT_PROTOCOLS)
        _require_choice("binarization", self.binarization, BINARIZATIONS)
        _require_choice("layout", self.layout, LAYOUTS)
        _require_choice("train_split", self.train_split, TRAIN_SPLITS)
        _require_minimum("vocabulary_size", self.vocabulary_size, 3)
        for name in ("max_length", "window_length"):
            if getattr(self, name) is not None:
                _require_minimum(name, getattr(self, name), 2)
        names = self.covariates
        good = isinstance(names, tuple) and all(isinstance(name, str) and name for name in names)
        require(good and len(set(names)) == len(names), "covariates", "different names of columns", names)
        if self.max_eval_sequences is not None:
            _require_minimum("max_eval_sequences", self.max_eval_sequences, 1)


@dataclasses.dataclass(frozen=True)
class ModelConfig:
    """Which model, and its sizes; the defaults are the paper's, and ours where it is silent."""

    model: str = "sisrnn"
    latent_size: int = 16
    hidden_size: int = 64
    encoder_sizes: tuple[int, ...] = (128, 128, 128)
    mixing: str = "joint"  # of the posterior: none, over whole latent vectors (the paper's), or of each dimension
    noise_sizes: tuple[int, ...] = (150, 100, 50)  # of joint mixing, one entry an encoder layer
    noise_per_dimension: int = 3  # bits, of mixing of each dimension
    noise_weight_scale: float = 0.1  # initial noise weights, as a fraction of the other weights
    posterior: str = "filtering"  # filtering: reads x_t and the state; smoothing: a GRU over x_t..x_T too
    backward_size: int = 64  # units of that GRU
    prior_components: int = 1  # of the prior; 1: a Gaussian
    prior_sizes: tuple[int, ...] = (64, 64)
    decoder_sizes: tuple[int, ...] = (128, 128)
    activation: str = "relu"
    scale_floor: float = 1e-3  # smallest standard deviation of prior and posterior
    embedding_size: int = 512  # of words, in models of sentences, and so are the rest
    decoder_blocks: int = 3  # of the transformer
    attention_heads: int = 8
    lstm_size: int = 1024  # of the LSTM that decodes
    dropout: float = 0.2  # of the decoder
    word_dropout: float = 0.0  # probability with which training hides a word from the decoder
    emission: str = "normal_mixture"  # of series, a key of EMISSIONS; what follows is of series and strokes
    num_components: int = 20  # of a mixture
    emission_scale_floor: float = 1e-3  # smallest scale, in normalized units
    max_correlation: float = 0.95  # of strokes, between the two offsets; 0: diagonal covariances

    def __post_init__(self):
        _require_finite(self)
        _require_choice("model", self.model, MODELS)
        _require_choice("emission", self.emission, EMISSIONS)
        _require_choice("mixing", self.mixing, MIXINGS)
        _require_choice("posterior", self.posterior, POSTERIORS)
        _require_minimum("noise_per_dimension", self.noise_per_dimension, 1)
        require(self.noise_per_dimension <= 8, "noise_per_dimension", "from 1 to 8", self.noise_per_dimension)
        require(0 <= self.max_correlation < 1, "max_correlation", "in [0, 1)", self.max_correlation)
        for name in ("scale_floor", "emission_scale_floor"):
            require(getattr(self, name) > 0, name, "positive", getattr(self, name))
        sizes = ("latent_size", "hidden_size", "embedding_size", "decoder_blocks", "attention_heads", "lstm_size")
        for name in (*sizes, "num_components", "backward_size", "prior_components"):
            _require_minimum(name, getattr(self, name), 1)
        for name in ("dropout", "word_dropout"):
            require(0 <= getattr(self, name) < 1, name, "in [0, 1)", getattr(self, name))
        for name in ("encoder_sizes", "noise_sizes", "prior_sizes", "decoder_sizes"):
            _require_sizes(name, getattr(self, name))
        fitting = "noise_sizes" not in FAMILIES[self.model].used_options(vars(self)) or len(self.noise_sizes) == len(
            self.encoder_sizes
        )
        require(fitting, "noise_sizes", f"as long as encoder_sizes={self.encoder_sizes}", self.noise_sizes)
        _require_minimum("noise_weight_scale", self.noise_weight_scale, 0.0)


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
    init_from: str | None = None  # workdir of the run whose best weights this one starts with; None: fresh ones

    def __post_init__(self):
        _require_finite(self)
        counts = ("epochs", "batch_size", "eval_batch_size", "kl_num_cycles", "steps_per_execution")
        for name in (*counts, "num_importance", "num_replicas"):
            _require_minimum(name, getattr(self, name), 1)
        for name in ("num_mixing", "num_mixing_start", "num_mixing_ramp_epochs", "eval_num_mixing", "kl_weight"):
            _require_minimum(name, getattr(self, name), 0)
        for name in ("max_steps", "save_every_steps", "truncation", "early_stopping_epochs"):
            if getattr(self, name) is not None:
                _require_minimum(name, getattr(self, name), 1)
        require(
            self.num_mixing >= self.num_mixing_start,
            "num_mixing",
            f"at least num_mixing_start={self.num_mixing_start}",
            self.num_mixing,
        )
        require(self.learning_rate > 0, "learning_rate", "positive", self.learning_rate)
        require(self.clip_norm is None or self.clip_norm > 0, "clip_norm", "positive or None", self.clip_norm)
        _require_choice("learning_rate_schedule", self.learning_rate_schedule, LEARNING_RATE_SCHEDULES)
        _require_choice("kl_schedule", self.kl_schedule, KL_SCHEDULES)
        require(0 < self.kl_rising_fraction <= 1, "kl_rising_fraction", "in (0, 1]", self.kl_rising_fraction)
        _require_choice("precision", self.precision, PRECISIONS)
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
        _require_choice("objective", self.objective, tuple(OBJECTIVES))
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


@dataclasses.dataclass(frozen=True)
class ExperimentConfig:
    """All that decides the outcome of a run."""

    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    training: TrainingConfig = TrainingConfig()

    def __post_init__(self):
        counted = self.model.emission in COUNT_EMISSIONS
        unscaled = f"none with emission={self.model.emission}: counts are scored as they are"
        good = not counted or self.data.normalization == "none"
        require(good, "normalization", unscaled, self.data.normalization)
        name, family = self.model.model, FAMILIES[self.model.model]
        objective, truncation = self.training.objective, self.training.truncation
        good = not family.is_exact or objective == TrainingConfig.objective
        require(good, "objective", f"left alone with model={name}, whose likelihood is exact", objective)
        names = " or ".join(each for each, kind in OBJECTIVES.items() if family.fits(kind))
        one_step = f"{names}: a sentence has one latent, nothing to resample"
        require(family.fits(OBJECTIVES[objective]), "objective", one_step, objective)
        one_step = "left out: a model of sentences has one stochastic step"
        require(family.has_steps or truncation is None, "truncation", one_step, truncation)

    def to_json(self) -> str:
        """Returns the configuration as indented JSON text."""
        return json.dumps(dataclasses.asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "ExperimentConfig":
        """Reads what `to_json` wrote.

        Raises:
            ValueError: the text is no JSON, a field is unknown, or a value is out of its range.
        """
        sections = parse_json(text)
        require(isinstance(sections, dict), "configuration", "a JSON object", sections)
        parts = {}
        for field in dataclasses.fields(cls):
            values = sections.pop(field.name, {})
            require(isinstance(values, dict), field.name, "a JSON object", values)
            part_class: Any = type(field.default)
            known = {part.name: part.default for part in dataclasses.fields(part_class)}
            unknown = sorted(set(values) - set(known))
            require(not unknown, field.name, f"made of the fields {sorted(known)}", unknown)
            values = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
            for name, value in values.items():
                _require_type_of(name, value, known[name])
            parts[field.name] = part_class(**values)
        require(not sections, "configuration", "made of the sections data, model, training", sorted(sections))
        return cls(**parts)


def differences(first: ExperimentConfig, second: ExperimentConfig) -> list[str]:
    """Returns one line for each field in which two configurations differ."""
    lines = []
    for field in dataclasses.fields(ExperimentConfig):
        left, right = (dataclasses.asdict(getattr(config, field.name)) for config in (first, second))
        lines += [f"{name}: {left[name]!r} != {right[name]!r}" for name in left if left[name] != right[name]]
    return lines
