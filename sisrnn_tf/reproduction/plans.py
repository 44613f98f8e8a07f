"""What to run for each table of the paper, at each scale."""

from typing import Any

from sisrnn_tf.configuration import families
from sisrnn_tf.configuration.families import FAMILIES
from sisrnn_tf.configuration.model_config import ModelConfig
from sisrnn_tf.configuration.presets import preset_options
from sisrnn_tf.core.validation import require
from sisrnn_tf.data.kinds import KINDS
from sisrnn_tf.data.registry import DATASETS
from sisrnn_tf.reproduction import systems
from sisrnn_tf.reproduction.plan import Further, Plan, Row

TABLES = {"mnist": 1, "handwriting": 2, "language": 3}  # name -> number in the paper
SCALES = ("smoke", "cpu", "paper")

_SIZE_OPTIONS = families.options() | {name for kind in KINDS.values() for name in kind.scoring_options}
_CONVENTIONS = ("dynamic", "threshold", "grey")  # beside the one of the table's own rows


def make(table: str, scale: str) -> Plan:
    """Returns the plan of a table.

    Args:
        table: a key of `TABLES`.
        scale: one of `SCALES`. smoke: minutes, on embedded data; cpu: at most about ten minutes a run on two cores;
            paper: the paper's sizes and epochs.

    Raises:
        ValueError: the table or the scale is unknown.
    """
    require(table in TABLES, "table", f"one of {', '.join(TABLES)}", table)
    require(scale in SCALES, "scale", f"one of {', '.join(SCALES)}", scale)
    makers = {"mnist": _mnist, "handwriting": _handwriting, "language": _language}
    note, rows = makers[table](scale)
    further, diagnosed = _FURTHER[table, scale]
    return Plan(table, scale, _DATA[table, scale], note, tuple(rows), further, diagnosed)


def _estimates(num_mixing: int, num_importance: int, max_sequences: int | None, smc: bool = True):
    """Returns L_K for several K on the whole split, and IWAE and SMC on a part of it."""
    weighted = ((num_mixing,), num_importance, max_sequences)
    bounds = tuple(k for k in (0, 1, 100) if k <= 10 * num_mixing)
    return (Further("bound", bounds), Further("iwae", *weighted), *([Further("smc", *weighted)] if smc else []))


_DATA = {
    ("mnist", "smoke"): "digits",
    ("mnist", "cpu"): "Larochelle's MNIST",
    ("mnist", "paper"): "Larochelle's MNIST",
    ("handwriting", "smoke"): "glyphs",
    ("handwriting", "cpu"): "KanjiVG",
    ("handwriting", "paper"): "IAM-OnDB",
    ("language", "smoke"): "help topics",
    ("language", "cpu"): "PTB",
    ("language", "paper"): "PTB and Yahoo",
}
# Estimates and the extent of the diagnosis, by table and scale.
_FURTHER = {
    ("mnist", "smoke"): (_estimates(2, 3, 20), (4, 8)),
    ("mnist", "cpu"): (_estimates(10, 10, 2000), (64, 256)),
    ("mnist", "paper"): (_estimates(100, 100, None), (64, 256)),
    ("handwriting", "smoke"): (_estimates(2, 3, 20), (4, 8)),
    ("handwriting", "cpu"): (_estimates(10, 10, None), (64, 256)),
    ("handwriting", "paper"): (_estimates(100, 100, None), (64, 256)),
    ("language", "smoke"): (_estimates(2, 3, 20, smc=False), (4, 8)),
    ("language", "cpu"): (_estimates(10, 50, 200, smc=False), (64, 256)),
    ("language", "paper"): (_estimates(100, 500, None, smc=False), (64, 256)),
}

# Sizes at which a run takes a moment.
_TINY = {
    "latent_size": 2,
    "hidden_size": 4,
    "encoder_sizes": (8, 8),
    "noise_sizes": (4, 2),
    "prior_sizes": (4,),
    "decoder_sizes": (8,),
    "channels": 4,
    "blocks": 2,
    "block_layers": 2,
    "embedding_size": 8,
    "decoder_blocks": 1,
    "attention_heads": 2,
    "lstm_size": 8,
    "refinement_steps": 2,
    "num_components": 2,
    "batch_size": 32,
    "epochs": 2,
    "num_mixing": 3,
    "num_mixing_ramp_epochs": 2,
    "eval_num_mixing": 2,
    "kl_schedule": "constant",
    "max_eval_sequences": 50,
}


def _row(name, label, preset, options, seeds, published, weight, base="") -> Row:
    """Returns a row without the options of size that its model makes no use of."""
    model, dataset = options["model"], options["dataset"]
    values = vars(ModelConfig()) | preset_options(preset, model, dataset) | options
    used = {*FAMILIES[model].used_options(values), *DATASETS[dataset].kind.scoring_options}
    useless = _SIZE_OPTIONS - used
    options = {key: value for key, value in options.items() if key not in useless}
    return Row(name, label, preset, options, seeds, published, weight, base)


def _mnist(scale: str) -> tuple[str, list[Row]]:
    note, shared, main, other = _MNIST[scale]
    seeds = (0, 1, 2) if scale == "cpu" else (0,)
    small, large = (4, 8) if scale == "smoke" else (64, 128)
    models = {
        "rnn": ("RNN", "rnn", small, None, 1.0),
        "vrnn": ("VRNN", "vrnn", small, "VRNN (1-layer)", 1.4),
        "sisrnn_64": ("SIS-RNN, GRU 64", "sisrnn", small, "SIS-RNN (1-layer) 64", 5.0),
        "sisrnn_128": ("SIS-RNN, GRU 128", "sisrnn", large, "SIS-RNN (1-layer) 128", 6.5),
    }
    rows = []
    for name, (label, model, size, published, weight) in models.items():
        options = {**shared, **main, "model": model, "hidden_size": size}
        reference = published and ("sequential MNIST", published)
        rows.append(_row(name, label, "paper", options, seeds, reference, weight))
    for name, (label, own, published, weight) in systems.IMAGES.items() if scale != "paper" else ():
        options = {**systems.EQUAL, **shared, **main, **own, "hidden_size": small, "backward_size": small}
        options.pop("noise_sizes", None)  # of a point mass
        rows.append(_row(name, label, "paper", options, seeds, ("sequential MNIST", published), weight))
    for convention in _CONVENTIONS:
        for row in [row for row in rows if row.name in ("vrnn", "sisrnn_64")]:
            options = {**row.options, **other, "binarization": convention}
            label = f"{row.label}, {convention}"
            rows.append(row._replace(name=f"{row.name}_{convention}", label=label, options=options, base=row.name))
    return note, [row._replace(seeds=(0,)) if row.base else row for row in rows]


# What the numbers are of; options of all rows; data of the table's rows, and of the study of conventions.
_MNIST = {
    "smoke": (
        "Tiny models after two epochs on scikit-learn's digits (8 x 8, rows), binarized once (`sampled`) in the place "
        "of Larochelle's files: these numbers show that the machinery works, and have nothing to do with the paper's."
        + systems.IMAGES_DIFFER,
        _TINY,
        {"dataset": "digits", "binarization": "sampled"},
        {"dataset": "digits"},
    ),
    "cpu": (
        "Larochelle's files, rows (T=28, D=28), and MNIST's grey levels in the study of conventions; the paper's "
        "sizes, but 10 epochs (the paper: 2,000), learning rate 3e-3 (1e-3), K from 1 to 10 over 5 epochs (1 to 100 "
        "over 500) and beta = 1 throughout (cyclical): what was best on validation in few epochs, for VRNN and SIS-RNN "
        "alike." + systems.IMAGES_DIFFER,
        {
            "epochs": 10,
            "learning_rate": 3e-3,
            "kl_schedule": "constant",
            "num_mixing": 10,
            "num_mixing_ramp_epochs": 5,
        },
        {"dataset": "binarized_mnist", "binarization": "larochelle", "data_dir": ""},
        {"dataset": "mnist", "data_dir": ""},
    ),
    "paper": (
        "Larochelle's files, rows (T=28, D=28), and MNIST's grey levels in the study of conventions; the paper's sizes "
        "and schedules. The paper cites Larochelle and Murray for its binarization; it trains on 60,000 images, of "
        "which here 10,000 choose the epoch.",
        {},
        {"dataset": "binarized_mnist", "binarization": "larochelle", "data_dir": ""},
        {"dataset": "mnist", "data_dir": ""},
    ),
}


def _handwriting(scale: str) -> tuple[str, list[Row]]:
    note, shared = _HANDWRITING[scale]
    shared = {"binarization": "none", "normalization": "vrnn", **shared}
    models = {
        "rnn": ("RNN", "RNN", 1.0),
        "vrnn": ("VRNN", "VRNN", 1.4),
        "wavenet": ("WaveNet", "WaveNet", 0.6),
        "swavenet": ("SWaveNet", "SWaveNet", 1.5),
        "stcn": ("STCN", "STCN", 1.5),
        "stcn_dense": ("STCN-dense", "STCN-dense", 1.5),
        "sisrnn": ("SIS-RNN", "SIS-RNN (1-layer)", 3.5),
    }
    rows = []
    for name, (label, published, weight) in models.items():
        own = systems.CONVOLUTIONS.get(name, {}) if scale == "cpu" else {}
        options = {**shared, **own, "model": name}
        rows.append(_row(name, label, "paper", options, (0,), ("IAM-OnDB", published), weight))
    return note, rows


_HANDWRITING = {
    "smoke": (
        "Tiny models after two epochs on the embedded glyphs: these numbers show that the machinery works, and have "
        "nothing to do with the paper's." + systems.CONVOLUTIONS_DIFFER,
        {**_TINY, "dataset": "glyphs"},
    ),
    "cpu": (
        "NOT Table 2's data: IAM-OnDB may not be passed on, so these are KanjiVG's drawings (short_kanji), normalized "
        "as `vrnn`. A density's NLL has no meaning across data sets: compare our rows with each other alone. The "
        "paper's sizes, but 20 epochs (the paper: 2,000), K from 1 to 10 over 10 epochs, beta = 1 throughout, 20 "
        "components, a scale floor of 0.005 normalized units and gradients cut to norm 5. Convolutional models "
        "have as many weights as the others, not those of their sources." + systems.CONVOLUTIONS_DIFFER,
        {
            "dataset": "strokes",
            "data_dir": "strokes/short_kanji.npz",
            "hidden_size": 256,
            "num_components": 20,
            "emission_scale_floor": 0.005,
            "clip_norm": 5.0,
            "epochs": 20,
            "kl_schedule": "constant",
            "num_mixing": 10,
            "num_mixing_ramp_epochs": 10,
        },
    ),
    "paper": (
        "IAM-OnDB with VRNN's splits and normalization, the paper's sizes and schedules, and where it is silent 20 "
        "components, a scale floor of 0.005 normalized units and gradients cut to norm 5."
        + systems.CONVOLUTIONS_DIFFER,
        {
            "dataset": "iamondb",
            "data_dir": "iamondb",
            "splits": "vrnn",
            "hidden_size": 256,
            "num_components": 20,
            "emission_scale_floor": 0.005,
            "clip_norm": 5.0,
        },
    ),
}


def _language(scale: str) -> tuple[str, list[Row]]:
    note, shared, datasets = _LANGUAGE[scale]
    rows = []
    for dataset, (folder, published_data) in datasets.items():
        data = {"dataset": dataset, "binarization": "none", **({} if folder is None else {"data_dir": folder})}
        for name, (label, model, schedule, weight) in _WRITERS.items():
            if published_data == "Yahoo" and name == "cyclic_vae":  # the paper has it of PTB alone
                continue
            options = {**shared, **data, "model": model, "kl_schedule": schedule}
            rows.append(_row(f"{dataset}_{name}", label, "paper", options, (0,), (published_data, label), weight))
    return note, rows


_WRITERS = {
    "vae_lstm": ("VAE-LSTM", "vae_lstm", "linear", 1.0),
    "cyclic_vae": ("Cyclic-VAE", "vae_lstm", "cyclical", 1.0),
    "vae_transformer": ("VAE-Transformer", "vae_transformer", "linear", 1.2),
    "sa_vae": ("SA-VAE", "sa_vae", "linear", 6.0),
    "sisrnn": ("SIS-RNN", "sentence_sisrnn", "cyclical", 1.3),
}
# What the numbers are of; options of all rows; data set -> folder below the user's, and its name in the paper.
_LANGUAGE: dict[str, tuple[str, dict[str, Any], dict[str, tuple[str | None, str]]]] = {
    "smoke": (
        "Tiny models after two epochs on Python's help topics: these numbers show that the machinery works, and have "
        "nothing to do with the paper's. SA-VAE takes 2 steps of refinement for 20.",
        {**_TINY, "max_length": 12},
        {"pydoc": (None, "PTB")},
    ),
    "cpu": (
        "Penn Treebank, one latent a sentence, embeddings of 128, GRU 256, Z 32, transformer of 3 blocks and 8 heads "
        "or LSTM 256, dropout 0.2, Adam 1e-3, 3 epochs, K from 1 to 10 over 2; KL weight linear or cyclical, as each "
        "model's authors have it. SA-VAE takes 4 steps of refinement of 0.15 for 20 of 1/32, of which each would cost "
        "as much as a step of VAE-LSTM and a half; with them a run takes about six times as long as one of VAE-LSTM.",
        {
            "hidden_size": 256,
            "encoder_sizes": (128, 128, 128),
            "embedding_size": 128,
            "lstm_size": 256,
            "refinement_steps": 4,
            "refinement_rate": 0.15,
            "dropout": 0.2,
            "learning_rate": 1e-3,
            "epochs": 3,
            "num_mixing": 10,
            "num_mixing_ramp_epochs": 2,
        },
        {"ptb": ("ptb", "PTB")},
    ),
    "paper": (
        "Penn Treebank and Yahoo Answers, one latent a sentence, the sizes of the published VAE-transformer and "
        "VAE-LSTM, 40 epochs, K from 1 to 100 over 10. SA-VAE has its own paper's sizes, but a GRU for an encoder, and "
        "Adam.",
        {},
        {"ptb": ("ptb", "PTB"), "yahoo": ("yahoo", "Yahoo")},
    ),
}
