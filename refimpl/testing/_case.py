"""What is compared: a case is one model with one set of parameters and data, and all that should come out."""

from dataclasses import dataclass, field

import numpy as np

STATIC = ("predict", "losses", "loss", "gradient", "hvp")
PATHS = ("sgd", "descend", "train")  # functions that return iterates, or the last one


def function_of(quantity):
    """Name of the function that computes a quantity: what stands before the colon."""
    return quantity.split(":")[0]


@dataclass(frozen=True, eq=False)
class Expected:
    """One expected value.

    Attributes
    ----------
    value : ndarray
    tolerance : ndarray or float
        Largest absolute deviation that passes; broadcasts to `value`.
    arguments : dict
        What the function under test gets by keyword, beyond the leading
        arguments; batches of unequal size are a tuple of arrays, which it gets
        as a list.
    relative : float
        r, the share of (largest entry + condition) that `tolerance` is.
    """

    value: np.ndarray
    tolerance: object
    arguments: dict = field(default_factory=dict)
    relative: float = 1e-9

    def __eq__(self, other):
        return _plain(self) == _plain(other) if isinstance(other, Expected) else NotImplemented

    def __hash__(self):
        return hash(_plain(self))


@dataclass(frozen=True, eq=False, repr=False)
class Case:
    """One model with parameters, data and everything that should come out.

    Cases compare by all their numbers, and hash.

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
        ``"float64"`` or ``"float32"``: the type of `w`, `x`, `y`, `v` and of
        every real array among the arguments. Expected values are always
        computed in float64.
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
    expected: dict
    note: str = ""
    dtype: str = "float64"
    exact: bool = False

    def leading(self, quantity):
        """The arguments that come first, by position, for a quantity."""
        return tuple(getattr(self, name) for name in leading_names(quantity))

    def __repr__(self):
        """A screen at most: the name, which draws everything again, the settings and the shapes."""
        settings = ", ".join(f"{name}={value!r}" for name, value in self.settings.items())
        shapes = ", ".join(f"{part} {'none' if value is None else value.shape}"
                           for part, value in zip("wxyv", (self.w, self.x, self.y, self.v)))
        note = f", note={self.note!r}" if self.note else ""
        return f"Case({self.name!r}, {self.dtype}, {settings or 'no settings'}, {shapes}{note})"

    def __eq__(self, other):
        return _plain(self) == _plain(other) if isinstance(other, Case) else NotImplemented

    def __hash__(self):
        return hash((self.name, self.dtype, _plain(self.w), _plain(self.x)))


def leading_names(quantity):
    """Names of the arguments that come first, by position, for a quantity."""
    function = function_of(quantity)
    if function == "predict":
        return ("w", "x")
    if function == "hvp":
        return ("w", "x", "y", "v")
    return ("w", "x", "y") if function in STATIC + PATHS else ()


def copied(case):
    """A case that shares nothing with `case` that can be changed."""
    def copy(value):
        if isinstance(value, np.ndarray):
            return value.copy()
        if isinstance(value, tuple):
            return tuple(map(copy, value))
        return {key: copy(part) for key, part in value.items()} if isinstance(value, dict) else value

    expected = {key: Expected(copy(each.value), copy(each.tolerance), copy(each.arguments), each.relative)
                for key, each in case.expected.items()}
    return Case(case.name, case.model, copy(case.settings), *(copy(part) for part in case.leading("hvp")),
                expected=expected, note=case.note, dtype=case.dtype, exact=case.exact)


def _plain(value):
    """Nested tuples that compare and hash, number by number."""
    if isinstance(value, np.ndarray):
        return (str(value.dtype), value.shape, value.tobytes())
    if isinstance(value, dict):
        return tuple((key, _plain(part)) for key, part in value.items())
    if isinstance(value, (Case, Expected)):
        return _plain(vars(value))
    if isinstance(value, np.generic):    # which would compare with each part of a tuple
        return value.item()
    return tuple(_plain(part) for part in value) if isinstance(value, (list, tuple)) else value
