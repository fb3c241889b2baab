"""The Jacobian of a model's outputs, known by its products with vectors."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from theory import _checks

_AT_A_TIME = 16  # examples whose rows are asked for together


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
    blocks : array_like (n,) or (n, k, k), or callable, optional
        J_i J_iᵀ per example, |g_i|² for one output; or (first, last) ↦ the
        rows of the examples first…last−1, (last − first, size) or
        (last − first, outputs, size), 16 examples at a time, in all the work
        of about `outputs` gradients of the whole set. Give it beyond n·k =
        512: without it |J_i|² is bounded from random products, with
        probability 1 − 1e-6, by up to 2.5 times what it is.

    Raises
    ------
    ValueError
        If a number is out of range, or `blocks` has another shape or is not
        that of the products (found when they are used).
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
        if self.blocks is not None and not callable(self.blocks):
            flat = self.outputs == 1 and np.ndim(self.blocks) == 1
            shape = (self.n,) if flat else (self.n, self.outputs, self.outputs)
            blocks = np.asarray(_checks.shaped(self.blocks, "blocks", shape), float)
            object.__setattr__(self, "blocks", blocks.reshape(self.n, self.outputs, self.outputs))


class Jacobian:
    """The products with their shapes checked, in float64, counted; rows are (n, k).

    From `check` on they are those of J / 2^exponent, near 1: the fourth power of 1e80 is no float.
    """

    def __init__(self, products):
        self.products, self.count, self.exponent = products, 0, 0
        self.rows = (products.n, products.outputs)
        self.shape = (products.n,) if products.outputs == 1 else self.rows
        self.epsilon = float(np.finfo(float).eps)     # rounding of the least precise product so far

    def forward(self, v):
        """J v, (n, k)."""
        return self._product("jvp", v, self.shape).reshape(self.rows)

    def backward(self, u):
        """Jᵀ u, (P,)."""
        return self._product("vjp", u.reshape(self.shape), (self.products.size,))

    def kernel(self, u):
        """J Jᵀ u, (n k,)."""
        return self.forward(self.backward(u)).ravel()

    def _product(self, name, argument, shape):
        self.count += 1
        found = getattr(self.products, name)(argument.copy())                    # it may write into that
        array = _checks.real(found, f"what {name} returns")
        if array.shape != shape:
            raise ValueError(f"{name} must return shape {shape}, got {array.shape}; reshape what it returns")
        self.epsilon = max(self.epsilon, float(np.finfo(array.dtype).eps))
        return np.ldexp(array.astype(float), -self.exponent)

    def check(self, rng):
        """⟨u, Jv⟩ = ⟨Jᵀu, v⟩ for random u, v, and both the same when asked again."""
        v, u = rng.standard_normal(self.products.size), rng.standard_normal(self.rows)
        self.exponent = int(np.frexp(np.abs(self.forward(v)).max())[1])
        along, back = self.forward(v), self.backward(u)
        scale = np.linalg.norm(along) * np.linalg.norm(u) + np.linalg.norm(back) * np.linalg.norm(v)
        again = np.abs(self.forward(v) - along).max() <= 1e-4 * np.abs(along).max()
        if abs(np.vdot(u, along) - back @ v) > 1e-4 * scale or not again:
            raise ValueError("vjp must be the transpose of jvp, got other products; both must use all n examples, the "
                             "same at each call (no dropout, no batch normalisation in training mode)")

    def given_blocks(self, rng):
        """J_i J_iᵀ (n, k, k) as given, its largest and least held against products; None if it was not given."""
        blocks, (n, k) = self.products.blocks, self.rows
        if blocks is None:
            return None
        if callable(blocks):
            parts = (self._rows(first, min(first + _AT_A_TIME, n)) for first in range(0, n, _AT_A_TIME))  # not kept
            blocks = np.concatenate([part @ part.swapaxes(1, 2) for part in parts])
        else:
            blocks = np.ldexp(blocks, -2 * self.exponent)
        sizes = np.trace(blocks, axis1=1, axis2=2)
        for one in {int(sizes.argmax()), int(sizes.argmin())}:
            u = np.zeros(self.rows)
            u[one] = rng.standard_normal(k)
            wanted, found = float(np.square(self.backward(u)).sum()), float(u[one] @ blocks[one] @ u[one])
            if not abs(found - wanted) <= 1e-3 * wanted + self.epsilon * sizes.max() * np.vdot(u, u):
                raise ValueError(f"blocks must be J_i J_iᵀ of the products, got {found / (wanted or 1):.4g} times that "
                                 f"for example {one}; divide rows by nothing, and put batch normalisation and dropout "
                                 "in evaluation mode")
        return blocks

    def _rows(self, first, last):
        shape = (last - first, self.products.outputs, self.products.size)
        rows = _checks.real(self.products.blocks(first, last), "what blocks returns").astype(float)
        if rows.shape not in (shape, shape[:1] + shape[2:] if shape[1] == 1 else shape):
            raise ValueError(f"blocks must return rows {shape}, got {rows.shape}; give one gradient per output")
        return np.ldexp(rows.reshape(shape), -self.exponent)
