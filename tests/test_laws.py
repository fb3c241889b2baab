"""Every law on every model and case; and each law catches a model that breaks it."""

from types import SimpleNamespace

import numpy as np
import pytest

from refimpl import testing
from refimpl.linear_stability import LinearRegression
from refimpl.testing._cases import MODELS
from tests import laws


@pytest.mark.parametrize("law", laws.LAWS, ids=lambda law: law.__name__)
@pytest.mark.parametrize("model", testing.models())
def test_law(model, law):
    for case in testing.cases(model):
        law(MODELS[model].make(**case.settings), case)


def broken(**changes):
    """Linear regression with some methods replaced."""
    right = LinearRegression(3)
    return SimpleNamespace(**{name: getattr(right, name) for name in laws.PASSES} | changes)


def of_one_replica(w, x, y, v):
    """The products of least squares as they were: nothing of the replicas of w."""
    return LinearRegression(3).hvp(v, x, y, v)


def in_place(w, x, y=None):
    x *= 2
    return LinearRegression(3).gradient(w, x / 2, y)


def unchecked(w, x, y=None):
    """NumPy as it comes: masks dropped, columns broadcast."""
    w, x, y = np.asarray(w), np.asarray(x), np.asarray(y)
    return np.einsum("n,nd->d", x @ w - y.reshape(-1)[:len(x)], x) / len(x)


RIGHT = LinearRegression(3)
WRONG = {
    laws.gradient_is_the_derivative_of_the_loss: broken(gradient=lambda w, x, y: 2 * RIGHT.gradient(w, x, y)),
    laws.hvp_is_the_derivative_of_the_gradient: broken(hvp=lambda w, x, y, v: RIGHT.hvp(w, x, y, v) * len(x)),
    laws.replicas_broadcast: broken(hvp=of_one_replica),
    laws.single_precision_stays: broken(gradient=lambda w, x, y: 1.0 * RIGHT.gradient(w, x, y).astype(float)),
    laws.lists_are_accepted: broken(predict=lambda w, x: RIGHT.predict(w, x) * (2 if isinstance(w, list) else 1)),
    laws.inputs_are_not_changed: broken(gradient=in_place),
    laws.wrong_arguments_are_refused: broken(gradient=unchecked),
}


@pytest.mark.parametrize("law", WRONG, ids=lambda law: law.__name__)
def test_each_law_catches_a_model_that_breaks_it(law):
    """And passes the same model whole, on the same cases."""
    cases = [case for case in testing.cases("LinearRegression")
             if case.settings == {"dim": 3} and case.y is not None and len(case.x) > 1]
    for case in cases:
        law(broken(), case)
    with pytest.raises(AssertionError, match="LinearRegression/"):
        for case in cases:
            law(WRONG[law], case)


def test_settings_that_are_not_looked_at_are_caught():
    class Careless:
        def __init__(self, dim):
            self.dim = dim

    case = next(case for case in testing.cases("LinearRegression"))
    with pytest.raises(AssertionError, match="dim=-1 is not refused"):
        laws.wrong_settings_are_refused(Careless(1), case)
