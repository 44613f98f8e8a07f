"""Pictures of a model of images: what it draws, and what it makes of what it sees."""

import numpy as np

from sisrnn_tf import plotting
from sisrnn_tf.diagnostics import Diagnostics
from sisrnn_tf.models.base import SequenceModel
from sisrnn_tf.workdir import Workdir

NUM_IMAGES = 64
_NUM_PAIRS = 16


def to_images(observations: np.ndarray, image_shape: tuple[int, int]) -> np.ndarray:
    """Returns images `[N, rows, columns]` from sequences `[N, T, D]` of their rows or pixels."""
    return np.reshape(observations, [-1, *image_shape])


def draw(
    model: SequenceModel,
    observations: np.ndarray,
    image_shape: tuple[int, int],
    workdir: Workdir,
    seed: int,
) -> None:
    """Writes samples beside data, and reconstructions to the workdir's plots.

    Args:
        model: trained.
        observations: held-out data, `[N, T, D]`.
        image_shape: rows and columns of an image.
        workdir: of the run.
        seed: of the samples and reconstructions.
    """
    images = to_images(observations, image_shape)
    samples = model.generate(len(observations), observations.shape[1], seed=seed).numpy()
    reconstructed = model.reconstruct(observations[:_NUM_PAIRS], seed=seed).numpy()
    figures = {
        "samples.png": plotting.samples_beside_data(to_images(samples, image_shape), images),
        "reconstructions.png": plotting.reconstructions(images[:_NUM_PAIRS], to_images(reconstructed, image_shape)),
    }
    for name, figure in figures.items():
        plotting.save(figure, workdir.plots / name)


def draw_diagnostics(diagnostics: Diagnostics, workdir: Workdir) -> None:
    """Writes the most non-Gaussian marginals, and KL and mutual information of each step, to the workdir's plots.

    Args:
        diagnostics: of the run's model.
        workdir: of the run.
    """
    carried = plotting.information(diagnostics.kl, diagnostics.mutual_information, diagnostics.num_sequences)
    plotting.save(carried, workdir.plots / "information.png")
    plotting.save(plotting.marginals(diagnostics.examples), workdir.plots / "marginals.png")
