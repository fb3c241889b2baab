r"""Second-order products of a fully connected net at one point, from tangents of its passes.

In the notation of `refimpl.network._passes` a tangent t_l is the derivative of
h_l along a direction (V_l, c_l) of the parameters, and d_l that of δ_l: H_i v
consists, layer by layer, of the rank-2 blocks t_l δ_{l+1}ᵀ + h_l d_{l+1}ᵀ.
Nothing here holds one parameter vector for each example.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from refimpl.network._passes import gradient, pull, slope, split, times


def _dot(a, b):
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
            moved = (_dot(h, h) + 1) * d
            if level:
                moved += _dot(h, t) * delta
                moved += np.matmul(tangent, weight)
            if level + 1 < len(self.weights):
                tangent = times(moved, self.slopes[level + 1])
                own.append(tangent)

        def swung(level):
            delta = deltas[level]
            return _dot(delta, delta) * tangents[level] + _dot(delta, turned[level]) * self.inputs[level]

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
            moved = (_dot(self.inputs[level], self.inputs[level]) + 1) * pulled[level]
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
