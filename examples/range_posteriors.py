"""Which posterior comes how close to log p(x) where a pen is known by its distance: trains each, and measures it.

    python -m examples.range_posteriors --data_dir=../shared/data/strokes/short_kanji.npz --seeds=5

writes results/range-model.json, a training at a time (what is there already is not trained again), and
docs/pictures/range-model.png. A training takes a minute or so of one core, and so does the particle filter.
"""

import pathlib
from collections.abc import Callable

import numpy as np
from matplotlib.figure import Figure

from examples import range_model
from examples.posterior_comparison import BATCH_SIZE, TRAINING_STEPS, Models, Problem, arguments, compare, draw_step
from sisrnn_tf.core import atomic

CONFIGURATION = {
    "data": "short_kanji, distance of every third point from the drawing's middle, ten a sequence",
    "noise_scale": range_model.NOISE,
    "training": "the training split, in an order by the model's seed",
}


def shuffler(x: np.ndarray) -> Callable[[int], np.ndarray]:
    """Returns seed -> the sequences in another order, again and again, a batch a training step."""
    count = BATCH_SIZE * TRAINING_STEPS

    def shuffled(seed: int) -> np.ndarray:
        return x[np.resize(np.random.default_rng(seed).permutation(len(x)), count)]

    return shuffled


def drawer(step: float) -> Callable[[Models, pathlib.Path], None]:
    """Returns what draws p(z_2 | z_1, x_2) on a grid, and the posteriors beside it."""

    def draw(models: Models, path: pathlib.Path) -> None:
        previous, observation, count, bins = np.array([0.8, 0.0]), 1.0, 400_000, np.linspace(-2, 2, 81)
        centres = (bins[1:] + bins[:-1]) / 2
        places = np.stack(np.meshgrid(centres, centres, indexing="ij"), axis=-1)  # [N, N, 2]
        prior = -0.5 * np.sum(((places - previous) / step) ** 2, axis=-1)
        density = np.exp(prior + range_model.in_numpy(step)[2](np.array(observation), places))
        panels = {"exact": density}
        for name, model in models.items():
            latent = draw_step(model, observation, [*previous, 1.0], count)
            panels[name] = np.histogram2d(*latent.T, bins=[bins, bins])[0]
        figure = Figure((2.4 * len(panels), 2.8), layout="constrained")
        for axes, (name, values) in zip(figure.subplots(1, len(panels)), panels.items(), strict=True):
            axes.imshow(values.T, origin="lower", extent=(-2, 2, -2, 2), cmap="magma")
            axes.set(title=name, xticks=[-1, 0, 1], yticks=[-1, 0, 1])
        figure.suptitle(f"$p(z_2 \\mid z_1 = (0.8, 0),\\ x_2 = {observation:g})$")
        atomic.write(path, lambda file: figure.savefig(file, format="png", dpi=100))

    return draw


def main() -> None:
    """Trains what is not in the results yet, and writes them."""
    parser = arguments(__doc__, ["Gaussian", "per dimension", "joint noise"])
    parser.add_argument("--data_dir", required=True, help="folder or file of strokes, as of --dataset=strokes")
    given = parser.parse_args()
    step, ranges = range_model.read(given.data_dir)
    problem = Problem(
        lambda: range_model.RangeModel(step),
        shuffler(ranges["train"]),
        ranges["test"],
        range_model.in_numpy(step),
        20_000,
        drawer(step),
        pathlib.Path("results/range-model.json"),
        pathlib.Path("docs/pictures/range-model.png"),
        {**CONFIGURATION, "step_scale": round(step, 4), "test_sequences": len(ranges["test"])},
    )
    compare(problem, given)


if __name__ == "__main__":
    main()
