"""Systems of other papers: their rows of the tables, and in what they differ from their sources."""

from typing import Any

# Of Table 1: label, options, the number, and how long a run takes.
IMAGES: dict[str, tuple[str, dict[str, Any], str, float]] = {
    "zforcing": ("Z-Forcing", {"model": "zforcing", "auxiliary_weight": 0.0}, "Z-Forcing (1-layer)", 1.7),
    "zforcing_aux": ("Z-Forcing + aux", {"model": "zforcing"}, "Z-Forcing (1-layer) + aux", 1.8),
    "twinnet": ("TwinNet", {"model": "twinnet"}, "TwinNet (3-layers)", 1.9),
}
# The sizes and the budget that all rows share, in the place of their own.
EQUAL = {
    "latent_size": 16,
    "encoder_sizes": (128, 128, 128),
    "prior_sizes": (64, 64),
    "decoder_sizes": (128, 128),
    "scale_floor": 1e-3,
    "batch_size": 128,
}
IMAGES_DIFFER = (
    " Z-Forcing and TwinNet differ from their sources: rows of images in place of pixels, one GRU in place of LSTMs "
    "(of TwinNet three layers), and the sizes of VRNN's row; docs/systems.md says the rest."
)

# Of Table 2 at the scale cpu: about as many weights as the other rows have, 270,000 to 420,000, for the millions of
# their sources.
_LADDER = {"channels": 48, "block_layers": 5, "encoder_sizes": (64, 64), "prior_sizes": (64, 64)}
CONVOLUTIONS: dict[str, dict[str, Any]] = {
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
CONVOLUTIONS_DIFFER = (
    " WaveNet, SWaveNet and STCN differ from their sources in emission and budget, which are those of all rows; "
    "SWaveNet in a GRU for its backward network, and no batch normalization; STCN in that each z is drawn once, with a "
    "standard deviation where its code has a variance; docs/systems.md says the rest."
)
