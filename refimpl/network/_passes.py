r"""Forward and backward passes of a fully connected net, written out by hand, and its Jacobian.

Layer l maps its input h_l (n, m_l) to z_{l+1} = h_l W_l + b_l and, except at
the last, to h_{l+1} = φ(z_{l+1}). With ℓ_i the loss of example i and
δ_l = ∂ℓ_i/∂z_l for each example (no 1/n), the gradient of ℓ_i with respect to
W_l is the outer product of h_l and δ_{l+1}, and the one with respect to b_l is
δ_{l+1}. Nothing here holds one parameter vector for each example, except
`jacobian`.

Arrays have replicas in front: h (…, n, m), W (…, m, m').
"""

import numpy as np

# A pass makes and drops arrays of about 100 KB. glibc hands such memory back to the system after
# every drop, and a pass then spends half its time on page faults, until a larger block has been
# freed once. Elsewhere this line does nothing.
np.empty(2**22, np.uint8)


def shapes(widths):
    """[(first, middle, last, m, m')]: W is w[first:middle] as (m, m'), b is w[middle:last]."""
    found, start = [], 0
    for inputs, outputs in zip(widths, widths[1:]):
        middle = start + inputs * outputs
        found.append((start, middle, middle + outputs, inputs, outputs))
        start = middle + outputs
    return found


def split(w, layers):
    """Views [(W (…, m, m'), b (…, 1, m'))] of flat parameters (…, P)."""
    lead = w.shape[:-1]
    return [(w[..., a:b].reshape(*lead, m, k), w[..., None, b:c]) for a, b, c, m, k in layers]


def activate(z, kind):
    """φ(z), written over z."""
    if kind == "tanh":
        return np.tanh(z, out=z)
    return np.maximum(z, 0, out=z) if kind == "relu" else z


def slope(h, kind):
    """φ' from the output h = φ(z); None stands for 1. ReLU has slope 0 at 0."""
    if kind == "tanh":
        result = np.square(h)
        return np.subtract(1, result, out=result)
    return (h > 0).astype(h.dtype) if kind == "relu" else None


def forward(weights, x, kind):
    """Inputs of every layer [h_0 = x, …] and the output (…, n, k)."""
    inputs = [x]
    for weight, bias in weights[:-1]:
        z = np.matmul(inputs[-1], weight)
        z += bias
        inputs.append(activate(z, kind))
    weight, bias = weights[-1]
    return inputs, np.matmul(inputs[-1], weight) + bias


def pull(delta, weight):
    """δ Wᵀ, an outer product where there is one output (faster than a matrix product with one column)."""
    if weight.shape[-1] == 1:
        return delta * weight.swapaxes(-1, -2)
    return np.matmul(delta, weight.swapaxes(-1, -2))


def times(array, factor):
    """array ∘ factor, written over array; None stands for 1."""
    return array if factor is None else np.multiply(array, factor, out=array)


def gradient(weights, inputs, delta, kind, layers, out):
    """Mean over the examples of the gradients that the outputs' derivatives `delta` (…, n, k) cause, into `out`."""
    grads = split(out, layers)
    delta = delta / delta.shape[-2]
    for level in reversed(range(len(weights))):
        np.matmul(inputs[level].swapaxes(-1, -2), delta, out=grads[level][0])
        np.add.reduce(delta, axis=-2, keepdims=True, out=grads[level][1])
        if level:
            delta = times(pull(delta, weights[level][0]), slope(inputs[level], kind))
    return out


def output_derivatives(weights, inputs, kind, outputs):
    """∂f_j/∂z_{l+1} for each layer, [(…, n, k, m')], of outputs f (…, n, k)."""
    last = inputs[-1]
    lead = np.broadcast_shapes(last.shape[:-2], weights[0][0].shape[:-2])
    delta = np.broadcast_to(np.eye(outputs, dtype=last.dtype), (*lead, last.shape[-2], outputs, outputs))
    found = [delta]
    for level in reversed(range(1, len(weights))):
        delta = np.matmul(delta, weights[level][0][..., None, :, :].swapaxes(-1, -2))
        factor = slope(inputs[level], kind)
        delta = delta if factor is None else delta * factor[..., None, :]
        found.append(delta)
    return found[::-1]


def jacobian(inputs, derivatives, layers):
    """∂f_j/∂w for each example, (…, n, k, P)."""
    lead = derivatives[0].shape[:-1]
    out = np.empty((*lead, layers[-1][2]), derivatives[0].dtype)
    for (a, b, c, m, k), h, delta in zip(layers, inputs, derivatives):
        np.multiply(h[..., None, :, None], delta[..., None, :], out=out[..., a:b].reshape(*lead, m, k))
        out[..., b:c] = delta
    return out


def gram(inputs, derivatives):
    """J Jᵀ (…, nk, nk), layer by layer: Σ_l (1 + h_l·h_l')(δ_{l+1}·δ'_{l+1})."""
    total = 0
    for h, delta in zip(inputs, derivatives):
        *lead, n, k, width = delta.shape
        rows = delta.reshape(*lead, n * k, width)
        inner = np.matmul(h, h.swapaxes(-1, -2)) + 1
        inner = inner.repeat(k, axis=-1).repeat(k, axis=-2) if k > 1 else inner
        total = total + inner * np.matmul(rows, rows.swapaxes(-1, -2))
    return total
