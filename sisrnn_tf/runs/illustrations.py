"""What a run shows of its training and of its best epoch: curves, and samples as pictures or as text."""

from collections.abc import Sequence

from sisrnn_tf.analysis import plotting
from sisrnn_tf.data import pipeline
from sisrnn_tf.data.spec import DataSpec, SequenceDataset
from sisrnn_tf.models.base import SequenceModel
from sisrnn_tf.runs import pictures, texts
from sisrnn_tf.runs.workdir import Workdir


def make(workdir: Workdir, model: SequenceModel, dataset: SequenceDataset, metrics: Sequence[dict], seed: int) -> None:
    """Writes the pictures, or the texts, of a run.

    Args:
        workdir: of the run.
        model: with the weights of its best epoch.
        dataset: of the run.
        metrics: of its epochs.
        seed: of what is drawn.
    """
    if metrics:
        plotting.save(plotting.training_curves(metrics), workdir.plots / "training.png")
    vocabulary = dataset.vocabulary
    count = min(texts.NUM_SENTENCES if vocabulary else pictures.NUM_SEQUENCES, len(dataset.test))
    batch = next(iter(pipeline.evaluation_batches(dataset, "test", count, count)))
    if vocabulary:
        texts.write(model, batch["observations"], batch["mask"], vocabulary, workdir, seed)
    else:
        observations, lengths = pipeline.with_gaps(batch), batch["mask"].numpy().sum(axis=1)
        spec, covariates = DataSpec.of(dataset), batch.get("covariates")
        pictures.draw(model, observations, lengths, spec, workdir, seed, covariates)
