"""What every peer implements, and how a worker finds it. Imports no framework."""

import importlib
from typing import Protocol

import numpy as np

from benchmarks.configuration import Configuration

# By the name of --peers: the modules in `benchmarks.peers`, and what pip calls the packages they need.
MODULES = {"library": ("library",), "torch": ("torch_loop",), "jax": ("jax_loop", "jax_fused"), "tf": ("tf_loop",)}
PACKAGES = {"torch": ("torch",), "jax": ("jax", "optax"), "tf": ("tensorflow",)}
MATMUL_SIZE = 2048


class Contender(Protocol):
    """A model with its weights, optimizer and batch, in one framework.

    Args:
        configuration: sizes.
        weights: by the names of `benchmarks.parameters`.
        observations: x, float32 `[B, T, D]`.
    """

    version: str

    def __init__(self, configuration: Configuration, weights: dict[str, np.ndarray], observations: np.ndarray): ...

    def check(self, observations: np.ndarray, noise: dict[str, np.ndarray]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Returns L_K of each sequence, `[B]`, and the gradients of -mean L_K by name, for given noise.

        Args:
            observations: `[B, T, D]`.
            noise: "mixing" `[T, B, N]`, "latent" `[T, B, Z]`, "extra_mixing" `[K, T, B, N]`; and "seed", int32 `[2]`,
                of which this library draws the same.
        """
        ...

    def step(self) -> float:
        """Takes one training step with fresh noise, waits for its end, and returns the loss."""
        ...

    def multiply(self) -> None:
        """Multiplies two float32 matrices of `MATMUL_SIZE` rows and columns, and waits for the product."""
        ...


def load(name: str) -> type[Contender]:
    """Returns the `Contender` of a module in `benchmarks.peers`."""
    return importlib.import_module(f"benchmarks.peers.{name}").Contender
