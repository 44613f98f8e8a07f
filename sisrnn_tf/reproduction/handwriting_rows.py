"""Rows of Table 2, handwriting."""

from typing import Any

from sisrnn_tf.reproduction.plan import Row
from sisrnn_tf.reproduction.rows import TINY, make_row

# About as many weights as the other rows have, 270,000 to 420,000, for the millions of their sources.
_LADDER = {"channels": 48, "block_layers": 5, "encoder_sizes": (64, 64), "prior_sizes": (64, 64)}
_CONVOLUTIONS: dict[str, dict[str, Any]] = {
    "wavenet": {"channels": 96, "decoder_sizes": (128, 128)},
    "swavenet": {
        "channels": 96,
        "latent_size": 16,
        "backward_size": 64,
        "encoder_sizes": (128, 128),
        "prior_sizes": (64,),
        "decoder_sizes": (128, 128),
    },
    "stcn": {**_LADDER, "decoder_sizes": (128, 128)},
    "stcn_dense": {**_LADDER, "decoder_sizes": (128, 128)},
}
_CONVOLUTIONS_DIFFER = (
    " WaveNet, SWaveNet and STCN differ from their sources in emission and budget, which are those of all rows; "
    "SWaveNet in a GRU for its backward network, and no batch normalization; STCN in that each z is drawn once and has "
    "a standard deviation where its code has a variance; docs/systems.md says the rest."
)


_HANDWRITING = {
    "smoke": (
        "Tiny models after two epochs on the embedded glyphs: these numbers show that the machinery works, and have "
        "nothing to do with the paper's." + _CONVOLUTIONS_DIFFER,
        {**TINY, "dataset": "glyphs"},
    ),
    "cpu": (
        "NOT Table 2's data: IAM-OnDB may not be passed on, so these are KanjiVG's drawings (short_kanji), normalized "
        "as `vrnn`. A density's NLL has no meaning across data sets: compare our rows with each other alone. The "
        "paper's sizes, but 20 epochs (the paper: 2,000), K from 1 to 10 over 10 epochs, beta = 1 throughout, 20 "
        "components, a scale floor of 0.005 normalized units and gradients cut to norm 5. Convolutional models "
        "have as many weights as the others, not those of their sources." + _CONVOLUTIONS_DIFFER,
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
        "components, a scale floor of 0.005 normalized units and gradients cut to norm 5." + _CONVOLUTIONS_DIFFER,
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


def make(scale: str) -> tuple[str, list[Row]]:
    """Returns what the numbers are of, in words, and the rows, of a scale of `plans.SCALES`."""
    note, shared = _HANDWRITING[scale]
    shared = {"binarization": "none", "normalization": "vrnn", **shared}
    models = {
        "rnn": ("RNN", "RNN", 1.0),
        "vrnn": ("VRNN", "VRNN", 1.4),
        "wavenet": ("WaveNet", "WaveNet", 0.9),
        "swavenet": ("SWaveNet", "SWaveNet", 1.4),
        "stcn": ("STCN", "STCN", 2.4),
        "stcn_dense": ("STCN-dense", "STCN-dense", 2.4),
        "sisrnn": ("SIS-RNN", "SIS-RNN (1-layer)", 3.5),
    }
    rows = []
    for name, (label, published, weight) in models.items():
        own = _CONVOLUTIONS.get(name, {}) if scale == "cpu" else {}
        options = {**shared, **own, "model": name}
        rows.append(make_row(name, label, options, (0,), ("IAM-OnDB", published), weight))
    return note, rows
