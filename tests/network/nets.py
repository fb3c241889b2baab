"""Small nets at random points, and their derivatives by means that share nothing with `refimpl`."""

import numpy as np
import pytest

from refimpl import network

NETS = [pytest.param(activation, loss, outputs, id=f"{activation}-{loss}-{outputs}")
        for activation in ("tanh", "relu", "identity")
        for loss, outputs in (("squared", 1), ("squared", 3), ("cross-entropy", 3))]


def problem(rng, activation="tanh", loss="squared", outputs=1, n=5, hidden=(4, 3)):
    """(model, w, x, y) of a small net at a random point."""
    model = network.MLP((3, *hidden, outputs), activation=activation, loss_kind=loss)
    w = model.init(rng) + 0.2 * rng.standard_normal(model.parameter_shape)
    x = rng.standard_normal((n, 3))
    if loss == "cross-entropy":
        return model, w, x, rng.integers(outputs, size=n)
    return model, w, x, rng.standard_normal((n, outputs))[:, 0] if outputs == 1 else rng.standard_normal((n, outputs))


def plain_loss(model, w, x, y):
    """The loss once more, one example at a time, analytic so that a complex step can differentiate it; w (…, P)."""
    total, start = 0, 0
    layers = []
    for inputs, outputs in zip(model.widths, model.widths[1:]):
        weight = w[..., start:start + inputs * outputs].reshape(*w.shape[:-1], inputs, outputs)
        start += inputs * outputs
        layers.append((weight, w[..., start:start + outputs]))
        start += outputs
    for row, label in zip(x, y):
        h = row
        for level, (weight, bias) in enumerate(layers):
            h = sum(h[..., i, None] * weight[..., i, :] for i in range(weight.shape[-2])) + bias
            if level + 1 < len(layers):
                h = {"tanh": np.tanh, "relu": lambda z: np.where(z.real > 0, z, 0),
                     "identity": lambda z: z}[model.activation](h)
        if model.loss_kind == "squared":
            total = total + ((h - label) ** 2).sum(axis=-1) / 2
        else:
            total = total + np.log(np.exp(h).sum(axis=-1)) - h[..., int(label)]
    return total / len(x)


def complex_gradient(model, w, x, y):
    """Gradient of `plain_loss` by a complex step: no subtraction, so exact to rounding."""
    return plain_loss(model, w + np.eye(len(w)) * 1e-30j, x, y).imag / 1e-30


def dense_hessians(model, w, x, y):
    """H_i for every example, (n, P, P), by central differences of complex-step gradients."""
    size, step = len(w), 1e-8 if model.activation == "relu" else 1e-5  # short, where a kink could lie within it
    return np.array([[(complex_gradient(model, w + step * unit, x[i:i + 1], y[i:i + 1])
                       - complex_gradient(model, w - step * unit, x[i:i + 1], y[i:i + 1])) / (2 * step)
                      for unit in np.eye(size)] for i in range(len(x))])


def dense_curvature(model, w, x, y):
    """The H_i by applying each example's own product to unit vectors."""
    return np.array([model.hvp(w, x[i:i + 1], y[i:i + 1], np.eye(len(w))) for i in range(len(x))])
