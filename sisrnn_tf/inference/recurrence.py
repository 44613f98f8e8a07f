"""Unrolls a stochastic cell over time.

The loop holds only what is truly recurrent: psi^0, z and the transition. All noise is drawn before it; densities,
emissions and the K extra mixing draws come after it, for all steps at once.
"""

from typing import Any

import keras
import tensorflow as tf

from sisrnn_tf.core.arrays import size_of
from sisrnn_tf.core.types import Gaussian, Noise, Shape, Trajectory
from sisrnn_tf.core.validation import require_int
from sisrnn_tf.inference import noise, step


def batch_to_time_major(tensor: tf.Tensor) -> tf.Tensor:
    """Exchanges the first two axes: `[B, T, ..]` <-> `[T, B, ..]`."""
    return tf.transpose(tensor, [1, 0, *range(2, tensor.shape.rank)])


def cut_gradient(hidden: tf.Tensor, time: tf.Tensor, truncation: int | None) -> tf.Tensor:
    """Returns h_{t-1} as it goes into step t: without gradient where a segment of truncated backpropagation begins.

    Args:
        hidden: h_{t-1}, `[.., B, H]`.
        time: t, broadcasts against `hidden`.
        truncation: steps of a segment; None for one segment.
    """
    if truncation is None:
        return hidden
    return tf.where((time > 0) & (time % truncation == 0), tf.stop_gradient(hidden), hidden)


@keras.saving.register_keras_serializable("sisrnn_tf")
class StochasticRNN(keras.layers.RNN):
    """Unrolls a stochastic cell and returns, for every step, what Keras' RNN cannot: a structure.

    Args:
        cell: a `SISRNNCell`.
        truncation: steps between the points where the gradient through h stops (truncated backpropagation through
            time); the values stay as they are. None stops it nowhere.

    Call arguments:
        sequences: x, `[B, T, D]`, with the covariates of a cell that has such beside it, `[B, T, D + U]`.
        initial_state: h_0, `[B, H]`, or a list of it; None for zeros.
        mask: bool `[B, T]`, True on real steps; a masked step leaves the state as it is.

    Returns:
        {"emission_parameters": `[B, T, P]`, "latent": `[B, T, Z]`, "hidden": `[B, T, H]`}, with z drawn from the
        posterior by the cell's stream of noise.
    """

    def __init__(self, cell: keras.layers.Layer, truncation: int | None = None, **kwargs: Any):
        super().__init__(cell, **{**kwargs, "return_sequences": True, "autocast": False})
        self.truncation = truncation if truncation is None else require_int("truncation", truncation, 1)

    def call(
        self,
        sequences: tf.Tensor,
        initial_state: tf.Tensor | list[tf.Tensor] | None = None,
        mask: tf.Tensor | None = None,
        training: bool | None = False,
    ) -> dict[str, tf.Tensor]:
        """Unrolls over `[B, T, D]`; see the class."""
        del training  # nothing here behaves differently
        observations, covariates = self.cell.split_inputs(batch_to_time_major(sequences))
        mask = None if mask is None else batch_to_time_major(mask)
        num_steps, batch_size = size_of(observations, 0), size_of(observations, 1)
        seeds = noise.row_seeds(noise.step_seeds(self.cell.stream.next_seed(), num_steps), tf.range(batch_size))
        features = self.cell.posterior_part.features(step.join(observations, covariates), mask)
        draws = noise.draw(self.cell, seeds)
        trajectory = self.scan(observations, draws, mask, initial_state, features, covariates)
        parameters = self.cell.emission_parameters(trajectory.latent, trajectory.previous_hidden)
        return self.outputs(trajectory, parameters)

    def scan(
        self,
        observations: tf.Tensor,
        draws: Noise,
        mask: tf.Tensor | None = None,
        initial_state: tf.Tensor | list[tf.Tensor] | None = None,
        features: tf.Tensor | None = None,
        covariates: tf.Tensor | None = None,
    ) -> Trajectory:
        """Draws z_t ~ q(z_t | psi_t^0) and h_t for all steps; a pure function of its arguments and the weights.

        Args:
            observations: x, time-major `[T, B, D]`.
            draws: the noise of all steps, `[T, B, ..]`.
            mask: bool, time-major `[T, B]`, True on real steps.
            initial_state: h_0, `[B, H]`, or a list of it; None for zeros.
            features: of the posterior, time-major `[T, B, F]`; None where it has none.
            covariates: u, time-major `[T, B, U]`; None where there are none.
        """
        cell = self.cell
        num_steps, batch_size = size_of(observations, 0), size_of(observations, 1)
        static_batch = observations.shape[1]
        initial_hidden = self._initial_hidden(initial_state, batch_size, static_batch)
        inputs = {"observation": observations, "mixing": draws.mixing, "latent": draws.latent}
        optional = {"real": mask, "features": features, "covariates": covariates}
        inputs |= {name: part for name, part in optional.items() if part is not None}
        inputs = {
            name: tf.TensorArray(part.dtype, num_steps, element_shape=part.shape[1:]).unstack(part)
            for name, part in inputs.items()
        }

        def body(time, hidden, outputs):
            given = {name: array.read(time) for name, array in inputs.items()}
            hidden = cut_gradient(hidden, time, self.truncation)
            noise_now = Noise(given["mixing"], given["latent"])
            beside = (given.get("features"), hidden, noise_now, given.get("covariates"))
            trajectory = step.infer(cell, given["observation"], *beside)
            next_hidden = trajectory.hidden
            if "real" in given:
                next_hidden = tf.where(given["real"][:, tf.newaxis], next_hidden, hidden)
            values = (trajectory.latent, next_hidden, *trajectory.posterior)
            outputs = tuple(array.write(time, value) for array, value in zip(outputs, values, strict=True))
            return time + 1, next_hidden, outputs

        of_latent, of_hidden = (draws.latent.dtype, cell.latent_size), (initial_hidden.dtype, cell.hidden_size)
        arrays = tuple(
            tf.TensorArray(dtype, num_steps, element_shape=[static_batch, size])
            for dtype, size in (of_latent, of_hidden, of_latent, of_latent)  # z, h, loc, scale
        )
        _, _, arrays = tf.while_loop(
            lambda time, *_: time < num_steps,
            body,
            (tf.constant(0), initial_hidden, arrays),
            maximum_iterations=num_steps,
            parallel_iterations=1,  # a step needs the one before it: looking ahead only costs
        )
        latent, hidden, loc, scale = (array.stack() for array in arrays)
        previous_hidden = tf.concat([initial_hidden[tf.newaxis], hidden[:-1]], axis=0)  # [T, B, H]
        previous_hidden = cut_gradient(previous_hidden, tf.range(num_steps)[:, tf.newaxis, tf.newaxis], self.truncation)
        return Trajectory(latent, hidden, step.join(previous_hidden, covariates), Gaussian(loc, scale))

    def _initial_hidden(self, initial_state, batch_size, static_batch) -> tf.Tensor:
        """Returns h_0, `[B, H]`, of what a caller gave for it."""
        if initial_state is None:
            initial_state = self.cell.get_initial_state(batch_size)
        initial_state = initial_state[0] if isinstance(initial_state, list | tuple) else initial_state
        hidden = tf.cast(initial_state, self.cell.compute_dtype)
        return tf.ensure_shape(hidden, [static_batch, self.cell.hidden_size])

    def outputs(self, trajectory: Trajectory, emission_parameters: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns the layer's outputs for a trajectory and its emission parameters `[T, B, P]`; see the class."""
        return {
            "emission_parameters": batch_to_time_major(emission_parameters),
            "latent": batch_to_time_major(trajectory.latent),
            "hidden": batch_to_time_major(trajectory.hidden),
        }

    def compute_output_shape(
        self, sequences_shape: Shape, initial_state_shape: Shape | None = None
    ) -> dict[str, Shape]:
        """Returns the shapes of the outputs."""
        cell = self.cell
        sizes = {"emission_parameters": cell.output_size, "latent": cell.latent_size, "hidden": cell.hidden_size}
        return {name: (*sequences_shape[:2], size) for name, size in sizes.items()}

    def compute_mask(self, _: Any, mask: Any) -> None:
        """Passes no mask on: Keras cannot attach one to a dictionary of outputs."""
        return None

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        config = super().get_config()
        config = {name: config[name] for name in ("name", "trainable", "dtype", "cell")}
        return {**config, "truncation": self.truncation}
