"""The arithmetic that a training step cannot do without: its matrix products, forward and backward."""

import dataclasses

from benchmarks.configuration import Configuration


@dataclasses.dataclass(frozen=True)
class Product:
    """A matrix product `[rows, varying + constant] x [.., outputs]` of a training step.

    Attributes:
        rows: how many rows.
        varying: inputs that a gradient is taken to.
        constant: inputs that none is: observations and noise.
        outputs: columns.
    """

    rows: int
    varying: int
    constant: int
    outputs: int

    @property
    def flops(self) -> int:
        """2 a multiply-add: forward, the weights' gradient, and the varying inputs' gradient."""
        return 2 * self.rows * self.outputs * (2 * (self.varying + self.constant) + self.varying)


def products(configuration: Configuration) -> list[Product]:
    """Returns the matrix products of a training step.

    The context, [x, h] times the encoder's first kernel, is counted once for all K + 1 draws. h_0 = 0 is counted as
    any other state: no framework treats it apart.
    """
    c = configuration
    D, Z, H = c.event_size, c.latent_size, c.hidden_size
    rows = c.num_steps * c.batch_size
    draws = rows * (c.num_mixing + 1)
    found = [Product(rows, H, D, c.encoder_sizes[0])]
    found += [Product(draws, 0, noise, units) for noise, units in zip(c.noise_sizes, c.encoder_sizes, strict=True)]
    found += _network(draws, c.encoder_sizes[0], (*c.encoder_sizes[1:], 2 * Z))
    found += _network(rows, H, (*c.prior_sizes, 2 * Z))
    found += _network(rows, Z + H, (*c.decoder_sizes, D))
    found += [Product(rows, Z, D, 3 * H), Product(rows, H, 0, 3 * H)]
    return found


def training_step(configuration: Configuration) -> int:
    """Returns the floating-point operations of a training step's matrix products."""
    return sum(product.flops for product in products(configuration))


def _network(rows: int, input_size: int, sizes: tuple[int, ...]) -> list[Product]:
    inputs = (input_size, *sizes[:-1])
    return [Product(rows, size, 0, units) for size, units in zip(inputs, sizes, strict=True)]
