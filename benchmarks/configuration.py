"""What is timed: the sizes of a training step. Imports no framework."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Configuration:
    """Sizes of a model and its batch; the defaults are the paper's, in the letters of CONTRIBUTING.md.

    Attributes:
        num_steps: T.
        event_size: D, binary observations a step.
        num_mixing: K, mixing draws beside the generating one.
        batch_size: B.
        latent_size: Z.
        hidden_size: H.
        prior_sizes: units of the prior's hidden layers.
        encoder_sizes: units of the encoder's hidden layers.
        noise_sizes: noise dimensions at the input of each of them.
        decoder_sizes: units of the decoder's hidden layers.
        scale_floor: smallest standard deviation.
        learning_rate: of Adam, whose other values are Keras' defaults.
        mixing: of the posterior: none, joint or per_dimension. Peers have but the paper's, joint.
    """

    num_steps: int = 28
    event_size: int = 28
    num_mixing: int = 1
    batch_size: int = 128
    latent_size: int = 16
    hidden_size: int = 64
    prior_sizes: tuple[int, ...] = (64, 64)
    encoder_sizes: tuple[int, ...] = (128, 128, 128)
    noise_sizes: tuple[int, ...] = (150, 100, 50)
    decoder_sizes: tuple[int, ...] = (128, 128)
    scale_floor: float = 1e-3
    learning_rate: float = 1e-3
    mixing: str = "joint"

    @property
    def noise_size(self) -> int:
        """N: the noise dimensions of all layers together."""
        return sum(self.noise_sizes)

    @classmethod
    def from_dict(cls, values: dict) -> "Configuration":
        """Returns the configuration whose `dataclasses.asdict` went through JSON."""
        return cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})


CONFIGURATIONS = {
    "a": Configuration(),
    "b": Configuration(num_mixing=100),
    "c": Configuration(num_steps=784, event_size=1),
}
ADAM = {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}
