"""A bootstrap particle filter in NumPy: log p(x) of a state-space model to any precision, at the price of particles."""

from collections.abc import Callable

import numpy as np


def log_likelihood(
    observations: np.ndarray,
    initial: Callable[[int, np.random.Generator], np.ndarray],
    transition: Callable[[np.ndarray, int, np.random.Generator], np.ndarray],
    log_observation: Callable[[np.ndarray, np.ndarray], np.ndarray],
    num_particles: int,
    seed: int,
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Returns log p(x_1..x_T), `[N]`, in nats, and particles of p(z_1..z_T | x_1..x_T) of the last sequence.

    Gordon, Salmond & Smith (1993): particles are drawn from the dynamics, weighted by x_t and resampled, here
    systematically at every step. The mean of exp(answer) is p(x); the paths, `[T, num_particles]`, are those that have
    survived to the end, few of which differ in their first steps.

    Args:
        observations: x, `[N, T]`.
        initial: (how many, generator) -> draws of z_1.
        transition: (z_{t-1}, t, generator) -> draws of z_t, t from 2 on.
        log_observation: (x_t, z_t) -> log p(x_t | z_t).
        num_particles: M.
        seed: of sequence i with `i` folded in, so more sequences extend fewer.
    """
    totals, paths = [], []
    for index, sequence in enumerate(observations):
        rng = np.random.default_rng([seed, index])
        total, paths = 0.0, []
        for time, value in enumerate(sequence, start=1):
            particles = initial(num_particles, rng) if time == 1 else transition(paths[-1], time, rng)
            log_weights = log_observation(value, particles)
            largest = np.max(log_weights)
            weights = np.exp(log_weights - largest)
            total += largest + np.log(np.mean(weights))
            positions = (np.arange(num_particles) + rng.random()) / num_particles
            cumulative = np.cumsum(weights)
            chosen = np.searchsorted(cumulative / cumulative[-1], positions)
            paths = [path[chosen] for path in (*paths, particles)]
        totals.append(total)
    return np.array(totals), paths
