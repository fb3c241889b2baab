"""What is compared: a case is one model with one set of parameters and data, and all that should come out."""

from dataclasses import dataclass, field

import numpy as np

from refimpl.testing._tolerances import RELATIVE

STATIC = ("predict", "losses", "loss", "gradient", "hvp")
PATHS = ("sgd", "descend", "train")  # functions that return iterates, or the last one


def function_of(quantity):
    """Name of the function that computes a quantity: what stands before the colon."""
    return quantity.split(":")[0]


@dataclass(frozen=True)
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
    relative: float = RELATIVE["float64"]

    def __hash__(self):
        return hash(self.value.tobytes())


@dataclass(frozen=True, repr=False)
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
        settings = (f"{name}={value!r}" for name, value in self.settings.items())
        shapes = (f"{part} {getattr(getattr(self, part), 'shape', None)}" for part in "wxyv")
        return f"Case({', '.join((repr(self.name), self.dtype, *settings, *shapes))})"

    def __hash__(self):
        return hash((self.name, self.w.tobytes()))


def leading_names(quantity):
    """Names of the arguments that come first, by position, for a quantity."""
    function = function_of(quantity)
    if function == "predict":
        return ("w", "x")
    if function == "hvp":
        return ("w", "x", "y", "v")
    return ("w", "x", "y") if function in STATIC + PATHS else ()
