"""Pictures of what a model draws and makes of what it sees: images, drawings or series, as its data is."""

import numpy as np
from matplotlib.figure import Figure

from sisrnn_tf import plotting
from sisrnn_tf.data.spec import DataSpec
from sisrnn_tf.diagnostics import Diagnostics
from sisrnn_tf.models.base import SequenceModel
from sisrnn_tf.workdir import Workdir

NUM_SEQUENCES = 64
_NUM_PAIRS = 16
# Data sets of strokes whose y grows upward; in files of drawings it grows downward, as in images.
_Y_UP = ("glyphs", "iamondb")


def draw(
    model: SequenceModel,
    observations: np.ndarray,
    lengths: np.ndarray,
    spec: DataSpec,
    workdir: Workdir,
    seed: int,
) -> None:
    """Writes samples beside data, and of images reconstructions, to the workdir's plots.

    Args:
        model: trained.
        observations: held-out data, `[N, T, D]`.
        lengths: real steps of each, int `[N]`; samples are as long.
        spec: of the data.
        workdir: of the run.
        seed: of the samples and reconstructions.
    """
    samples = model.generate(len(observations), observations.shape[1], seed=seed).numpy()
    if spec.image_shape is None:
        plotting.save(_beside_data(samples, observations, lengths, spec), workdir.plots / "samples.png")
        return
    images = _to_images(observations, spec)
    reconstructed = model.reconstruct(observations[:_NUM_PAIRS], seed=seed).numpy()
    figures = {
        "samples.png": plotting.samples_beside_data(_to_images(samples, spec), images),
        "reconstructions.png": plotting.reconstructions(images[:_NUM_PAIRS], _to_images(reconstructed, spec)),
    }
    for name, figure in figures.items():
        plotting.save(figure, workdir.plots / name)


def samples(observations: np.ndarray, spec: DataSpec, context_steps: int = 0) -> Figure | None:
    """Returns a picture of samples; None of images of another size than the data's.

    Args:
        observations: in the user's units, `[N, T, D]`.
        spec: of the data.
        context_steps: so many first steps of strokes were given.
    """
    title = f"Samples, {spec.name}"
    if spec.emission == "strokes":
        lengths = np.full(len(observations), observations.shape[1])
        return plotting.drawings(observations, lengths, context_steps, _y_down(spec), title)
    if spec.image_shape is None:
        return plotting.fans([observations[0, :0]], observations[:, np.newaxis], title=title)
    if observations.shape[1] != spec.num_steps:
        return None
    return plotting.image_grid(_to_images(observations, spec), title=f"Samples, {spec.convention}")


def draw_diagnostics(diagnostics: Diagnostics, workdir: Workdir) -> None:
    """Writes the most non-Gaussian marginals, and KL and mutual information of each step, to the workdir's plots.

    Args:
        diagnostics: of the run's model.
        workdir: of the run.
    """
    carried = plotting.information(diagnostics.kl, diagnostics.mutual_information, diagnostics.num_sequences)
    plotting.save(carried, workdir.plots / "information.png")
    plotting.save(plotting.marginals(diagnostics.examples), workdir.plots / "marginals.png")


def _beside_data(samples: np.ndarray, data: np.ndarray, lengths: np.ndarray, spec: DataSpec) -> Figure:
    samples, data = spec.to_units(samples), spec.to_units(data)
    if spec.emission == "strokes":
        return plotting.drawings_beside_data(samples, lengths, data, lengths, _y_down(spec))
    return plotting.series_beside_data(samples, lengths, data, lengths)


def _y_down(spec: DataSpec) -> bool:
    return spec.name not in _Y_UP


def _to_images(observations: np.ndarray, spec: DataSpec) -> np.ndarray:
    """Returns images `[N, rows, columns]` from sequences `[N, T, D]` of their rows or pixels."""
    return np.reshape(observations, [-1, *spec.image_shape])
