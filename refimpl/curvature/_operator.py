"""Curvature at a point as products with vectors, which is all that the estimates need."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from refimpl.curvature._products import vector
from theory import _checks


@dataclass(frozen=True, eq=False)
class Operator:
    r"""Curvature of a mean loss at a point, as two products with a vector.

    What a product returns may be an array, or a tensor of PyTorch or JAX on
    any device (a CUDA tensor is copied by ``.cpu()``), of float32 or float64.

    Attributes
    ----------
    size : int
        Number of parameters P.
    product : callable
        v (P,) ↦ H v = (1/n) Σ H_i v, shape (P,): of one point and one fixed
        set of examples, the same at each call.
    square_product : callable, optional
        v (P,) ↦ (1/n) Σ H_i (H_i v), shape (P,); `non_uniformity` needs it.
    dtype : dtype
        Of the vectors v (NumPy arrays) that the products are given: float64,
        or float32 where the model holds float32 parameters.
    blocks : dict of str to slice
        Names of blocks of parameters, for `block`.
    """

    size: int
    product: Callable
    square_product: Callable | None = None
    dtype: type = np.float64
    blocks: dict = field(default_factory=dict, repr=False)
    _examples: tuple | None = field(default=None, repr=False)  # (example_product, n, block) of `from_examples`

    def __post_init__(self):
        _checks.whole(self.size, "size")
        for name in ("product", "square_product"):
            if not (callable(getattr(self, name)) or (name == "square_product" and self.square_product is None)):
                raise ValueError(f"{name} must be a function of one vector, got {getattr(self, name)!r}; give v -> H v")
        if not isinstance(self.blocks, dict):
            raise ValueError(f"blocks must be a dict of names to slices, got {self.blocks!r}; leave it out for none")
        if self.dtype not in (np.float32, np.float64, "float32", "float64"):
            raise ValueError(f"dtype must be float32 or float64, got {self.dtype!r}; choose one of them")

    def block(self, chosen):
        r"""The operator of one block of parameters, the others held fixed: rows and columns of H.

        Parameters
        ----------
        chosen : slice, str or sequence of str
            A slice of the flat parameters, or names in `blocks`.

        Returns
        -------
        Operator
            On the vectors of the block alone. It has a `square_product`, of
            the blocks of the H_i, if it comes from `from_examples`.

        Raises
        ------
        ValueError
            If a name is not known or the block is empty.

        Examples
        --------
        >>> import numpy as np
        >>> from refimpl.curvature import Operator, sharpness
        >>> hessian = np.diag([1.0, 2.0, 5.0])
        >>> float(sharpness(Operator(3, lambda v: hessian @ v).block(slice(0, 2))))
        2.0
        """
        places = self._places(chosen)
        kept = len(places)
        if self._examples is not None:
            example_product, n, block = self._examples

            def part(v, first, last):
                whole = np.zeros((*np.shape(v)[:-1], self.size), np.asarray(v).dtype)
                whole[..., places] = v
                found = vector(example_product(whole, first, last), (last - first, self.size), "example_product")
                return found[:, places]

            return Operator.from_examples(part, kept, n, block, dtype=self.dtype)

        def product(v):
            whole = np.zeros(self.size, v.dtype)
            whole[places] = v
            return vector(self.product(whole), (self.size,), "source.product")[places]

        return Operator(kept, product, dtype=self.dtype)

    def _places(self, chosen):
        if isinstance(chosen, slice):
            parts = [chosen]
        else:
            names = list(chosen) if isinstance(chosen, (list, tuple)) else [chosen]
            unknown = [name for name in names if not isinstance(name, str) or name not in self.blocks]
            if unknown or len(set(names)) < len(names):
                known = ", ".join(map(str, self.blocks)) or "none"
                raise ValueError(f"chosen must name blocks once each among {known}, got {chosen!r}; give a slice, or "
                                 "Operator(…, blocks={name: slice})")
            parts = [self.blocks[name] for name in names]
        places = np.concatenate([np.arange(self.size)[part] for part in parts] or [np.arange(0)])
        if not len(places):
            raise ValueError(f"chosen must hold at least one of the {self.size} parameters, got {chosen!r}; widen it")
        return places

    @classmethod
    def from_examples(cls, example_product, size, n, block=16, *, dtype=np.float64, blocks=None):
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
        dtype, blocks
            As for `Operator`.

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
            return vector(example_product(v, first, last), (last - first, size), "example_product")

        def product(v):
            return sum(ask(v, first).sum(axis=0) for first in range(0, n, block)) / n

        def square_product(v):
            return sum(ask(np.array(ask(v, first)), first).sum(axis=0) for first in range(0, n, block)) / n

        return cls(size, product, square_product, dtype, dict(blocks or {}), (example_product, n, block))


def operator(model, w, x, y=None, *, curvature="hessian"):
    """The `Operator` of a model at one point w (P,).

    Parameters
    ----------
    model : model
        With ``hvp(w, x, y, v)``. Where it has ``linearize`` (as `MLP`) all
        products share one forward and backward pass; else mean H_i(H_i v) is
        taken by treating examples as replicas, 16 at a time.
    w : array_like (P,)
        The point; also a tensor of PyTorch or JAX, as `x` and `y` are.
    x, y : array_like (n, …)
        Examples and labels as the model takes them.
    curvature : {"hessian", "gauss-newton"}
        "gauss-newton" needs a model with ``linearize``.

    Returns
    -------
    Operator
        With float32 vectors where `w` is float32, and the model's ``blocks``
        (for `MLP` W0, b0, W1, …) as names.

    Raises
    ------
    ValueError
        If w is not one flat vector, a tensor requires grad, or the model
        lacks what is needed.
    """
    _checks.one_of(curvature, "curvature", ("hessian", "gauss-newton"))
    w = _checks.shaped(w, "w", (None,))
    x = _checks.real(x, "x")
    y = None if y is None else _checks.array(y, "y")
    blocks = getattr(model, "blocks", {})
    if hasattr(model, "linearize"):
        point, name = model.linearize(w, x, y), curvature.replace("-", "_")
        return Operator(len(w), getattr(point, f"{name}_product"), getattr(point, f"{name}_square_product"), w.dtype,
                        blocks)
    if curvature == "gauss-newton":
        raise ValueError(f"curvature='gauss-newton' needs a model with linearize, got {type(model).__name__}; "
                         "use 'hessian'")

    def example_product(v, first, last):
        labels = None if y is None else y[first:last, None]
        return model.hvp(w, x[first:last, None], labels, np.broadcast_to(v, (last - first, len(w))))

    examples = Operator.from_examples(example_product, len(w), len(x), dtype=w.dtype, blocks=blocks)
    return replace(examples, product=lambda v: model.hvp(w, x, y, v))


def as_operator(source, w, x, y, curvature):
    """What the estimates take as their first arguments, a model at a point or an `Operator`, as an `Operator`."""
    _checks.one_of(curvature, "curvature", ("hessian", "gauss-newton"))
    if isinstance(source, Operator):
        if w is not None or x is not None or y is not None:
            raise ValueError("source is an Operator, which holds its point and data already; leave out w, x and y")
        return source
    if w is None or x is None:
        raise ValueError(f"w and x must be given with a model ({type(source).__name__}) as source, got None; give "
                         "them, or an Operator")
    return operator(_checks.having(source, "source", "hvp"), w, x, y, curvature=curvature)


def units(size):
    """The unit vectors, one after another."""
    unit = np.zeros(size)
    for i in range(size):
        unit[i] = 1
        yield unit.copy()
        unit[i] = 0
