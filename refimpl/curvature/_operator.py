"""Curvature at a point as products with vectors, which is all that the estimates need."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from theory import _checks


@dataclass(frozen=True)
class Operator:
    r"""Curvature of a mean loss at a point, as two products with a vector.

    Attributes
    ----------
    size : int
        Number of parameters P.
    product : callable
        v (P,) ↦ H v = (1/n) Σ H_i v, shape (P,).
    square_product : callable, optional
        v (P,) ↦ (1/n) Σ H_i (H_i v), shape (P,); `non_uniformity` needs it.
    """

    size: int
    product: Callable
    square_product: Callable | None = None

    @classmethod
    def from_examples(cls, example_product, size, n, block=16):
        r"""Operator of per-example products from any framework, in blocks so that memory is O(block · P).

        Parameters
        ----------
        example_product : callable
            (v, first, last) ↦ H_i v for the examples i = first…last−1, shape
            (last − first, P); v is one vector (P,) for all of them, or one
            each, (last − first, P).
        size, n : int
            Parameters P and examples n.
        block : int
            Examples that are asked for at a time.

        Returns
        -------
        Operator

        Raises
        ------
        ValueError
            If a number is not positive, or a product has another shape.

        Examples
        --------
        >>> import numpy as np
        >>> from refimpl.network import Operator, sharpness
        >>> rows = np.array([[1.0, 0.0], [0.0, 2.0]])         # H_i = g_i g_iᵀ
        >>> product = lambda v, a, b: rows[a:b] * np.vecdot(rows[a:b], v)[:, None]
        >>> float(sharpness(Operator.from_examples(product, size=2, n=2)))
        2.0
        """
        size, n, block = (_checks.whole(value, name) for value, name in ((size, "size"), (n, "n"), (block, "block")))

        def ask(v, first):
            last = min(first + block, n)
            found = np.asarray(example_product(v, first, last))
            if found.shape != (last - first, size):
                raise ValueError(f"example_product must return shape {(last - first, size)} for examples "
                                 f"{first}…{last - 1}, got {found.shape}; put the examples first and "
                                 "flatten the parameters")
            return found

        def product(v):
            return sum(ask(v, first).sum(axis=0) for first in range(0, n, block)) / n

        def square_product(v):
            return sum(ask(ask(v, first), first).sum(axis=0) for first in range(0, n, block)) / n

        return cls(size, product, square_product)


def operator(model, w, x, y=None, *, curvature="hessian"):
    """The `Operator` of a model at one point w (P,).

    Parameters
    ----------
    model : model
        With ``hvp(w, x, y, v)``. Where it has ``linearize`` (as `MLP`) all
        products share one forward and backward pass; else mean H_i(H_i v) is
        taken by treating examples as replicas, 16 at a time.
    w : array_like (P,)
    x, y : array_like (n, …)
    curvature : {"hessian", "gauss-newton"}
        "gauss-newton" needs a model with ``linearize``.

    Returns
    -------
    Operator

    Raises
    ------
    ValueError
        If w is not one flat vector, or the model lacks what is needed.
    """
    _checks.one_of(curvature, "curvature", ("hessian", "gauss-newton"))
    w = _checks.shaped(w, "w", (None,))
    x = _checks.real(x, "x")
    y = None if y is None else np.asarray(y)
    if hasattr(model, "linearize"):
        point, name = model.linearize(w, x, y), curvature.replace("-", "_")
        return Operator(len(w), getattr(point, f"{name}_product"), getattr(point, f"{name}_square_product"))
    if curvature == "gauss-newton":
        raise ValueError(f"curvature='gauss-newton' needs a model with linearize, got {type(model).__name__}; "
                         "use 'hessian'")

    def example_product(v, first, last):
        labels = None if y is None else y[first:last, None]
        return model.hvp(w, x[first:last, None], labels, np.broadcast_to(v, (last - first, len(w))))

    examples = Operator.from_examples(example_product, len(w), len(x))
    return Operator(len(w), lambda v: model.hvp(w, x, y, v), examples.square_product)


def as_operator(source, w, x, y, curvature):
    """What the estimates take as their first arguments, a model at a point or an `Operator`, as an `Operator`."""
    if isinstance(source, Operator):
        if w is not None or x is not None or y is not None:
            raise ValueError("source is an Operator, which holds its point and data already; leave out w, x and y")
        return source
    if w is None or x is None:
        raise ValueError(f"w and x must be given with a model ({type(source).__name__}); give them, or an Operator")
    return operator(source, w, x, y, curvature=curvature)


def units(size):
    """The unit vectors, one after another."""
    unit = np.zeros(size)
    for i in range(size):
        unit[i] = 1
        yield unit.copy()
        unit[i] = 0
