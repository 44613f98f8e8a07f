"""NumPy reference of the noise law: SplitMix64 in Python's integers, one row at a time."""

from typing import NamedTuple

import numpy as np

_ALL = 2**64 - 1
_GAMMA = 0x9E3779B97F4A7C15


def mix(value: int) -> int:
    """The mixing function of SplitMix64 (Steele, Lea & Flood 2014), variant 13 of Stafford's."""
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _ALL
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _ALL
    return value ^ (value >> 31)


def fold_in(seed: int, *data: int) -> int:
    """The seed that integers, one after the other, make of a seed of 64 bits."""
    for number in data:
        seed = mix((seed + (number + 1) * _GAMMA) & _ALL)
    return seed


def words(seed: int, count: int) -> list[int]:
    """The first words of 32 bits of a seed, the lower half of each 64 first."""
    pairs = [mix((~seed + (number + 1) * _GAMMA) & _ALL) for number in range((count + 1) // 2)]
    return [part for pair in pairs for part in (pair & 0xFFFFFFFF, pair >> 32)][:count]


def uniform(seed: int, count: int) -> np.ndarray:
    return (np.array([word >> 8 for word in words(seed, count)]) + 0.5) / 2**24


def normal(seed: int, count: int) -> np.ndarray:
    first, second = uniform(seed, count + count % 2).reshape(-1, 2).T
    radius, angle = np.sqrt(-2 * np.log(first)), 2 * np.pi * second
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1).reshape(-1)[:count]


def centered_bernoulli(seed: int, count: int) -> np.ndarray:
    bits = [(word >> bit) & 1 for word in words(seed, -(-count // 32)) for bit in range(32)]
    return np.array(bits[:count]) - 0.5


class Row(NamedTuple):
    """What a row draws: eps of psi^0 [N], normals of z [Z], eps of psi^1..psi^K [K, N]."""

    mixing: np.ndarray
    latent: np.ndarray
    extra_mixing: np.ndarray


def draw_row(seed: int, step: int, particle: int, row: int, sizes: tuple[int, int, int]) -> Row:
    """The noise of row (step, particle, row) of a seed; sizes are N, Z and K."""
    noise_size, latent_size, num_mixing = sizes
    own = fold_in(seed, step, particle, row)
    extra = centered_bernoulli(fold_in(own, 2), num_mixing * noise_size)
    return Row(
        centered_bernoulli(fold_in(own, 0), noise_size),
        normal(fold_in(own, 1), latent_size),
        extra.reshape(num_mixing, noise_size),
    )
