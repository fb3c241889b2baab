r"""Derivatives of a net's gradient along a line, as power series in t of both passes at w + t v.

Every quantity of the passes of `refimpl.network._passes` is a list of the
coefficients of 1, t, t², …: products become convolutions, h = tanh z follows
from h′ = (1 − h²) z′, the softmax q from q′ = q (f′ − Σ q f′).
"""

from math import factorial

import numpy as np

from refimpl import _cross_entropy as cross_entropy
from refimpl.network import _passes as passes
from theory import _checks


def line_derivatives(model, w, x, y, v, *, order=3):
    r"""Derivatives of ∇L(w + t v) by t at t = 0, by hand: forward through the layers and back, in power series.

    .. math:: \nabla L, \quad H v, \quad T[v, v], \quad F[v, v, v], \dots, \qquad T_{ijk} = \partial_i \partial_j
              \partial_k L, \quad F_{ijkl} = \partial_i \partial_j \partial_k \partial_l L

    One backward pass gives whole vectors: T[v, v] is the gradient of vᵀHv at
    fixed v, and the sharpness grows by T[v, v]·Δw along its unit eigenvector v.
    F[v, v, v, v] is the last entry times v. Costs about (order + 1)²/2 gradients.

    Parameters
    ----------
    model : MLP
        Any activation and loss; at a kink of the ReLU its slope is 0, along
        the whole line.
    w, v : array_like (…, P)
        Point and direction; leading axes broadcast.
    x, y : array_like (n, inputs), (n,) or (n, k)
        Examples and labels as the model takes them.
    order : int
        Derivatives of the gradient, at least 0.

    Returns
    -------
    ndarray (order + 1, …, P)
        Entry k is dᵏ∇L(w + t v)/dtᵏ, so homogeneous of degree k in v; to
        rounding of its terms.

    Raises
    ------
    ValueError
        As ``model.hvp`` does, or if `order` is negative.

    Examples
    --------
    >>> from refimpl.network import MLP
    >>> model = MLP((1, 1, 1), activation="identity")               # f = (x W₀ + b₀) W₁ + b₁
    >>> w, v = [2.0, 0.0, 3.0, 0.0], [1.0, 0.0, 1.0, 0.0]           # f = (2 + t)(3 + t) at x = 1
    >>> line_derivatives(model, w, [[1.0]], [5.0], v) @ v           # of ½(1 + 5t + t²)²: 5, 27, 30, 12
    array([ 5., 27., 30., 12.])
    """
    order = _checks.whole(order, "order", 0)
    w, x = _checks.having(model, "model", "loss_kind", "_point")._point(w, x)
    v = model._direction(w, x, v)
    layers = model.layers
    ways = [(weight, turn, bias, shift) for (weight, bias), (turn, shift) in
            zip(passes.split(w, layers), passes.split(v, layers))]
    inputs, slopes, outputs = _forward(ways, x, model.activation, order)
    delta = _backward_start(model, outputs, y)
    out = np.empty((order + 1, *v.shape), np.result_type(delta[0], v))
    for level in reversed(range(len(ways))):
        for k, found in enumerate(out):
            block, edge = passes.split(found, layers)[level]
            block[:] = sum(np.matmul(h.swapaxes(-1, -2), delta[k - j]) for j, h in enumerate(inputs[level][:k + 1]))
            edge[:] = delta[k].sum(axis=-2, keepdims=True)
        if level:
            weight, turn, *_ = ways[level]
            delta = _product(_along(delta, weight.swapaxes(-1, -2), turn.swapaxes(-1, -2)), slopes[level])
    for k, found in enumerate(out):
        found *= factorial(k)
        found /= x.shape[-2]
    return out


def _forward(ways, x, kind, order):
    """Series of every layer's input, of φ′ there, and of the outputs."""
    inputs, slopes = [[x]], [None]
    for level, (weight, turn, bias, shift) in enumerate(ways):
        z = _along(inputs[level] + [np.zeros_like(x)] * order if not level else inputs[level], weight, turn)
        z[0] = z[0] + bias
        if order:
            z[1] = z[1] + shift
        if level + 1 == len(ways):
            return inputs, slopes, z
        h, slope = _activated(z, kind)
        inputs.append(h)
        slopes.append(slope)


def _along(series, weight, turn):
    """Coefficients of a(t)(W + tV)."""
    found = [np.matmul(part, weight) for part in series]
    for k in range(1, len(found)):
        found[k] = found[k] + np.matmul(series[k - 1], turn)
    return found


def _product(a, b):
    """Coefficients of a(t) ∘ b(t); `b` may end early, and None stands for 1."""
    if b is None:
        return a
    return [sum(a[k - j] * b[j] for j in range(min(k + 1, len(b)))) for k in range(len(a))]


def _activated(z, kind):
    """Series of φ(z) and of φ′(z)."""
    if kind == "identity":
        return z, None
    if kind == "relu":
        slope = [(z[0] > 0) * np.ones_like(z[0])]
        return _product(z, slope), slope
    h = [np.tanh(z[0])]
    slope = [1 - h[0] ** 2]
    for k in range(1, len(z)):
        h.append(sum(j * z[j] * slope[k - j] for j in range(1, k + 1)) / k)
        slope.append(-sum(h[j] * h[k - j] for j in range(k + 1)))
    return h, slope


def _backward_start(model, outputs, y):
    """Series of ∂ℓ_i/∂f: f − y, or the softmax less the label's class."""
    start = model._delta(outputs[0], y)
    if model.loss_kind == "squared":
        return [start, *outputs[1:]]
    share = [cross_entropy.softmax(outputs[0])]
    pull = [None]                                          # of f − log Σ exp f, which is log q
    for k in range(1, len(outputs)):
        mean = sum(j * (share[k - j] * outputs[j]).sum(axis=-1, keepdims=True) for j in range(1, k + 1)) / k
        pull.append(outputs[k] - mean)
        share.append(sum(j * share[k - j] * pull[j] for j in range(1, k + 1)) / k)
    return [start, *share[1:]]
