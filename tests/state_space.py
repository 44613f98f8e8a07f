"""Known dynamics that tests share."""

import keras
import tensorflow as tf
import tensorflow_probability as tfp

import sisrnn_tf
from sisrnn_tf.cells import Dynamics

tfd = tfp.distributions


def normal(loc, scale):
    return tfd.Independent(tfd.Normal(loc, tf.cast(scale, loc.dtype)), 1)


@keras.saving.register_keras_serializable("tests")
class LinearGaussian(Dynamics):
    """z_1 ~ N(0, initial_scale^2), z_t = decay z_{t-1} + N(0, latent_scale^2), x_t = gain z_t + N(0, scale^2)."""

    def __init__(self, decay=0.8, gain=1.3, latent_scale=0.5, scale=0.4, initial_scale=1.0):
        super().__init__(latent_size=1, event_size=1)
        self.decay, self.gain, self.latent_scale, self.scale = decay, gain, latent_scale, scale
        self.initial_scale = initial_scale

    def initial(self, zeros):
        return normal(zeros, self.initial_scale)

    def transition(self, latent, time):
        return normal(self.decay * latent, self.latent_scale)

    def observation(self, latent, time):
        return normal(self.gain * latent, self.scale)


@keras.saving.register_keras_serializable("tests")
class Clock(Dynamics):
    """Two latents and three counts; both distributions change from step to step, and none is normal but the first."""

    is_density = False
    expected = "counts"

    def __init__(self):
        super().__init__(latent_size=2, event_size=3)

    def initial(self, zeros):
        return normal(zeros - 0.5, 0.7)

    def transition(self, latent, time):
        return tfd.Independent(tfd.Logistic(0.5 * tf.reverse(latent, [-1]) + 0.3 * tf.sin(time), 0.2), 1)

    def observation(self, latent, time):
        rates = tf.concat([latent, 0.1 * time], axis=-1)
        return tfd.Independent(tfd.Geometric(logits=tf.clip_by_value(rates, -3, 3)), 1)

    def possible(self, x):
        return (x >= 0) & (x < 1e6) & (x == tf.floor(x))


@keras.saving.register_keras_serializable("tests")
class Switches(Dynamics):
    """Binary observations of a random walk, or those of any emission, with the parameters (z_t, 0, 0, ..)."""

    def __init__(self, latent_size, event_size, emission=None):
        super().__init__(latent_size, event_size)
        self.emission = sisrnn_tf.emissions.Bernoulli(event_size) if emission is None else emission
        self.is_density, self.expected = self.emission.is_density, self.emission.expected

    def initial(self, zeros):
        return normal(zeros, 1.0)

    def transition(self, latent, time):
        return normal(latent, 0.5)

    def observation(self, latent, time):
        rest = tf.zeros_like(time) + tf.zeros([self.emission.parameter_size - self.latent_size], time.dtype)
        return self.emission.distribution(tf.concat([latent, rest], axis=-1))

    def possible(self, x):
        return self.emission.possible(x)
