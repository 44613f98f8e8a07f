# %% [markdown]
# # What a semi-implicit posterior sees that a Gaussian does not
#
# A model whose posterior has two modes, with dynamics that are known, so that there is a truth to compare with:
#
#     z_1 ~ N(0, 10),  z_t = z_{t-1} / 2 + 25 z_{t-1} / (1 + z_{t-1}^2) + 8 cos(1.2 t) + N(0, 10),
#     x_t = z_t^2 / 20 + N(0, 1).
#
# x_t knows only the size of z_t: minus or plus is left to what came before. A Gaussian has to choose, or to cover both
# modes and what is between them.

# %% tags=["quiet"]
# %matplotlib inline
import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from tensorflow_probability import distributions as tfd

import sisrnn_tf
from sisrnn_tf import objectives, posteriors, random

UNIT, STEPS = 10.0, 20  # about the standard deviation of z_t; T


def step(latent, time, cos):
    """Returns the mean of z_t given z_{t-1}."""
    return latent / 2 + 25 * latent / (1 + latent**2) + 8 * cos(1.2 * time)


@keras.saving.register_keras_serializable("notebook")
class Growth(sisrnn_tf.cells.Dynamics):
    """The model as TFP distributions; the last two methods say in which form a network reads x_t and z_{t-1}."""

    def __init__(self):
        super().__init__(latent_size=1, event_size=1)

    def initial(self, zeros):
        return tfd.Independent(tfd.Normal(zeros, 10**0.5), 1)

    def transition(self, latent, time):
        return tfd.Independent(tfd.Normal(step(latent, time, tf.cos), 10**0.5), 1)

    def observation(self, latent, time):
        return tfd.Independent(tfd.Normal(latent**2 / 20, 1.0), 1)

    def observation_inputs(self, observation, time):
        size = tf.sqrt(20 * tf.nn.relu(observation))
        return tf.concat([observation / UNIT, size / UNIT, tf.cos(1.2 * time), tf.sin(1.2 * time)], axis=-1)

    def latent_inputs(self, expected):
        return expected.loc / UNIT


# %% [markdown]
# ## Train two posteriors of the same model
#
# Nothing but the posterior has weights. One is Gaussian; the other mixes in noise, two bits, for its one dimension.
# Both train on the estimate of 8 particles (FIVO), on sequences that the model itself draws.

# %%
kinds = {
    "Gaussian": (posteriors.Gaussian(1, (32, 32)), 0),
    "semi-implicit": (posteriors.PerDimension(1, (32, 32), 2, 3.0), 50),
}
models = {}
for name, (posterior, num_mixing) in kinds.items():
    keras.utils.set_random_seed(0)
    objective = objectives.FIVO(8, num_mixing)
    model = sisrnn_tf.StateSpaceModel(Growth(), posterior, objective=objective, seed=0)
    model.compile(
        optimizer=keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(3e-3, 600), global_clipnorm=10.0)
    )
    if not models:
        x = model.generate(9600, STEPS, seed=1).numpy()
    model.fit(x, batch_size=16, verbose=0)
    models[name] = model

# %% [markdown]
# ## What each of them sees
#
# Given one z_9 and x_10, the next state may lie left or right of 0. The exact density is known up to a constant, so a
# grid is enough; beside it is what each posterior proposes.

# %%
time, before, seen = 10, -7.0, 1.8
grid = np.linspace(-15, 15, 601)
log_density = -((grid - step(before, time, np.cos)) ** 2) / 20 - (seen - grid**2 / 20) ** 2 / 2
density = np.exp(log_density - log_density.max())
figure, axes = plt.subplots(figsize=(7, 2.8), layout="constrained")
axes.fill_between(grid, density / (density.sum() * (grid[1] - grid[0])), color="0.8", label="exact", lw=0)
observation = np.full([20_000, 1], seen, "float32")
hidden = np.tile(np.array([before, time - 1], "float32"), [20_000, 1])  # h_9 = (z_9, 9)
for name, model in models.items():
    psi = model.cell.posterior_parameters(observation, hidden, model.cell.sample_noise([20_000], 0))
    latent = psi.loc + psi.scale * random.normal(tf.shape(psi.loc), random.as_seed(1))
    axes.hist(latent.numpy()[:, 0], np.linspace(-15, 15, 101), density=True, histtype="step", label=name)
axes.set(xlabel="$z_{10}$", yticks=[])
_ = axes.legend(frameon=False)

# %% [markdown]
# ## What it is worth
#
# The truth first: log p(x) by a particle filter of 20,000 particles, in a few lines of NumPy.

# %%
rng = np.random.default_rng(0)


def particle_filter(sequence, count=20_000):
    """Returns log p(x) of a sequence [T]."""
    total, particles = 0.0, None
    for time, value in enumerate(sequence, start=1):
        mean = np.zeros(count) if time == 1 else step(particles, time, np.cos)
        particles = mean + 10**0.5 * rng.normal(size=count)
        log_weights = -0.5 * (value - particles**2 / 20) ** 2 - 0.5 * np.log(2 * np.pi)
        weights = np.exp(log_weights - log_weights.max())
        total += log_weights.max() + np.log(weights.mean())
        particles = rng.choice(particles, count, p=weights / weights.sum())
    return total


test = models["Gaussian"].generate(100, STEPS, seed=2).numpy()
truth = [particle_filter(sequence[:, 0]) for sequence in test]

# %% [markdown]
# Then the estimate of log p(x) by a filter whose particles are proposed by each posterior. The nearer to the particle
# filter's, the better the proposals; with more particles all come near.

# %%
print(f"{'particle filter, 20,000':26} NLL =  {-np.mean(truth):.2f}")
for name, model in models.items():
    for count in (10, 100):
        values = model.log_likelihood(test, None, count, kinds[name][1], True, seed=0).numpy()
        print(f"{name + ', M = ' + str(count):26} NLL <= {-values.mean():.2f}")

# %% [markdown]
# These are short trainings. [Known dynamics](../state-space.md) has longer ones, with posteriors that look ahead and
# those that train on L_K.
