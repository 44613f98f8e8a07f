"""NumPy float64 reference of a sentence's bound: the reader, the posterior, both decoders, word by word.

Takes the model only for its weights; noise is injected. One sentence at a time, so nothing is padded.
"""

import numpy as np

from tests.reference.sequence import (
    dense,
    gaussian_log_density,
    gru,
    layer_weights,
    noise_mlp,
    relu,
    sigmoid,
    softplus,
)


def read(model, words):
    """h_T, `[H]`, after all words."""
    embeddings = model.words.embeddings.numpy().astype(np.float64)
    hidden = np.zeros(model.cell.hidden_size)
    for word in words:
        hidden = gru(layer_weights(model.gru), embeddings[word] * np.sqrt(embeddings.shape[1]), hidden)
    return hidden


def posterior(model, hidden, noise, activation=relu):
    """loc and scale of q(z | psi), each `[Z]`, from h_T and eps `[N]`."""
    encoder = model.cell.posterior_part
    weights = layer_weights(encoder.network)
    outputs = noise_mlp(weights, hidden, noise, encoder.network.noise_sizes, activation)
    loc, raw = np.split(outputs, 2)
    return loc, encoder.scale_floor + softplus(raw)


def log_likelihood(model, words, latent):
    """log p(x_1..x_T | z)."""
    embeddings, bias = (weight.numpy().astype(np.float64) for weight in (model.words.embeddings, model.words.bias))
    read_words = [len(bias), *words[:-1]]  # the begin is row V
    inputs = embeddings[read_words] * np.sqrt(embeddings.shape[1])
    decode = lstm if hasattr(model.decoder, "lstm") else transformer
    total = 0.0
    for word, features in zip(words, decode(model.decoder, inputs, latent), strict=True):
        logits = embeddings[:-1] @ features + bias
        total += logits[word] - np.logaddexp.reduce(logits)
    return total


def quadrature(model, sentences, num_nodes=80):
    """p(x_1..x_T) of sentences, `[S]`, by Gauss-Hermite quadrature over z ~ N(0, 1)."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(num_nodes)
    total = 0.0
    for node, weight in zip(nodes, weights / weights.sum(), strict=True):
        total += weight * np.exp([log_likelihood(model, words, np.array([node])) for words in sentences])
    return total


def bound(model, words, mixing, latent_noise, extra_mixing, activation=relu):
    """L_K of one sentence; noise `[N]`, `[Z]` and `[K, N]`."""
    hidden = read(model, words)
    draws = [posterior(model, hidden, noise, activation) for noise in (mixing, *extra_mixing)]
    latent = draws[0][0] + draws[0][1] * latent_noise
    mixture = np.logaddexp.reduce([gaussian_log_density(latent, *psi) for psi in draws]) - np.log(len(draws))
    return log_likelihood(model, words, latent) + gaussian_log_density(latent, 0.0, 1.0) - mixture


def layer_norm(layer, x):
    centered = x - x.mean(axis=-1, keepdims=True)
    return centered / np.sqrt((centered**2).mean(axis=-1, keepdims=True) + layer.epsilon) * layer.gamma + layer.beta


def transformer(decoder, inputs, latent):
    """Features `[T, E]`, each word's from a loop over heads."""
    size = inputs.shape[1]
    rates = 10_000.0 ** (-np.arange(size // 2) / (size // 2))
    angles = np.arange(len(inputs))[:, np.newaxis] * rates
    x = inputs + np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
    for block in decoder.blocks:
        x = x + self_attention(block.attention, np.asarray(layer_norm(block.attention_norm, x)))
        x = x + dense(latent, *weights_of(block.memory))
        normed = np.asarray(layer_norm(block.feed_forward_norm, x))
        x = x + dense(relu(dense(normed, *weights_of(block.feed_forward))), *weights_of(block.feed_forward_output))
    return np.asarray(layer_norm(decoder.norm, x))


def self_attention(layer, x):
    queries, keys, values = (
        np.einsum("te,ehd->htd", x, part.kernel) + np.asarray(part.bias)[:, np.newaxis]
        for part in (layer.query_dense, layer.key_dense, layer.value_dense)
    )
    outputs = np.zeros_like(x) + np.asarray(layer.output_dense.bias)
    for head in range(len(queries)):
        for time in range(len(x)):
            scores = keys[head, : time + 1] @ queries[head, time] / np.sqrt(queries.shape[-1])
            weights = np.exp(scores - np.logaddexp.reduce(scores))
            outputs[time] += weights @ values[head, : time + 1] @ np.asarray(layer.output_dense.kernel)[head]
    return outputs


def lstm(decoder, inputs, latent):
    """Features `[T, E]`; Keras' gates are input, forget, candidate, output."""
    hidden, carry = np.split(dense(latent, *weights_of(decoder.initial)), 2)
    hidden, features = np.tanh(hidden), []
    kernel, recurrent, bias = (weight.numpy() for weight in decoder.lstm.weights)
    for word in inputs:
        gates = np.concatenate([word, latent]) @ kernel + hidden @ recurrent + bias
        enter, forget, candidate, leave = np.split(gates, 4)
        carry = sigmoid(forget) * carry + sigmoid(enter) * np.tanh(candidate)
        hidden = sigmoid(leave) * np.tanh(carry)
        features.append(dense(hidden, *weights_of(decoder.output_layer)))
    return np.array(features)


def weights_of(layer):
    return layer.kernel.numpy(), layer.bias.numpy()
