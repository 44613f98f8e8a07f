"""Which posterior comes how close to log p(x) on the nonlinear growth model: trains each, and measures it.

    python -m examples.growth_posteriors --seeds=5

writes results/growth-model.json, a training at a time (what is there already is not trained again), and
docs/pictures/growth-model.png. A training takes a minute or so of one core, the particle filter half a minute.
"""

import argparse
import json
import pathlib
import time

import keras
import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure
from tensorflow_probability import distributions as tfd

import sisrnn_tf
from examples import growth_model, particle_filter
from sisrnn_tf import objectives, posteriors
from sisrnn_tf.core import atomic

RESULTS, PICTURE = pathlib.Path("results/growth-model.json"), pathlib.Path("docs/pictures/growth-model.png")
NUM_STEPS, NUM_TEST, TEST_SEED, TRAINING_SEED = 20, 500, 1, 100
BATCH_SIZE, TRAINING_STEPS, LEARNING_RATE, UNITS, NUM_MIXING = 16, 2000, 3e-3, 32, 50
IMPORTANCE = (10, 30, 100)
KINDS = {
    "Gaussian": lambda **kwargs: posteriors.Gaussian(1, (UNITS, UNITS), **kwargs),
    "per dimension": lambda **kwargs: posteriors.PerDimension(1, (UNITS, UNITS), 2, 3.0, **kwargs),
    "joint noise": lambda **kwargs: posteriors.SemiImplicit(1, (UNITS, UNITS), (2, 0), 3.0, **kwargs),
}
OBJECTIVES = {"SIVI": lambda count: objectives.SIVI(count), "FIVO": lambda count: objectives.FIVO(8, count)}
CONFIGURATION = {
    "num_steps": NUM_STEPS,
    "test_sequences": NUM_TEST,
    "test_seed": TEST_SEED,
    "batch_size": BATCH_SIZE,
    "training_steps": TRAINING_STEPS,
    "training": f"each sequence seen once, simulated by seed {TRAINING_SEED} + the model's",
    "optimizer": f"Adam, {LEARNING_RATE} with cosine decay, global norm 10",
    "hidden_sizes": [UNITS, UNITS],
    "backward_units": UNITS,
    "noise": "2 bits, initial noise weights 3 times Glorot's",
    "objectives": f"SIVI(K), FIVO(M=8, K); K = {NUM_MIXING}, 8 of joint noise",
    "evaluation": f"K = {NUM_MIXING}, seed 0, nats a sequence",
}


def make_model(kind: str, smoothing: bool, objective: str, seed: int) -> sisrnn_tf.StateSpaceModel:
    """Returns an untrained model, of names in the tables above."""
    keras.utils.set_random_seed(seed)
    posterior = KINDS[kind](summary=posteriors.BackwardGRU(UNITS) if smoothing else None)
    num_mixing = {"Gaussian": 0, "per dimension": NUM_MIXING, "joint noise": 8}[kind]
    dynamics = growth_model.GrowthModel()
    return sisrnn_tf.StateSpaceModel(dynamics, posterior, objective=OBJECTIVES[objective](num_mixing), seed=seed)


def train(model: sisrnn_tf.StateSpaceModel, seed: int) -> float:
    """Trains a model, and returns the CPU seconds that it took."""
    rate = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, TRAINING_STEPS)
    model.compile(optimizer=keras.optimizers.Adam(rate, global_clipnorm=10.0), jit_compile=False)
    x = growth_model.simulate(BATCH_SIZE * TRAINING_STEPS, NUM_STEPS, TRAINING_SEED + seed)
    begin = time.process_time()
    model.fit(x, batch_size=BATCH_SIZE, verbose=0)
    return time.process_time() - begin


def measure(model: sisrnn_tf.StateSpaceModel, x: np.ndarray) -> dict[str, list[float]]:
    """Returns the estimates of log p(x) of each sequence: the model's own bound, and SMC with M particles."""
    estimates = {"bound": model.bound(x, num_mixing=NUM_MIXING, seed=0).surrogate}
    for count in IMPORTANCE:
        estimates[f"smc_{count}"] = model.log_likelihood(x, None, count, NUM_MIXING, True, seed=0)
    return {name: np.round(np.asarray(values, "float64"), 4).tolist() for name, values in estimates.items()}


def interval(values: np.ndarray) -> list[float]:
    """Returns the mean and its 95 % interval by Student's t, of independent values `[N]`."""
    mean, error = np.mean(values), np.std(values, ddof=1) / np.sqrt(len(values))
    half = error * tfd.StudentT(np.float64(len(values) - 1), 0.0, 1.0).quantile(0.975).numpy()
    return [round(float(value), 3) for value in (mean, mean - half, mean + half)]


def summarize(results: dict) -> list[dict]:
    """Returns a row a posterior and objective: NLL by each estimator, and its gain on the Gaussian one, by seeds."""
    runs = {tuple(run[name] for name in ("kind", "smoothing", "objective", "seed")): run for run in results["runs"]}
    rows = []
    for group in sorted({key[:3] for key in runs}):
        seeds = sorted(key[3] for key in runs if key[:3] == group)
        row = {"kind": group[0], "smoothing": group[1], "objective": group[2], "seeds": seeds}
        for name in runs[(*group, seeds[0])]["log_likelihood"]:
            means = {key: np.mean(run["log_likelihood"][name]) for key, run in runs.items()}
            row[f"nll_{name}"] = round(-float(np.mean([means[(*group, seed)] for seed in seeds])), 3)
            paired = [seed for seed in seeds if ("Gaussian", *group[1:], seed) in runs]
            if group[0] != "Gaussian" and len(paired) > 1:
                gains = [means[(*group, seed)] - means[("Gaussian", *group[1:], seed)] for seed in paired]
                row[f"gain_{name}"] = interval(np.array(gains))
        rows.append(row)
    return rows


def read() -> dict:
    """Returns the results so far, at first the particle filter's alone."""
    if RESULTS.exists():
        return json.loads(RESULTS.read_text())
    x = growth_model.simulate(NUM_TEST, NUM_STEPS, TEST_SEED)[..., 0].astype("float64")
    truth, _ = particle_filter.log_likelihood(x, *growth_model.NUMPY, num_particles=20_000, seed=0)
    filtered = {"particles": 20_000, "seed": 0, "nll": interval(-truth), "log_likelihood": truth.round(4).tolist()}
    return {"configuration": CONFIGURATION, "particle_filter": filtered, "runs": [], "summary": []}


def draw_modes(models: dict[str, sisrnn_tf.StateSpaceModel], path: pathlib.Path) -> None:
    """Draws p(z_t | z_{t-1}, x_t) by its density on a grid, at a state whose next is as likely left as right of 0."""
    step, previous, observation, count = 10, -7.0, 1.8, 100_000
    grid = np.linspace(-15, 15, 601)
    expected = growth_model.expected_latent(previous, step, np.cos)
    prior = -0.5 * (grid - expected) ** 2 / growth_model.VARIANCE
    density = np.exp(prior + growth_model.log_observation(np.array(observation), grid))
    figure = Figure((8, 3.2), layout="constrained")
    axes = figure.subplots()
    axes.fill_between(grid, density / (density.sum() * (grid[1] - grid[0])), color="0.8", label="exact")
    hidden = tf.tile([[previous, step - 1.0]], [count, 1])  # [N, Z + 1]
    for name, model in models.items():
        noise = model.cell.sample_noise([count], 0)
        psi = model.cell.posterior_parameters(tf.fill([count, 1], observation), hidden, noise)
        latent = psi.loc + psi.scale * sisrnn_tf.random.normal(tf.shape(psi.loc), sisrnn_tf.random.as_seed(1))
        axes.hist(latent.numpy()[:, 0], np.linspace(-15, 15, 121), density=True, histtype="step", label=name)
    title = f"$p(z_{{{step}}} \\mid z_{{{step - 1}}} = {previous:g},\\ x_{{{step}}} = {observation:g})$"
    axes.set(xlabel=f"$z_{{{step}}}$", ylabel="density", yticks=[], title=title)
    axes.legend(frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic.write(path, lambda file: figure.savefig(file, format="png", dpi=120))


def main() -> None:
    """Trains what is not in the results yet, and writes them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5, help="how many trainings of each posterior")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=["Gaussian", "per dimension"])
    parser.add_argument("--objectives", nargs="+", choices=OBJECTIVES, default=list(OBJECTIVES))
    arguments = parser.parse_args()
    results, x = read(), growth_model.simulate(NUM_TEST, NUM_STEPS, TEST_SEED)
    done = {tuple(run[name] for name in ("kind", "smoothing", "objective", "seed")) for run in results["runs"]}
    drawn = {}
    for seed in range(arguments.seeds):
        for objective in reversed(arguments.objectives):
            for smoothing in (False, True):
                for kind in arguments.kinds:
                    wanted = objective == "FIVO" and not smoothing and seed == 0 and not PICTURE.exists()
                    if (kind, smoothing, objective, seed) in done and not wanted:
                        continue
                    model = make_model(kind, smoothing, objective, seed)
                    seconds = train(model, seed)
                    if wanted:
                        drawn[kind] = model
                    if (kind, smoothing, objective, seed) in done:
                        continue
                    run = {"kind": kind, "smoothing": smoothing, "objective": objective, "seed": seed}
                    results["runs"].append({**run, "cpu_seconds": round(seconds), "log_likelihood": measure(model, x)})
                    results["summary"] = summarize(results)
                    atomic.write_text(RESULTS, json.dumps(results) + "\n")
                    print({name: value for name, value in results["runs"][-1].items() if name != "log_likelihood"})
        if drawn:
            draw_modes(drawn, PICTURE)
            drawn = {}
    for row in results["summary"]:
        print(row)


if __name__ == "__main__":
    main()
