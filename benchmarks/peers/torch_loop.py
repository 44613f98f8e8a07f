"""PyTorch, eager: everything in the time loop, as public code of stochastic recurrent networks is written."""

import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from benchmarks import parameters
from benchmarks.configuration import ADAM, Configuration
from benchmarks.contender import MATMUL_SIZE


class Network(nn.Module):
    """A multilayer perceptron with further inputs, noise, at the input of each hidden layer, and linear outputs."""

    def __init__(self, input_size: int, hidden_sizes: tuple[int, ...], noise_sizes: tuple[int, ...], output_size: int):
        super().__init__()
        sizes = (input_size, *hidden_sizes)
        self.noise_sizes = noise_sizes
        self.hidden = nn.ModuleList(
            nn.Linear(size + noise_size, units)
            for size, noise_size, units in zip(sizes, noise_sizes, hidden_sizes, strict=False)
        )
        self.output = nn.Linear(sizes[-1], output_size)

    def forward(self, inputs, noise=None):
        """Maps `[.., input_size]` and noise `[.., N]` to `[.., output_size]`."""
        parts = [None] * len(self.hidden) if noise is None else noise.split(self.noise_sizes, -1)
        for layer, part in zip(self.hidden, parts, strict=True):
            inputs = functional.relu(layer(inputs if part is None else torch.cat([inputs, part], -1)))
        return self.output(inputs)


class Model(nn.Module):
    """SIS-RNN and its bound."""

    def __init__(self, configuration: Configuration):
        super().__init__()
        self.configuration = configuration
        D, Z, H = configuration.event_size, configuration.latent_size, configuration.hidden_size
        sizes = configuration.prior_sizes, configuration.decoder_sizes
        self.prior = Network(H, sizes[0], (0,) * len(sizes[0]), 2 * Z)
        self.decoder = Network(Z + H, sizes[1], (0,) * len(sizes[1]), D)
        self.encoder = Network(D + H, configuration.encoder_sizes, configuration.noise_sizes, 2 * Z)
        self.transition = nn.GRUCell(D + Z, H)

    def gaussian(self, outputs):
        """Splits outputs `[.., 2 Z]` into loc and scale."""
        loc, raw_scale = outputs.chunk(2, -1)
        return loc, self.configuration.scale_floor + functional.softplus(raw_scale)

    def forward(self, observations, noise=None):
        """Returns L_K `[B]` of observations `[B, T, D]`; noise (mixing `[T, K + 1, B, N]`, latent) is drawn if None."""
        c = self.configuration
        B, num_components = observations.shape[0], c.num_mixing + 1
        hidden = observations.new_zeros(B, c.hidden_size)
        bound = observations.new_zeros(B)
        for time in range(observations.shape[1]):
            x = observations[:, time]
            if noise is None:
                mixing = torch.empty(num_components, B, c.noise_size).bernoulli_(0.5) - 0.5
                normal = torch.randn(B, c.latent_size)
            else:
                mixing, normal = noise[0][time], noise[1][time]
            inputs = torch.cat([x, hidden], -1).expand(num_components, B, -1)
            loc, scale = self.gaussian(self.encoder(inputs, mixing))  # each [K + 1, B, Z]
            latent = loc[0] + scale[0] * normal
            mixture = torch.logsumexp(log_normal(latent, loc, scale), 0) - math.log(num_components)
            prior = log_normal(latent, *self.gaussian(self.prior(hidden)))
            logits = self.decoder(torch.cat([latent, hidden], -1))
            emission = -functional.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(-1)
            bound = bound + emission + prior - mixture
            hidden = self.transition(torch.cat([x, latent], -1), hidden)
        return bound


def log_normal(value, loc, scale):
    """Returns log N(value; loc, diag scale^2), `[..]`, of `[.., Z]`."""
    return (-0.5 * ((value - loc) / scale) ** 2 - scale.log() - 0.5 * math.log(2 * math.pi)).sum(-1)


def _torch_gates(array: np.ndarray) -> np.ndarray:
    """Exchanges Keras' order of gates (update, reset, candidate) and PyTorch's (reset, update, candidate)."""
    update, reset, candidate = np.split(array, 3, -1)
    return np.concatenate([reset, update, candidate], -1)


def to_torch(weights: dict[str, np.ndarray], configuration: Configuration) -> dict[str, np.ndarray]:
    """Returns PyTorch's `state_dict`, as arrays, from weights by the names of `benchmarks.parameters`."""
    state = {}
    for network, count in parameters.num_layers(configuration).items():
        for index, name in enumerate(parameters.layer_names(network, count)):
            kernels = [weights[f"{name}/kernel"]]
            if network == "encoder" and index < count:
                kernels.append(weights[f"encoder/noise_{index}/kernel"])
            target = f"{network}.hidden.{index}" if index < count else f"{network}.output"
            state[f"{target}.weight"] = np.concatenate(kernels, 0).T
            state[f"{target}.bias"] = weights[f"{name}/bias"]
    state["transition.weight_ih"] = _torch_gates(weights["transition/kernel"]).T
    state["transition.weight_hh"] = _torch_gates(weights["transition/recurrent_kernel"]).T
    state["transition.bias_ih"], state["transition.bias_hh"] = _torch_gates(weights["transition/bias"])
    return state


def from_torch(state: dict[str, np.ndarray], configuration: Configuration) -> dict[str, np.ndarray]:
    """The inverse of `to_torch`."""
    weights = {}
    for network, count in parameters.num_layers(configuration).items():
        for index, name in enumerate(parameters.layer_names(network, count)):
            source = f"{network}.hidden.{index}" if index < count else f"{network}.output"
            kernel = state[f"{source}.weight"].T
            if network == "encoder" and index < count:
                size = len(kernel) - configuration.noise_sizes[index]
                weights[f"encoder/noise_{index}/kernel"] = kernel[size:]
                kernel = kernel[:size]
            weights[f"{name}/kernel"] = kernel
            weights[f"{name}/bias"] = state[f"{source}.bias"]
    weights["transition/kernel"] = _torch_gates(state["transition.weight_ih"].T)
    weights["transition/recurrent_kernel"] = _torch_gates(state["transition.weight_hh"].T)
    weights["transition/bias"] = _torch_gates(np.stack([state["transition.bias_ih"], state["transition.bias_hh"]]))
    return weights


class Contender:
    """The model with `torch.optim.Adam`; see `benchmarks.contender.Contender`."""

    def __init__(self, configuration: Configuration, weights: dict[str, np.ndarray], observations: np.ndarray):
        torch.set_num_threads(1)
        self.version = f"torch {torch.__version__}"
        self.configuration = configuration
        self.model = Model(configuration)
        state = to_torch(weights, configuration)
        self.model.load_state_dict({name: torch.tensor(array) for name, array in state.items()})
        betas = (ADAM["beta_1"], ADAM["beta_2"])
        rate = configuration.learning_rate
        self.optimizer = torch.optim.Adam(self.model.parameters(), rate, betas, ADAM["epsilon"])
        self.observations = torch.tensor(observations)
        self.matrix = torch.ones(MATMUL_SIZE, MATMUL_SIZE)

    def check(self, observations: np.ndarray, noise: dict[str, np.ndarray]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Returns bound and gradients."""
        mixing = np.concatenate([noise["mixing"][np.newaxis], noise["extra_mixing"]])
        mixing = torch.tensor(np.ascontiguousarray(np.swapaxes(mixing, 0, 1)))  # [T, K + 1, B, N]
        bound = self.model(torch.tensor(observations), (mixing, torch.tensor(noise["latent"])))
        self.optimizer.zero_grad()
        (-bound.mean()).backward()
        gradients = {name: parameter.grad.numpy() for name, parameter in self.model.named_parameters()}
        return bound.detach().numpy(), from_torch(gradients, self.configuration)

    def step(self) -> float:
        """Takes one step."""
        self.optimizer.zero_grad()
        loss = -self.model(self.observations).mean()
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def multiply(self) -> None:
        """Multiplies two matrices."""
        torch.matmul(self.matrix, self.matrix)
