"""The names under which parameters travel between contenders: an .npz, kernels `[inputs, outputs]`.

    encoder/hidden_0/kernel  [D + H, 128]   of [x_t, h_{t-1}]         encoder/noise_0/kernel  [150, 128]
    encoder/hidden_1/kernel  [128, 128]                               encoder/noise_1/kernel  [100, 128]
    encoder/hidden_2/kernel  [128, 128]                               encoder/noise_2/kernel  [50, 128]
    encoder/output/kernel    [128, 2 Z]     loc, then raw scale
    prior/hidden_0/kernel    [H, 64]        of h_{t-1}, and hidden_1, output [64, 2 Z]
    decoder/hidden_0/kernel  [Z + H, 128]   of [z_t, h_{t-1}], and hidden_1, output [128, D]
    transition/kernel        [D + Z, 3 H]   of [x_t, z_t]; the gates are update, reset, candidate
    transition/recurrent_kernel [H, 3 H]
    transition/bias          [2, 3 H]       of the inputs and of the state (`reset_after`)

Each kernel but the noise's and the transition's has a `bias` beside it. These are Keras' names in `SISRNN.cell`.
"""

import numpy as np

from benchmarks.configuration import Configuration


def from_path(path: str) -> str:
    """Returns the name here of a Keras variable of `SISRNN`."""
    return path.split("cell/", 1)[-1].replace("network/", "").replace("gru/", "")


def num_layers(configuration: Configuration) -> dict[str, int]:
    """Returns how many hidden layers prior, encoder and decoder have."""
    return {name: len(getattr(configuration, f"{name}_sizes")) for name in ("prior", "encoder", "decoder")}


def layer_names(network: str, num_hidden: int) -> list[str]:
    """Returns the names of a network's layers, its output last."""
    return [f"{network}/hidden_{index}" for index in range(num_hidden)] + [f"{network}/output"]


def mismatches(received: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> dict[str, float]:
    """Returns for each name |received - expected| / |expected|, as Euclidean norms; infinite where it is missing.

    Args:
        received: arrays by name.
        expected: arrays by name, in float64.
    """
    errors = {}
    for name, array in expected.items():
        if name not in received or received[name].shape != array.shape:
            errors[name] = float("inf")
            continue
        errors[name] = float(np.linalg.norm(received[name] - array) / np.linalg.norm(array))
    return errors
