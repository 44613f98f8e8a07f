# %% [markdown]
# # Own series to forecasts and anomalies
#
# Monthly temperatures of the sea off Peru, 1950 to 2010, as they ship inside statsmodels (`pip install statsmodels`),
# stand for a series of your own. Train on 1950 to 2000, forecast a year, measure forecasts, and find anomalies that
# were put in. The same for a `.csv` on the command line: [your own series](../own-data.md).

# %% tags=["quiet"]
# %matplotlib inline
import keras
import matplotlib.pyplot as plt
import numpy as np
import statsmodels.api as sm

import sisrnn_tf
from sisrnn_tf.analysis import backtests

keras.utils.set_random_seed(0)
table = sm.datasets.elnino.load_pandas().data
months = table.drop(columns="YEAR").to_numpy(np.float64).reshape(-1)  # [T], degrees Celsius
time = 1950 + np.arange(len(months)) / 12
known = months[: 12 * 51]  # 1950 to 2000
shift, scale = known.mean(), known.std()


def normalized(values):
    """Returns temperatures as the model takes them, [.., T, 1]."""
    return ((np.asarray(values) - shift) / scale)[..., np.newaxis].astype("float32")


# %% [markdown]
# ## Train
#
# On all windows of 48 months; the model is not told which month it is.

# %%
windows = np.lib.stride_tricks.sliding_window_view(known, 48)
posterior = sisrnn_tf.posteriors.SemiImplicit(4, (32, 32), (8, 8))
sizes = {"latent_size": 4, "hidden_size": 32, "prior_sizes": (32,), "decoder_sizes": (32,)}
model = sisrnn_tf.SISRNN(
    sisrnn_tf.emissions.Normal(1, scale_floor=0.05), posterior=posterior, num_mixing=5, seed=0, **sizes
)
model.compile(optimizer=keras.optimizers.Adam(3e-3, global_clipnorm=5.0))
history = model.fit(normalized(windows), batch_size=32, epochs=15, verbose=0)

# %% [markdown]
# ## Forecast a year
#
# 200 draws of how the series goes on after December 2006, given the 36 months before; the line is what came.

# %%
origin = 12 * 57
draws = model.forecast(normalized(months[origin - 36 : origin])[np.newaxis], 12, 200, seed=0).numpy()
draws = draws[:, 0, :, 0] * scale + shift  # [S, 12], degrees
figure, axes = plt.subplots(figsize=(7, 2.8), layout="constrained")
axes.plot(time[origin - 36 : origin + 12], months[origin - 36 : origin + 12], color="0.2", label="measured")
for level, shade in ((90, 0.25), (50, 0.45)):
    low, high = np.percentile(draws, [50 - level / 2, 50 + level / 2], axis=0)
    axes.fill_between(time[origin : origin + 12], low, high, color="tab:blue", alpha=shade, label=f"{level}%", lw=0)
axes.set(ylabel="°C")
_ = axes.legend(frameon=False, ncols=3)
# %% [markdown]
# ## How good are such forecasts?
#
# A backtest: 12 months from every third month of 2001 to 2009 on. CRPS is in degrees, the lower the better; MASE is
# below 1 where the median is better than last year's value; 80% of what came should lie in the interval of 80%.

# %%
found = backtests.windows([months[:, np.newaxis]], 12 * 51, 12, 37, 3)
contexts = np.stack([normalized(context[-36:, 0]) for context in found.contexts])
samples = model.forecast(contexts, 12, 200, seed=0).numpy() * scale + shift  # [S, W, 12, 1]
print(backtests.table(backtests.measure(found, samples, 12, ["temperature"])))

# %% [markdown]
# One training of one seed; [forecasting](../forecasting.md) has three seeds beside AutoETS.
#
# ## Anomalies
#
# Into 2001 to 2010 we put a spike, a sensor that is stuck, and a shift. `predict_steps` gives -log p(x_t |
# x_1..x_{t-1}), the surprise of each month; what is beyond 99% of those of 1990 to 2000 is marked.

# %%
damaged = months[12 * 51 :].copy()
damaged[20] += 4.0
damaged[50:56] = damaged[50]
damaged[90:93] -= 4.0
before = -model.predict_steps(normalized(known[-132:])[np.newaxis], num_mixing=5, seed=0).steps.numpy()[0]
surprise = -model.predict_steps(normalized(damaged)[np.newaxis], num_mixing=5, seed=0).steps.numpy()[0]
limit = np.quantile(before, 0.99)
marked = surprise > limit

figure, (above, below) = plt.subplots(2, figsize=(7, 4), sharex=True, layout="constrained")
above.plot(time[12 * 51 :], damaged, color="0.2")
above.plot(time[12 * 51 :][marked], damaged[marked], "o", color="tab:red")
below.plot(time[12 * 51 :], surprise, color="0.2")
below.axhline(limit, color="tab:red", lw=1)
above.set(ylabel="°C")
below.set(ylabel="surprise, nats")
print("marked:", np.flatnonzero(marked), " put in: 20, 50..55, 90..92")

# %% [markdown]
# The spike is marked, and the month in which it ends; so are both ends of the shift. The sensor that is stuck goes
# unnoticed until it lets go, since each of its months is near the one before. What else is marked is what the sea did.
