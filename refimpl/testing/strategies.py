"""Strategies of hypothesis that draw valid instances of the models, with everything that should come out.

    from hypothesis import given
    from refimpl.testing import check_model, strategies

    @given(strategies.instances("LinearRegression"))
    def test_mine(case):
        check_model(mine, "LinearRegression", cases=[case])

Needs hypothesis, which the package itself does not.
"""

import numpy as np

from refimpl.testing import _cases
from refimpl.testing._portable_numbers import Numbers
from refimpl.testing._wrong_steps import functions

_BESIDE = 2.0**-40      # a step that changes what is smooth by some 1e-12
_JUMP = 1e-8


def instances(model, dtype="float64"):
    """Random cases of a model: sizes, parameters, data, batches and noise.

    Parameters
    ----------
    model : str
        One of `refimpl.testing.models`.
    dtype : {"float64", "float32"}

    Returns
    -------
    hypothesis.strategies.SearchStrategy
        Of `refimpl.testing.Case`, without the algorithms that stop at a loss. Parameters and data are generic: without
        ties at a kink, where a value would depend on convention. They shrink
        towards small sizes, and towards examples that are all different.

    Raises
    ------
    ValueError
        If there is no such model.
    ImportError
        If hypothesis is not installed.
    """
    try:
        from hypothesis import assume, strategies as st
    except ImportError:
        raise ImportError("refimpl.testing.strategies needs hypothesis; install it, or use the fixed cases") from None
    entry = _cases.MODELS[_cases.known(model)]

    @st.composite
    def drawn(draw):
        size = {name: draw(st.sampled_from(values) if isinstance(values, list) else st.integers(*values))
                for name, values in entry.ranges.items()}
        kind = draw(st.sampled_from(("different", "repeated", "zero")))
        key = draw(st.integers(0, 2**32 - 1))
        inputs = entry.draw(Numbers(f"{model} {key}"), **size)
        _alter(inputs.x, kind)
        assume(not _tied(entry.make(**inputs.settings), inputs))
        return _cases.complete(model, f"{model}/drawn-{key}", inputs, dtype, thresholds=False)

    return drawn()


def _alter(x, kind):
    """The last example made the first again, or the second zero; what is the only one stays."""
    if kind == "repeated":
        x[-1] = x[0]
    if kind == "zero":
        x[1:2] = 0


def _tied(instance, inputs):
    """Whether the gradient or the product with the Hessian jumps at the parameters of `inputs`."""
    w, x, y = inputs.w, inputs.x, inputs.y
    along, compute = Numbers("beside").real(*w.shape), functions(instance)
    for name, extra in (("gradient", ()), ("hvp", (along,))):
        if name in compute:
            here, *beside = (compute[name](w + side * along, x, y, *extra) for side in (0.0, _BESIDE, -_BESIDE))
            if max(np.abs(other - here).max() for other in beside) > _JUMP * max(1.0, np.abs(here).max()):
                return True
    return False
