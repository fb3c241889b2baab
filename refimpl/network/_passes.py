r"""Forward, backward and tangent passes of a fully connected net, written out by hand.

Layer l maps its input h_l (n, m_l) to z_{l+1} = h_l W_l + b_l and, except at
the last, to h_{l+1} = φ(z_{l+1}). With ℓ_i the loss of example i and
δ_l = ∂ℓ_i/∂z_l for each example (no 1/n), the gradient of ℓ_i with respect to
W_l is the outer product of h_l and δ_{l+1}, and the one with respect to b_l is
δ_{l+1}. A tangent t_l is the derivative of h_l along a direction (V_l, c_l) of
the parameters, and d_l that of δ_l: H_i v consists, layer by layer, of the
rank-2 blocks t_l δ_{l+1}ᵀ + h_l d_{l+1}ᵀ. Nothing here holds one parameter
vector for each example, except `jacobian`.

Arrays have replicas in front: h (…, n, m), W (…, m, m').
"""

from dataclasses import dataclass
from functools import cached_property

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


def dot(a, b):
    """Inner products of rows, (…, n, 1)."""
    return np.vecdot(a, b)[..., None]


@dataclass(frozen=True)
class Linearized:
    """What second-order products at one point need; made once, used for many directions v.

    `bend` maps a tangent (…, n, k) of the outputs to that of their derivatives: ∂²ℓ_i/∂f².
    """

    weights: list
    inputs: list
    delta: np.ndarray            # ∂ℓ_i/∂f (…, n, k)
    bend: object
    kind: str
    layers: list

    @cached_property
    def slopes(self):
        """φ' at each layer's input; the first entry is unused."""
        return [None] + [slope(h, self.kind) for h in self.inputs[1:]]

    @cached_property
    def _backward(self):
        """δ of every layer's output, and the factor of t_l in d_l: φ''/φ' ∘ δWᵀ, for tanh −2 h ∘ δWᵀ."""
        deltas, curved = [self.delta], [None] * len(self.weights)
        for level in reversed(range(1, len(self.weights))):
            back = pull(deltas[-1], self.weights[level][0])
            if self.kind == "tanh":
                curved[level] = back * self.inputs[level]
                curved[level] *= -2
            deltas.append(times(back, self.slopes[level]))
        return deltas[::-1], curved

    def output_tangent(self, v):
        """Tangents t_l of every layer's input (None for the data) and that of the outputs, along v (…, P)."""
        directions = split(v, self.layers)
        tangents, tangent = [None], None
        for level, ((weight, _), (turn, shift)) in enumerate(zip(self.weights, directions)):
            moved = np.matmul(self.inputs[level], turn)
            moved += shift
            if level:
                moved += np.matmul(tangent, weight)
            if level + 1 == len(self.weights):
                return tangents, moved
            tangent = times(moved, self.slopes[level + 1])
            tangents.append(tangent)

    def hessian_product(self, v):
        """(1/n) Σ H_i v, shape (…, P)."""
        directions = split(v, self.layers)
        tangents, moved = self.output_tangent(v)
        deltas, curved = self._backward
        turned = self._turned(tangents, self.bend(moved), lambda level: pull(deltas[level], directions[level][0]))
        return self._collect(tangents, turned)

    def _turned(self, tangents, change, swung):
        """Tangents d of all δ, given that of the last and the terms δ_{l+1} V_lᵀ of the direction."""
        _, curved = self._backward
        found = [change]
        for level in reversed(range(1, len(self.weights))):
            change = pull(change, self.weights[level][0])
            change += swung(level)
            change = times(change, self.slopes[level])
            if curved[level] is not None:
                change += curved[level] * tangents[level]
            found.append(change)
        return found[::-1]

    def _collect(self, tangents, turned):
        """Mean over examples of the blocks t δᵀ + h dᵀ, as one array (…, P)."""
        deltas, _ = self._backward
        n = self.delta.shape[-2]
        lead = turned[0].shape[:-2]
        out = np.empty((*lead, self.layers[-1][2]), turned[0].dtype)
        for level, (block, shift) in enumerate(split(out, self.layers)):
            np.matmul(self.inputs[level].swapaxes(-1, -2), turned[level], out=block)
            if level:
                block += np.matmul(tangents[level].swapaxes(-1, -2), deltas[level])
            np.add.reduce(turned[level], axis=-2, keepdims=True, out=shift)
        out /= n
        return out

    def hessian_square_product(self, v):
        """(1/n) Σ H_i (H_i v), shape (…, P): a second pass along each example's own H_i v, of rank 2 in a layer."""
        directions = split(v, self.layers)
        tangents, moved = self.output_tangent(v)
        deltas, _ = self._backward
        turned = self._turned(tangents, self.bend(moved), lambda level: pull(deltas[level], directions[level][0]))
        own, tangent = [None], None
        for level, (weight, _) in enumerate(self.weights):
            h, t, delta, d = self.inputs[level], tangents[level], deltas[level], turned[level]
            moved = (dot(h, h) + 1) * d
            if level:
                moved += dot(h, t) * delta
                moved += np.matmul(tangent, weight)
            if level + 1 < len(self.weights):
                tangent = times(moved, self.slopes[level + 1])
                own.append(tangent)

        def swung(level):
            delta = deltas[level]
            return dot(delta, delta) * tangents[level] + dot(delta, turned[level]) * self.inputs[level]

        return self._collect(own, self._turned(own, self.bend(moved), swung))

    def gauss_newton_product(self, v):
        """(1/n) Σ J_iᵀ (∂²ℓ_i/∂f²) J_i v, shape (…, P)."""
        _, moved = self.output_tangent(v)
        return self._vector_jacobian(self.bend(moved))

    def gauss_newton_square_product(self, v):
        """(1/n) Σ G_i (G_i v) with G_i = J_iᵀ (∂²ℓ_i/∂f²) J_i, shape (…, P)."""
        _, moved = self.output_tangent(v)
        pulled = self._pulled(self.bend(moved))
        tangent = None
        for level, (weight, _) in enumerate(self.weights):
            moved = (dot(self.inputs[level], self.inputs[level]) + 1) * pulled[level]
            if level:
                moved += np.matmul(tangent, weight)
            tangent = times(moved, self.slopes[level + 1]) if level + 1 < len(self.weights) else None
        return self._vector_jacobian(self.bend(moved))

    def _pulled(self, delta):
        found = [delta]
        for level in reversed(range(1, len(self.weights))):
            delta = times(pull(delta, self.weights[level][0]), self.slopes[level])
            found.append(delta)
        return found[::-1]

    def _vector_jacobian(self, delta):
        lead = np.broadcast_shapes(delta.shape[:-2], self.weights[0][0].shape[:-2])
        out = np.empty((*lead, self.layers[-1][2]), delta.dtype)
        return gradient(self.weights, self.inputs, delta, self.kind, self.layers, out)
