"""The Kalman filter of one number in NumPy."""

import numpy as np


def log_likelihood(x, decay, gain, latent_scale, scale, initial_scale):
    """log p(x_1..x_T), nats, of x `[T]`.

    z_1 ~ N(0, initial_scale^2), z_t = decay z_{t-1} + N(0, latent_scale^2), x_t = gain z_t + N(0, scale^2).
    """
    mean, variance, total = 0.0, initial_scale**2, 0.0
    for time, value in enumerate(x):
        if time > 0:
            mean, variance = decay * mean, decay**2 * variance + latent_scale**2
        innovation = gain**2 * variance + scale**2
        total += -0.5 * ((value - gain * mean) ** 2 / innovation + np.log(2 * np.pi * innovation))
        share = variance * gain / innovation
        mean, variance = mean + share * (value - gain * mean), (1 - share * gain) * variance
    return total
