r"""What is compared: a case is one model with one set of parameters and data, and all that should come out.

Tolerances. The deviation allowed at an expected value is

.. math:: \text{tolerance} = r\,(\max|\text{expected}| + K), \qquad r = 10^{-9}\ (10^{-4}\ \text{for float32})

where the maximum is over the whole array (for trajectories: over one iterate)
and K is the measured condition: the largest change of the value, over three
fixed patterns of signs, when every number of the input is changed by a relative
2⁻²⁰, divided by 2⁻²⁰; for derived scalars r is 1e-8, since eigenvalues of
operators come from iterations. A backward stable program errs by about K times the unit
roundoff (1.1e-16, or 6e-8), so that r leaves some 10⁶ (or 10³) of them for sums
in another order. Cases whose point is a tie are exact in binary arithmetic in
any order; their K is 0. Where large terms cancel in every result, as in the
cross-entropy of huge margins, their size is added in the bracket.
"""

import functools
from dataclasses import dataclass, field

import numpy as np

from refimpl.testing._numbers import Numbers

STATIC = ("predict", "losses", "loss", "gradient", "hvp")
PATHS = ("sgd", "descend", "train")  # functions that return iterates, or the last one
_STEP = 2.0**-20
RELATIVE = {"float64": 1e-9, "float32": 1e-4, "scalar": 1e-8}


@dataclass(frozen=True)
class Expected:
    """One expected value.

    Attributes
    ----------
    value : ndarray
    tolerance : ndarray or float
        Largest absolute deviation that passes; broadcasts to `value`.
    arguments : dict
        What the function under test gets by keyword, beyond the leading arguments.
    """

    value: np.ndarray
    tolerance: object
    arguments: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """One model with parameters, data and everything that should come out.

    Attributes
    ----------
    name : str
        ``"Model/what"``, unique and stable.
    model : str
        Name of the model.
    settings : dict
        Keyword arguments that construct the model.
    w, x, y, v : ndarray or None
        Parameters, examples, labels (None for models without) and the
        direction of the Hessian-vector product.
    expected : dict of str to Expected
        By quantity: ``predict``, ``losses`` (one for each example), ``loss``,
        ``gradient``, ``hvp``, then algorithms and scalars, such as
        ``sgd:noise`` or ``critical_lr:B1``; what follows the colon only tells
        several of a kind apart.
    note : str
        What is hard about it, and the convention that is meant.
    dtype : str
        ``"float64"`` or ``"float32"``: the type of `w`, `x`, `y` and `v`.
        Expected values are always computed in float64.
    exact : bool
        Whether all numbers are such that sums are exact in any order.
    """

    name: str
    model: str
    settings: dict
    w: np.ndarray
    x: np.ndarray
    y: np.ndarray | None
    v: np.ndarray | None
    expected: dict = field(repr=False)
    note: str = ""
    dtype: str = "float64"
    exact: bool = False

    def leading(self, quantity):
        """The arguments that come first, by position, for a quantity."""
        function = function_of(quantity)
        if function == "predict":
            return (self.w, self.x)
        if function == "hvp":
            return (self.w, self.x, self.y, self.v)
        if function in STATIC + PATHS:
            return (self.w, self.x, self.y)
        return ()


def function_of(quantity):
    """Name of the function that computes a quantity: what stands before the colon."""
    return quantity.split(":")[0]


def tolerance(compute, inputs, *, relative, exact=False, scale=0.0, per_step=False):
    """(value, tolerance) of ``compute(*inputs)``; of the inputs, arrays or None, only real arrays are disturbed."""
    value = np.asarray(compute(*inputs), dtype=float)
    axes = tuple(range(1, value.ndim)) if per_step else None
    size = np.abs(value).max(axis=axes, keepdims=True)
    condition = np.zeros_like(size)
    if not exact:
        for pattern in range(3):
            moved = compute(*(_disturbed(part, pattern, place) for place, part in enumerate(inputs)))
            change = np.abs(np.asarray(moved, dtype=float) - value).max(axis=axes, keepdims=True) / _STEP
            condition = np.maximum(condition, change)
    allowed = relative * (size + condition + scale)
    return value, allowed if per_step else float(allowed.reshape(()))


def _disturbed(part, pattern, place):
    if part is None or part.dtype.kind != "f":
        return part
    return part * (1 + _STEP * _signs(pattern, place, part.size)).reshape(part.shape)


@functools.lru_cache(maxsize=256)
def _signs(pattern, place, count):
    """Signs of a pattern; the last turns every other sign of the first, so that no two neighbours always agree."""
    if pattern == 2:
        return _signs(0, place, count) * (-1.0) ** np.arange(count)
    return Numbers(f"condition {pattern} {place}").sign(count)
