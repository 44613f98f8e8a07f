"""A likelihood and a posterior of one's own: series of Poisson counts, trained, saved, loaded and exported.

python examples/poisson_counts.py FOLDER

An emission that is a class of its own makes every part of the library work: bounds, IWAE and SMC, forecasts, gaps,
`.keras` files and SavedModels. So does a posterior. What is asked of each is said by `sisrnn_tf.emissions.Emission` and
`sisrnn_tf.posteriors.Posterior`. For counts that vary more than Poisson's there is
`sisrnn_tf.emissions.NegativeBinomial`.
"""

import argparse
import pathlib

import keras
import numpy as np
import tensorflow as tf
from tensorflow_probability import distributions as tfd

import sisrnn_tf
from sisrnn_tf.core.types import Gaussian


@keras.saving.register_keras_serializable("examples")
class PoissonCounts(sisrnn_tf.emissions.Factorized):
    """Independent counts: p(x | parameters) = prod_d rate_d^x_d exp(-rate_d) / x_d!, rate = softplus(parameters).

    As dimensions are independent, `Factorized` knows what to do where some are missing.

    Args:
        event_size: D.
        largest: count that can be observed or drawn.
    """

    advice = "Choose a larger `largest`, or another emission for what is no count."

    def __init__(self, event_size: int, largest: int = 255):
        super().__init__(event_size)
        self.largest = largest

    @property
    def parameter_size(self) -> int:
        """P: a raw rate a dimension."""
        return self.event_size

    @property
    def expected(self) -> str:
        """What observations must be, in words."""
        return f"whole numbers from 0 to {self.largest}"

    def possible(self, x: tf.Tensor) -> tf.Tensor:
        """Returns whether values are counts, bool `[.., D]`."""
        return (x >= 0) & (x <= self.largest) & (x == tf.floor(x))

    def mean(self, parameters: tf.Tensor) -> tf.Tensor:
        """Returns the rates, `[.., D]`, for parameters `[.., D]`."""
        return 1e-6 + tf.nn.softplus(parameters)

    def distribution(self, parameters: tf.Tensor) -> tfd.Distribution:
        """Returns the distribution with batch shape `[..]` and event `[D]` for parameters `[.., D]`."""
        return tfd.Independent(tfd.Poisson(self.mean(parameters)), 1)

    def sample(self, parameters: tf.Tensor, seed: tf.Tensor, temperature: float | tf.Tensor = 1.0) -> tf.Tensor:
        """Draws counts `[.., D]` by inversion: as many as have a cdf below a uniform number.

        Not by `distribution(parameters).sample`: TensorFlow's draws take one seed, and these are a seed for each row.

        Args:
            parameters: `[.., D]`.
            seed: int32 `[2]`, or one for each row, `[.., 2]`.
            temperature: brings uniform numbers nearer to 1/2, and so counts to their median.
        """
        uniforms = sisrnn_tf.random.uniform(tf.shape(parameters), seed, parameters.dtype)
        uniforms = tf.clip_by_value(0.5 + (uniforms - 0.5) * temperature, 0.0, 1.0)[..., tf.newaxis]
        counts = tf.range(self.largest, dtype=parameters.dtype)
        cdf = tf.math.igammac(counts + 1.0, self.mean(parameters)[..., tf.newaxis])  # P(X <= count)
        return tf.reduce_sum(tf.cast(cdf < uniforms, parameters.dtype), axis=-1)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {"event_size": self.event_size, "largest": self.largest}


@keras.saving.register_keras_serializable("examples")
class NormalNoise(sisrnn_tf.posteriors.Posterior):
    """psi_t = W tanh(A [log(1 + x_t), h_{t-1}] + B eps_t), eps_t ~ N(0, I): counts by their logarithms, normal noise.

    Args:
        latent_size: Z.
        hidden_sizes: of the one hidden layer.
        num_noise: N.
        **kwargs: as of `Posterior`.
    """

    def __init__(self, latent_size: int, hidden_sizes: tuple[int, ...] = (32,), num_noise: int = 8, **kwargs):
        super().__init__(latent_size, hidden_sizes, **kwargs)
        self.num_noise = num_noise
        self.seen = keras.layers.Dense(hidden_sizes[0], dtype=self.dtype_policy, name="seen")
        self.noise = keras.layers.Dense(hidden_sizes[0], use_bias=False, dtype=self.dtype_policy, name="noise")
        self.outputs = keras.layers.Dense(2 * latent_size, dtype=self.dtype_policy, name="outputs")

    @property
    def noise_size(self) -> int:
        """N."""
        return self.num_noise

    def build(self, observation_shape: tuple, hidden_shape: tuple) -> None:
        """Makes the weights for x_t `[.., D]` and h_{t-1} `[.., H]`."""
        self.seen.build((None, observation_shape[-1] + hidden_shape[-1]))
        self.noise.build((None, self.num_noise))
        self.outputs.build((None, self.hidden_sizes[0]))

    def sample_noise(self, shape: tuple | tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Draws standard normal noise `[*shape, N]` of a seed, or of one for each row."""
        return sisrnn_tf.random.normal(tf.concat([shape, [self.num_noise]], axis=0), seed)

    def context(self, observation: tf.Tensor, hidden: tf.Tensor, features: None = None) -> tf.Tensor:
        """Returns what all draws of noise share, `[.., C]`, from x_t `[.., D]` and h_{t-1} `[.., H]`."""
        seen = [tf.cast(part, self.compute_dtype) for part in (tf.math.log1p(observation), hidden)]
        return self.seen(tf.concat(seen, axis=-1))

    def call(self, context: tf.Tensor, noise: tf.Tensor) -> Gaussian:
        """Maps a context `[.., C]` and noise `[*draws, .., N]` to psi_t, each `[*draws, .., Z]`."""
        mixed = tf.tanh(context + self.noise(tf.cast(noise, self.compute_dtype)))
        loc, raw_scale = tf.split(tf.cast(self.outputs(mixed), tf.float32), 2, axis=-1)  # in the dtype of densities
        return Gaussian(loc, self.scale_floor + tf.nn.softplus(raw_scale))

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "num_noise": self.num_noise}


def make_counts(num_sequences: int, num_steps: int, seed: int) -> np.ndarray:
    """Draws counts of two features, `[N, T, 2]`, whose rates are high or low and now and then change over."""
    rng = np.random.default_rng(seed)
    is_high = np.cumsum(rng.random([num_sequences, num_steps]) < 0.15, axis=1) % 2
    return rng.poisson(np.where(is_high[..., np.newaxis], [12.0, 1.0], [2.0, 6.0])).astype(np.float32)


def run(folder: pathlib.Path, epochs: int = 30) -> sisrnn_tf.SISRNN:
    """Trains a model of counts, saves and exports it, and shows that what comes back gives the same.

    Args:
        folder: to which model and export are written.
        epochs: of training.

    Returns:
        The model as loaded.
    """
    keras.utils.set_random_seed(0)
    train, test = make_counts(512, 24, seed=0), make_counts(64, 24, seed=1)
    model = sisrnn_tf.SISRNN(PoissonCounts(2), latent_size=2, hidden_size=16, posterior=NormalNoise(2), num_mixing=5)
    model.compile(optimizer=keras.optimizers.Adam(3e-3))
    model.fit(train, epochs=epochs, batch_size=32, verbose=0)
    score = model.score(test, num_importance=10, num_mixing=5, seed=0).numpy()
    print(f"NLL <= {-score.mean() / test.shape[1]:.3f} nats a step")
    print("Two ways to go on:", model.forecast(test[:1, :12], num_steps=6, num_samples=2, seed=0).numpy()[:, 0, :, 0])

    model.save(folder / "counts.keras")
    loaded = keras.saving.load_model(folder / "counts.keras")
    again = loaded.score(test, num_importance=10, num_mixing=5, seed=0).numpy()
    loaded.export(folder / "counts" / "1", num_mixing=5, num_importance=10)
    served = tf.saved_model.load(folder / "counts" / "1").signatures["score"]  # TensorFlow alone: no class is needed
    answer = served(observations=test, mask=np.ones(test.shape[:2], bool), seed=sisrnn_tf.random.as_seed(0))
    print("Saved and loaded, the largest difference is", np.abs(again - score).max())
    print("Exported, it is", np.abs(answer["log_likelihood"].numpy() - score).max())
    return loaded


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path, help="where the model and its export are written")
    run(parser.parse_args().folder)
