"""Whether a run's model uses its latent, kept in the workdir."""

import json

from sisrnn_tf.analysis import latent_use
from sisrnn_tf.analysis.latent_use import LatentUse
from sisrnn_tf.core.atomic import write_text
from sisrnn_tf.core.validation import parse_json
from sisrnn_tf.data import pipeline
from sisrnn_tf.data.spec import SequenceDataset
from sisrnn_tf.models.base import SequenceModel
from sisrnn_tf.models.mixing import MixingModel
from sisrnn_tf.runs.workdir import Workdir

_NUM_SEQUENCES, _NUM_MIXING = 64, 16


def measure(workdir: Workdir, model: SequenceModel, dataset: SequenceDataset, seed: int) -> LatentUse | None:
    """Measures on a few test sequences how a trained model uses its latent, and writes it to the workdir.

    Args:
        workdir: of the run.
        model: with the weights of its best epoch.
        dataset: of the run.
        seed: of the trajectories and draws.

    Returns:
        What was found; None of a model without a latent.
    """
    if not isinstance(model, MixingModel):
        return None
    batch = next(iter(pipeline.evaluation_batches(dataset, "test", _NUM_SEQUENCES, _NUM_SEQUENCES)))
    real = batch["weight"].numpy() > 0
    observations, mask = (batch[name].numpy()[real] for name in ("observations", "mask"))
    covariates = batch["covariates"].numpy()[real] if "covariates" in batch else None
    use = latent_use.measure(model, observations, mask, _NUM_MIXING, seed, covariates)
    write_text(workdir.latent, json.dumps(use._asdict()) + "\n")
    return use


def read(workdir: Workdir) -> LatentUse | None:
    """Returns what `measure` has found of a run; None where it has not been asked, or there is no latent.

    Raises:
        ValueError: the file is damaged.
    """
    if not workdir.latent.exists():
        return None
    try:
        values = parse_json(workdir.latent.read_bytes())
        return LatentUse(int(values["latent_size"]), int(values["active_units"]), float(values["kl_per_step"]))
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(
            f"{workdir.latent} is damaged: {error}. Remove it, and repeat the training command, which makes it again."
        ) from error
