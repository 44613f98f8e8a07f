"""Which posterior comes how close to log p(x) on the nonlinear growth model: trains each, and measures it.

    python -m examples.growth_posteriors --seeds=5

writes results/growth-model.json, a training at a time (what is there already is not trained again), and
docs/pictures/growth-model.png. A training takes a minute or so of one core, the particle filter half a minute.
"""

import pathlib

import numpy as np
from matplotlib.figure import Figure

from examples import growth_model
from examples.posterior_comparison import BATCH_SIZE, TRAINING_STEPS, Models, Problem, arguments, compare, draw_step
from sisrnn_tf.core import atomic

NUM_STEPS, NUM_TEST, TEST_SEED, TRAINING_SEED = 20, 500, 1, 100
CONFIGURATION = {
    "num_steps": NUM_STEPS,
    "test_sequences": NUM_TEST,
    "test_seed": TEST_SEED,
    "training": f"each sequence seen once, simulated by seed {TRAINING_SEED} + the model's",
}


def simulate_training(seed: int) -> np.ndarray:
    """Returns sequences that each are seen once."""
    return growth_model.simulate(BATCH_SIZE * TRAINING_STEPS, NUM_STEPS, TRAINING_SEED + seed)


def draw_modes(models: Models, path: pathlib.Path) -> None:
    """Draws p(z_t | z_{t-1}, x_t) by its density on a grid, at a state whose next is as likely left as right of 0."""
    step, previous, observation, count = 10, -7.0, 1.8, 100_000
    grid = np.linspace(-15, 15, 601)
    expected = growth_model.expected_latent(previous, step, np.cos)
    prior = -0.5 * (grid - expected) ** 2 / growth_model.VARIANCE
    density = np.exp(prior + growth_model.log_observation(np.array(observation), grid))
    figure = Figure((8, 3.2), layout="constrained")
    axes = figure.subplots()
    axes.fill_between(grid, density / (density.sum() * (grid[1] - grid[0])), color="0.8", label="exact")
    for name, model in models.items():
        latent = draw_step(model, observation, [previous, step - 1.0], count)
        axes.hist(latent[:, 0], np.linspace(-15, 15, 121), density=True, histtype="step", label=name)
    title = f"$p(z_{{{step}}} \\mid z_{{{step - 1}}} = {previous:g},\\ x_{{{step}}} = {observation:g})$"
    axes.set(xlabel=f"$z_{{{step}}}$", ylabel="density", yticks=[], title=title)
    axes.legend(frameon=False)
    atomic.write(path, lambda file: figure.savefig(file, format="png", dpi=120))


def main() -> None:
    """Trains what is not in the results yet, and writes them."""
    problem = Problem(
        growth_model.GrowthModel,
        simulate_training,
        growth_model.simulate(NUM_TEST, NUM_STEPS, TEST_SEED),
        growth_model.NUMPY,
        20_000,
        draw_modes,
        pathlib.Path("results/growth-model.json"),
        pathlib.Path("docs/pictures/growth-model.png"),
        CONFIGURATION,
    )
    compare(problem, arguments(__doc__, ["Gaussian", "per dimension"]).parse_args())


if __name__ == "__main__":
    main()
