"""Pictures of what a model draws and makes of what it sees: images, drawings or series, as its data is."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from sisrnn_tf.analysis import plotting
from sisrnn_tf.analysis.diagnostics import Diagnostics, are_gaussian
from sisrnn_tf.core.types import Array
from sisrnn_tf.data.spec import DataSpec
from sisrnn_tf.models.base import SequenceModel
from sisrnn_tf.runs.workdir import Workdir

NUM_SEQUENCES = 64
_NUM_PAIRS = 16


def draw(
    model: SequenceModel,
    observations: np.ndarray,
    lengths: np.ndarray,
    spec: DataSpec,
    workdir: Workdir,
    seed: int,
    covariates: Array | None = None,
) -> None:
    """Writes samples beside data, and of images reconstructions, to the workdir's plots.

    Args:
        model: trained.
        observations: held-out data, `[N, T, D]`.
        lengths: real steps of each, int `[N]`; samples are as long.
        spec: of the data.
        workdir: of the run.
        seed: of the samples and reconstructions.
        covariates: of the data, `[N, T, U]`, with which samples are drawn too; None where there are none.
    """
    samples = model.generate(*observations.shape[:2], seed=seed, covariates=covariates).numpy()
    plotting.save(_beside_data(samples, observations, lengths, spec), workdir.plots / "samples.png")
    if spec.kind.is_image:
        rebuilt = model.reconstruct(observations[:_NUM_PAIRS], seed=seed).numpy()
        figure = plotting.reconstructions(_to_images(observations[:_NUM_PAIRS], spec), _to_images(rebuilt, spec))
        plotting.save(figure, workdir.plots / "reconstructions.png")


def samples(observations: np.ndarray, spec: DataSpec) -> Figure | None:
    """Returns a picture of samples; None of images of another size than the data's.

    Args:
        observations: in the user's units, `[N, T, D]`.
        spec: of the data.
    """
    return PICTURES[spec.kind.picture].samples(observations, spec)


def completions(completed: np.ndarray, truth: np.ndarray, spec: DataSpec, context_steps: int) -> Figure:
    """Returns a picture of completed drawings beside what they were.

    Args:
        completed: strokes in the user's units, `[N, T, 3]`.
        truth: the same ones as they were, `[N, T, 3]`, NaN after their ends.
        spec: of the data.
        context_steps: so many first steps were given.
    """
    lengths = np.isfinite(truth).all(axis=-1).sum(axis=1)
    title = f"Completions of the test split, {spec.name}"
    return plotting.completions(completed, truth, lengths, context_steps, not spec.y_up, title)


def draw_diagnostics(diagnostics: Diagnostics, workdir: Workdir) -> None:
    """Writes the most non-Gaussian marginals, if any is not, and KL and mutual information of each step, as pictures.

    Args:
        diagnostics: of the run's model.
        workdir: of the run.
    """
    carried = plotting.information(diagnostics.kl, diagnostics.mutual_information, diagnostics.num_sequences)
    plotting.save(carried, workdir.plots / "information.png")
    if are_gaussian(diagnostics):  # nine equal pictures say less than the sentence of diagnostics.json
        (workdir.plots / "marginals.png").unlink(missing_ok=True)
    else:
        plotting.save(plotting.marginals(diagnostics.examples), workdir.plots / "marginals.png")


def _beside_data(samples: np.ndarray, data: np.ndarray, lengths: np.ndarray, spec: DataSpec) -> Figure:
    return PICTURES[spec.kind.picture].beside_data(spec.to_units(samples), spec.to_units(data), lengths, spec)


def _sample_images(observations: np.ndarray, spec: DataSpec) -> Figure | None:
    if observations.shape[1] != spec.num_steps:
        return None
    return plotting.image_grid(_to_images(observations, spec), title=f"Samples, {spec.convention}")


def _images_beside_data(samples: np.ndarray, data: np.ndarray, lengths: np.ndarray, spec: DataSpec) -> Figure:
    return plotting.samples_beside_data(_to_images(samples, spec), _to_images(data, spec))


def _to_images(observations: np.ndarray, spec: DataSpec) -> np.ndarray:
    """Returns images `[N, rows, columns]` from sequences `[N, T, D]` of their rows or pixels."""
    if spec.image_shape is None:
        raise ValueError(f"`spec` must be of images. Received that of {spec.name}")
    return np.reshape(observations, [-1, *spec.image_shape])


def _sample_drawings(observations: np.ndarray, spec: DataSpec) -> Figure:
    lengths = np.full(len(observations), observations.shape[1])
    return plotting.drawings(observations, lengths, not spec.y_up, f"Samples, {spec.name}")


def _drawings_beside_data(samples: np.ndarray, data: np.ndarray, lengths: np.ndarray, spec: DataSpec) -> Figure:
    return plotting.drawings_beside_data(samples, lengths, data, lengths, not spec.y_up)


def _sample_series(observations: np.ndarray, spec: DataSpec) -> Figure:
    return plotting.fans([observations[0, :0]], observations[:, np.newaxis], title=f"Samples, {spec.name}")


def _series_beside_data(samples: np.ndarray, data: np.ndarray, lengths: np.ndarray, spec: DataSpec) -> Figure:
    return plotting.series_beside_data(samples, lengths, data, lengths)


class Picture(NamedTuple):
    """How sequences of a kind are drawn.

    Attributes:
        samples: (observations in the user's units `[N, T, D]`, specification) -> as of the function `samples`.
        beside_data: (samples `[N, T, D]`, data `[N, T, D]`, lengths of both `[N]`, specification) -> picture.
    """

    samples: Callable[[np.ndarray, DataSpec], Figure | None]
    beside_data: Callable[[np.ndarray, np.ndarray, np.ndarray, DataSpec], Figure]


# By the `picture` of a kind of data.
PICTURES: Mapping[str | None, Picture] = {
    "images": Picture(_sample_images, _images_beside_data),
    "drawings": Picture(_sample_drawings, _drawings_beside_data),
    "series": Picture(_sample_series, _series_beside_data),
}
