"""Which posterior comes how close to log p(x) of a known model: trains each, measures it, and goes on where it was."""

import argparse
import json
import pathlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from tensorflow_probability import distributions as tfd

import sisrnn_tf
from examples import particle_filter
from sisrnn_tf import objectives, posteriors
from sisrnn_tf.cells import Dynamics
from sisrnn_tf.core import atomic

BATCH_SIZE, TRAINING_STEPS, LEARNING_RATE, UNITS, NUM_MIXING = 16, 2000, 3e-3, 32, 50
IMPORTANCE = (10, 30, 100)
KINDS: Mapping[str, Callable[..., posteriors.Posterior]] = {
    "Gaussian": lambda size, **kwargs: posteriors.Gaussian(size, (UNITS, UNITS), **kwargs),
    "per dimension": lambda size, **kwargs: posteriors.PerDimension(size, (UNITS, UNITS), 2, 3.0, **kwargs),
    "joint noise": lambda size, **kwargs: posteriors.SemiImplicit(size, (UNITS, UNITS), (2 * size, 0), 3.0, **kwargs),
}
MIXING = {"Gaussian": 0, "per dimension": NUM_MIXING, "joint noise": 8}  # K in training
OBJECTIVES = {"SIVI": lambda count: objectives.SIVI(count), "FIVO": lambda count: objectives.FIVO(8, count)}
CONFIGURATION = {
    "batch_size": BATCH_SIZE,
    "training_steps": TRAINING_STEPS,
    "optimizer": f"Adam, {LEARNING_RATE} with cosine decay, global norm 10",
    "hidden_sizes": [UNITS, UNITS],
    "backward_units": UNITS,
    "noise": "2 bits a dimension, initial noise weights 3 times Glorot's",
    "objectives": f"SIVI(K), FIVO(M=8, K); K = {NUM_MIXING}, 8 of joint noise",
    "evaluation": f"K = {NUM_MIXING}, seed 0, nats a sequence",
}
Models = dict[str, sisrnn_tf.StateSpaceModel]


class Problem(NamedTuple):
    """A known model, and data.

    Attributes:
        make_dynamics: of the model.
        training: seed -> what is trained on, a batch a step, float32 `[BATCH_SIZE * TRAINING_STEPS, T, D]`.
        test: what is scored, float32 `[N, T, 1]`.
        numpy: the model as `particle_filter` takes it.
        num_particles: of that filter.
        draw: draws a step of posteriors, by name, that were trained by FIVO and look only back, into a file.
        results, picture: files.
        configuration: to be written with the results.
    """

    make_dynamics: Callable[[], Dynamics]
    training: Callable[[int], np.ndarray]
    test: np.ndarray
    numpy: tuple[Callable, Callable, Callable]
    num_particles: int
    draw: Callable[[Models, pathlib.Path], None]
    results: pathlib.Path
    picture: pathlib.Path
    configuration: dict[str, Any]


def make_model(dynamics: Dynamics, kind: str, smoothing: bool, objective: str, seed: int) -> sisrnn_tf.StateSpaceModel:
    """Returns an untrained model, of names in the tables above."""
    keras.utils.set_random_seed(seed)
    posterior = KINDS[kind](dynamics.latent_size, summary=posteriors.BackwardGRU(UNITS) if smoothing else None)
    return sisrnn_tf.StateSpaceModel(dynamics, posterior, objective=OBJECTIVES[objective](MIXING[kind]), seed=seed)


def train(model: sisrnn_tf.StateSpaceModel, x: np.ndarray) -> float:
    """Trains a model, a batch a step in the order given, and returns the CPU seconds that it took."""
    rate = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, TRAINING_STEPS)
    model.compile(optimizer=keras.optimizers.Adam(rate, global_clipnorm=10.0), jit_compile=False)
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


def draw_step(model: sisrnn_tf.StateSpaceModel, observation: float, hidden: Sequence[float], count: int) -> np.ndarray:
    """Draws z_t of the posterior at one x_t and state h_{t-1}, `[count, Z]`."""
    states = tf.tile(tf.constant([hidden], tf.float32), [count, 1])  # [N, H]
    noise = model.cell.sample_noise([count], 0)
    psi = model.cell.posterior_parameters(tf.fill([count, 1], observation), states, noise)
    draws = sisrnn_tf.random.normal(tf.shape(psi.loc), sisrnn_tf.random.as_seed(1))
    return (psi.loc + psi.scale * draws).numpy()


def read(problem: Problem) -> dict:
    """Returns the results so far, at first the particle filter's alone."""
    if problem.results.exists():
        return json.loads(problem.results.read_text())
    x, count = problem.test[..., 0].astype("float64"), problem.num_particles
    truth, _ = particle_filter.log_likelihood(x, *problem.numpy, num_particles=count, seed=0)
    filtered = {"particles": count, "seed": 0, "nll": interval(-truth), "log_likelihood": truth.round(4).tolist()}
    configuration = {**problem.configuration, **CONFIGURATION}
    return {"configuration": configuration, "particle_filter": filtered, "runs": [], "summary": []}


def run(problem: Problem, seed: int, kinds: Sequence[str], names: Sequence[str], results: dict) -> None:
    """Trains what is not in the results yet of a seed, and writes them after each."""
    done = {tuple(run[name] for name in ("kind", "smoothing", "objective", "seed")) for run in results["runs"]}
    drawn: Models = {}
    for objective in reversed(names):
        for smoothing in (False, True):
            for kind in kinds:
                wanted = objective == "FIVO" and not smoothing and seed == 0 and not problem.picture.exists()
                known = (kind, smoothing, objective, seed) in done
                if known and not wanted:
                    continue
                model = make_model(problem.make_dynamics(), kind, smoothing, objective, seed)
                seconds = train(model, problem.training(seed))
                if wanted:
                    drawn[kind] = model
                if known:
                    continue
                made = {"kind": kind, "smoothing": smoothing, "objective": objective, "seed": seed}
                found = {**made, "cpu_seconds": round(seconds), "log_likelihood": measure(model, problem.test)}
                results["runs"].append(found)
                results["summary"] = summarize(results)
                atomic.write_text(problem.results, json.dumps(results) + "\n")
                print({name: value for name, value in found.items() if name != "log_likelihood"}, flush=True)
    if drawn:
        problem.picture.parent.mkdir(parents=True, exist_ok=True)
        problem.draw(drawn, problem.picture)


def arguments(description: str | None, kinds: Sequence[str]) -> argparse.ArgumentParser:
    """Returns a command line that says what to train."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5, help="how many trainings of each posterior")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=kinds)
    parser.add_argument("--objectives", nargs="+", choices=OBJECTIVES, default=list(OBJECTIVES))
    return parser


def compare(problem: Problem, given: argparse.Namespace) -> None:
    """Trains what the command line says, and prints a row a posterior."""
    results = read(problem)
    for seed in range(given.seeds):
        run(problem, seed, given.kinds, given.objectives, results)
    for row in results["summary"]:
        print(row)
