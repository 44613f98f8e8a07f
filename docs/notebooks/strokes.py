# %% [markdown]
# # Strokes: train, draw, complete
#
# Outlines of letters and digits in the DejaVu fonts, which ship inside matplotlib, as pen strokes: each step is an
# offset (dx, dy) and whether the pen is lifted after it. Held out are characters, in all their faces.

# %% tags=["quiet"]
# %matplotlib inline
import keras
import numpy as np

import sisrnn_tf
from sisrnn_tf.analysis import plotting
from sisrnn_tf.data import registry

keras.utils.set_random_seed(0)
glyphs = registry.load("glyphs", max_length=60)

# %% [markdown]
# ## Train
#
# A mixture of bivariate normal distributions for the offset, a Bernoulli for the pen (Graves 2013), and a latent in
# each step. Drawings differ in length: a mask says which steps are real.

# %%
emission = sisrnn_tf.emissions.StrokeMixture(num_components=10, scale_floor=0.02)
model = sisrnn_tf.SISRNN(emission, latent_size=8, hidden_size=64, num_mixing=3, seed=0)
model.compile(optimizer=keras.optimizers.Adam(3e-3, global_clipnorm=5.0))
batch = {"observations": glyphs.train.observations, "mask": glyphs.train.mask}
history = model.fit(batch, batch_size=64, epochs=16, verbose=0).history
print("loss, nats a drawing, after 1 and 16 epochs:", [round(history["loss"][n], 1) for n in (0, -1)])

# %% [markdown]
# ## Draw
#
# From nothing, at temperature 0.4: a lower one is surer of itself. The end of a drawing is not modeled, so each has 30
# steps. After so short a training these are outlines, hardly any of them a letter; `sisrnn_tf.load("preset:glyphs")`
# has trained longer.

# %%
drawn = model.generate(batch_size=24, num_steps=30, temperature=0.4, seed=1).numpy()
drawn = glyphs.normalization.invert(drawn)  # in the font's units
plotting.drawings(drawn, np.full(24, 30))

# %% [markdown]
# ## Complete
#
# The first 12 steps of test drawings, characters that it has not seen, and two ways to go on.

# %%
chosen = np.flatnonzero(glyphs.test.lengths > 20)[::20][:6]
begun = glyphs.test.observations[chosen, :12]
ahead = model.forecast(begun, num_steps=16, num_samples=2, temperature=0.4, seed=0).numpy()  # [S, B, 16, 3]
completed = np.concatenate([np.broadcast_to(begun, (2, *begun.shape)), ahead], axis=2).reshape(-1, 28, 3)
truth, lengths = (np.concatenate([each[chosen]] * 2) for each in (glyphs.test.observations, glyphs.test.lengths))
plotting.completions(glyphs.normalization.invert(completed), glyphs.normalization.invert(truth), lengths, 12)

# %% [markdown]
# ## How surprised is it?
#
# -log p(x) of a drawing by SMC, in nats, of test characters as they are and with their steps in another order.

# %%
x, lengths, mask = (each[:48] for each in (glyphs.test.observations, glyphs.test.lengths, glyphs.test.mask))
rng = np.random.default_rng(0)
orders = [np.append(rng.permutation(length), np.arange(length, x.shape[1])) for length in lengths]
shuffled = np.stack([drawing[order] for drawing, order in zip(x, orders, strict=True)])
for name, values in (("as drawn", x), ("shuffled", shuffled)):
    score = model.log_likelihood(values, mask, num_importance=20, num_mixing=3, resample=True, seed=0).numpy()
    print(f"{name}: NLL <= {-score.mean():.1f} nats a drawing, in normalized units")

# %% [markdown]
# Longer trained, with pictures as SVG and a report: `python -m launch.train --dataset=glyphs`. Drawings of your own are
# `--dataset=strokes`: [data sets and files](../data.md).
