"""What the kit knows of a model: how to make it, its data, its hard cases, its algorithms and scalars."""

from dataclasses import dataclass, field, replace
from collections.abc import Callable

import numpy as np


@dataclass(frozen=True)
class Inputs:
    """Settings, parameters and data of one case, before anything is computed.

    `exact` says that sums are exact in any order, `scale` is the size of terms
    that cancel in every result, if any do.
    """

    settings: dict
    w: np.ndarray
    x: np.ndarray
    y: np.ndarray | None
    exact: bool = False
    note: str = ""
    scale: float = 0.0

    def change(self, **parts):
        """The same with some parts replaced."""
        return replace(self, **parts)


@dataclass(frozen=True)
class Derived:
    """A value beyond the model's own methods: ``function(*data.values(), **options)``.

    The function under test gets `data` and `options` by keyword; `data` are
    the numbers and arrays whose disturbance measures the condition. What is an
    approximation promises an absolute `error`, or a `share` of the value.
    """

    function: Callable
    data: dict
    options: dict = field(default_factory=dict)
    error: float = 0.0
    share: float = 0.0


@dataclass(frozen=True)
class Entry:
    """One row of the table of models.

    Attributes
    ----------
    make : callable
        ``make(**settings)`` is the model.
    draw : callable
        ``draw(numbers, **size)`` gives `Inputs` from a stream of `Numbers`.
    sizes : dict of str to dict
        Named sizes, from the smallest up.
    ranges : dict of str to tuple or list
        For random instances: least and largest of a size, or a list of choices.
    hard : dict of str to callable
        ``hard[name](numbers)`` gives `Inputs`.
    single : tuple of str
        Hard cases that come in float32 as well: ties and margins.
    lr : float
        A rate at which short runs are neither frozen nor chaotic.
    big_lr : float or None
        A rate at which gradient descent on the first size diverges to 1e100 within 50 steps.
    scalars : callable
        ``scalars(inputs)`` gives {quantity: `Derived`}, from functions of `theory`.
    algorithms : callable
        ``algorithms(inputs)`` gives trajectories beside those of SGD,
        {quantity: (function, options)}: ``function(w, x, y, **options)``
        returns all iterates, and the function under test gets the same. A
        third entry computes the same by plain steps, faster.
    variants : callable
        Likely causes of the model's own: ``variants(model, inputs)`` gives
        {(cause, number): {quantity: function with that mistake}}.
    biases : callable
        ``biases(model)`` is 1 where a parameter is a bias, else 0; None without.
    loss : {"half-square", "square", "logistic", "cross-entropy", ""} or callable
        What an example's loss is of the model's output, or a function of the
        settings that says it.
    """

    make: Callable
    draw: Callable
    sizes: dict
    ranges: dict
    hard: dict = field(default_factory=dict)
    single: tuple = ()
    lr: float = 0.125
    big_lr: float | None = None
    scalars: Callable = lambda inputs: {}
    algorithms: Callable = lambda inputs: {}
    variants: Callable = lambda model, inputs: {}
    biases: Callable = lambda model: None
    loss: object = ""
