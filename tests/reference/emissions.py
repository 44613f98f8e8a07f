"""NumPy float64 references of mixture densities, written as in textbooks; one observation at a time."""

import numpy as np

from tests.reference.sequence import sigmoid, softplus


def softmax(logits):
    weights = np.exp(logits - logits.max())
    return weights / weights.sum()


def normal_density(x, loc, scale):
    return np.exp(-0.5 * ((x - loc) / scale) ** 2) / (scale * np.sqrt(2 * np.pi))


def logistic_density(x, loc, scale):
    return 1 / (4 * scale * np.cosh((x - loc) / (2 * scale)) ** 2)


def mixture_density(density, x, parameters, num_components, scale_floor):
    """A mixture of components of independent dimensions; parameters `[C + C 2 D]`."""
    size, total = len(x), 0.0
    weights = softmax(parameters[:num_components])
    for weight, part in zip(weights, parameters[num_components:].reshape(num_components, 2 * size), strict=True):
        total += weight * np.prod(density(x, part[:size], scale_floor + softplus(part[size:])))
    return total


def covariances(parameters, num_components, scale_floor, max_correlation):
    """Weights `[C]`, means `[C, 2]` and covariance matrices `[C, 2, 2]` of a stroke mixture."""
    c = num_components
    scales = scale_floor + softplus(parameters[3 * c : 5 * c].reshape(c, 2))
    correlations = max_correlation * np.tanh(parameters[5 * c : 6 * c])
    matrices = [
        np.diag(scale) @ np.array([[1, correlation], [correlation, 1]]) @ np.diag(scale)
        for scale, correlation in zip(scales, correlations, strict=True)
    ]
    return softmax(parameters[:c]), parameters[c : 3 * c].reshape(c, 2), np.array(matrices)


def offset_density(offset, weights, means, matrices):
    """A mixture of bivariate normal distributions by their covariance matrices."""
    total = 0.0
    for weight, mean, matrix in zip(weights, means, matrices, strict=True):
        square = (offset - mean) @ np.linalg.inv(matrix) @ (offset - mean)
        total += weight * np.exp(-0.5 * square) / (2 * np.pi * np.sqrt(np.linalg.det(matrix)))
    return total


def stroke_density(x, parameters, num_components, scale_floor, max_correlation):
    """Offset and pen of one step; parameters `[6 C + 1]`."""
    offset = offset_density(x[:2], *covariances(parameters, num_components, scale_floor, max_correlation))
    lifted = sigmoid(parameters[-1])
    return offset * (lifted if x[2] else 1 - lifted)
