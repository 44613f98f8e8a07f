# %% [markdown]
# # Digits, end to end
#
# A SIS-RNN on scikit-learn's scanned digits: 8 rows of 8 pixels each, read as 8 steps of 8 bits. They ship inside
# scikit-learn, so nothing is downloaded. Train it, look at what it draws, estimate its likelihood, let it complete
# digits.

# %% tags=["quiet"]
# %matplotlib inline
import keras
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

import sisrnn_tf
from sisrnn_tf.analysis import plotting

keras.utils.set_random_seed(0)
images = (load_digits().images > 8).astype("float32")  # [N, T, D] = [1797, 8, 8]
train, validation, test = images[:1297], images[1297:1547], images[1547:]

# %% [markdown]
# ## Train
#
# The emission says what an observation is, here bits. `num_mixing` is K, the extra draws of the mixture; the weight of
# the KL rises over the first 200 steps, so that the latent is used before it is paid for.

# %%
model = sisrnn_tf.SISRNN(emission=sisrnn_tf.emissions.Bernoulli(8), latent_size=8, hidden_size=32, num_mixing=5, seed=0)
model.compile(optimizer=keras.optimizers.Adam(3e-3))
anneal = sisrnn_tf.callbacks.ScheduleCallback(kl_weight=sisrnn_tf.schedules.LinearKLWeight(num_steps=200))
history = model.fit(
    train, validation_data=(validation,), epochs=25, batch_size=32, callbacks=[anneal], verbose=0
).history
figure, axes = plt.subplots(figsize=(5, 2.5), layout="constrained")
axes.plot(history["val_loss"], label="validation, the bound's NLL")
axes.set(xlabel="epoch", ylabel="nats a digit")
_ = axes.legend(frameon=False)
# %% [markdown]
# ## What it draws
#
# Samples beside test digits.

# %%
samples = model.generate(batch_size=40, num_steps=8, seed=0).numpy()
plotting.samples_beside_data(samples, test[:40])

# %% [markdown]
# ## How likely are test digits?
#
# Three lower bounds of log p(x), so three upper bounds of the NLL: the model's own L_K, IWAE by 50 weighted paths, and
# SMC by 50 particles. The last is the tightest, and the one to rank models by.

# %%
estimates = {
    "L_10": model.bound(test, num_mixing=10, seed=0).surrogate,
    "IWAE, M = 50, K = 10": model.log_likelihood(test, num_importance=50, num_mixing=10, seed=0),
    "SMC, M = 50, K = 10": model.log_likelihood(test, num_importance=50, num_mixing=10, resample=True, seed=0),
}
for name, values in estimates.items():
    values = values.numpy()
    print(f"{name:22} NLL <= {-values.mean():.2f} +- {values.std(ddof=1) / len(values) ** 0.5:.2f} nats a digit")

# %% [markdown]
# For comparison, what the same bits cost when each pixel is a coin of its own, with its frequency in training:

# %%
frequency = (train.sum(axis=0) + 1) / (len(train) + 2)
independent = -(test * np.log(frequency) + (1 - test) * np.log(1 - frequency)).sum(axis=(1, 2))
print(f"independent pixels     NLL  = {independent.mean():.2f} nats a digit")

# %% [markdown]
# ## Complete digits
#
# The model sees the upper four rows, and draws the lower four, five times each. Left: the digit itself.

# %%
shown = test[[1, 4, 9, 20]]
ways = model.forecast(shown[:, :4], num_steps=4, num_samples=5, seed=0).numpy()  # [S, B, 4, D]
completed = np.concatenate([np.broadcast_to(shown[:, :4], (5, *shown[:, :4].shape)), ways], axis=2)
grid = np.concatenate([shown[np.newaxis], completed]).swapaxes(0, 1).reshape(-1, 8, 8)
plotting.image_grid(grid, columns=6)

# %% [markdown]
# ## Go on
#
# The same from the command line, with checkpoints, a report and more epochs: `python -m launch.train`. [Which estimator
# to trust](../estimators.md) explains the three numbers; [the bound](../bound.md) what L_K is.
