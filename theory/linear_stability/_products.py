"""The Jacobian of a model's outputs, known by its products with vectors."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from theory import _checks


@dataclass(frozen=True)
class Products:
    """Products with the Jacobian J of all n·k outputs of a model at a minimum, one row per output, divided by nothing.

    Parameters
    ----------
    jvp : callable
        v (size,) ↦ J v, (n,) for one output, else (n, outputs).
    vjp : callable
        u, shaped as J v, ↦ Jᵀu (size,).
    n : int
        Examples.
    size : int
        Parameters P.
    outputs : int
        Outputs k per example.
    blocks : array_like (n,) or (n, k, k), optional
        J_i J_iᵀ per example, |g_i|² for one output. Where it is not given it
        takes one product per row up to n·k = 512; beyond, |J_i|² is bounded
        from random products, which costs tightness on the safe side: give it
        if you can.

    Raises
    ------
    ValueError
        If a number is out of range or `blocks` has another shape.
    """

    jvp: Callable
    vjp: Callable
    n: int
    size: int
    outputs: int = 1
    blocks: object = None

    def __post_init__(self):
        for name in ("n", "size", "outputs"):
            _checks.whole(getattr(self, name), name)
        for name in ("jvp", "vjp"):
            if not callable(getattr(self, name)):
                raise ValueError(f"{name} must be a function, got {type(getattr(self, name)).__name__}; "
                                 "give the product itself")
        if self.blocks is not None:
            flat = self.outputs == 1 and np.ndim(self.blocks) == 1
            shape = (self.n,) if flat else (self.n, self.outputs, self.outputs)
            blocks = np.asarray(_checks.shaped(self.blocks, "blocks", shape), float)
            object.__setattr__(self, "blocks", blocks.reshape(self.n, self.outputs, self.outputs))


class Jacobian:
    """The products with their shapes checked, in float64, counted; rows are (n, k)."""

    def __init__(self, products):
        self.products, self.count = products, 0
        self.rows = (products.n, products.outputs)
        self.shape = (products.n,) if products.outputs == 1 else self.rows

    def forward(self, v):
        """J v, (n, k)."""
        self.count += 1
        return _product(self.products.jvp(v), "jvp", self.shape).reshape(self.rows)

    def backward(self, u):
        """Jᵀ u, (P,)."""
        self.count += 1
        return _product(self.products.vjp(u.reshape(self.shape)), "vjp", (self.products.size,))

    def check(self, rng):
        """⟨u, Jv⟩ = ⟨Jᵀu, v⟩ for random u, v, and both the same when asked again."""
        v, u = rng.standard_normal(self.products.size), rng.standard_normal(self.rows)
        along, back = self.forward(v), self.backward(u)
        scale = np.linalg.norm(along) * np.linalg.norm(u) + np.linalg.norm(back) * np.linalg.norm(v)
        again = np.abs(self.forward(v) - along).max() <= 1e-4 * np.abs(along).max()
        if abs(np.vdot(u, along) - back @ v) > 1e-4 * scale or not again:
            raise ValueError("vjp must be the transpose of jvp, got other products; both must use all n examples, the "
                             "same at each call (no dropout, no batch normalisation in training mode)")


def _product(value, name, shape):
    array = _checks.real(value, f"what {name} returns")
    if array.shape != shape:
        raise ValueError(f"{name} must return shape {shape}, got {array.shape}; reshape what it returns")
    return np.array(array, float)
