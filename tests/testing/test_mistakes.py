"""The recomputed mistakes agree with each other: the derivatives of a wrong loss are as wrong as it is."""

import numpy as np
import pytest

from refimpl.testing import _mistake_names as cause, models
from refimpl.testing._case import function_of
from refimpl.testing._cases import MODELS, shared
from refimpl.testing._mistakes import in_double, of_model
from refimpl.testing._portable_numbers import Numbers
from refimpl.testing._trajectories import iterates

pytestmark = pytest.mark.chance("exact")

BACKWARD = {    # backward alone: the gradient is so many times that of the model
    (cause.WIDTH, 1): lambda model, x: model.width, (cause.PATCHES, 1): lambda model, x: 1 / x.shape[1],
    (cause.ROOT_WIDTH_BACK, 0): lambda model, x: np.sqrt(model.width) if hasattr(model, "width") else np.sqrt(
        np.repeat([model.w_width, model.v_width], [model.w_width, model.v_width]))[:, None]}

UNSEEN = (cause.LABELS_IGNORED, cause.LABELS_01)    # by a logistic loss's second derivative, made for labels of ±1


def slope(function, w, v, step=2.0**-14):
    """Derivative of a function of w along v, by differences of fourth order."""
    def at(t):
        return np.asarray(function(w + t * step * v), dtype=float)
    return (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * step)


def instance(name):
    """(model, inputs, direction) of the second size: no two dimensions of it are equal where that would hide a slip."""
    entry, numbers = MODELS[name], Numbers(f"mistakes of {name}")
    inputs = entry.draw(numbers, **list(entry.sizes.values())[1])
    return entry.make(**inputs.settings), inputs, numbers.real(*inputs.w.shape)


@pytest.mark.parametrize("name", models())
def test_a_wrong_model_is_wrong_consistently(name):
    """Its gradient is that of its loss, its product with the Hessian that of its gradient, its loss their mean."""
    model, inputs, v = instance(name)
    x, y = inputs.x, inputs.y
    tried = 0
    for key, found in of_model(MODELS[name], inputs).items():
        if key in BACKWARD:
            factor = BACKWARD[key](model, x)
            np.testing.assert_allclose(found["gradient"](inputs.w, x, y), factor * model.gradient(inputs.w, x, y))
            np.testing.assert_allclose(found["hvp"](inputs.w, x, y, v), factor * model.hvp(inputs.w, x, y, v))
        if "gradient" not in found or key in BACKWARD or key in {(cause.KINK_HALF, 0), (cause.TRANSPOSED, 1)}:
            continue
        gradient = found["gradient"](inputs.w, x, y)
        along = slope(lambda w: found["loss"](w, x, y), inputs.w, v)
        np.testing.assert_allclose((gradient * v).sum(), along, rtol=1e-8, err_msg=str(key))
        if "hvp" in found and not (name == "TwoLayerReLU" and key[0] in UNSEEN):
            bend = slope(lambda w: found["gradient"](w, x, y), inputs.w, v)
            np.testing.assert_allclose(found["hvp"](inputs.w, x, y, v), bend, rtol=1e-6, atol=1e-8, err_msg=str(key))
        if "losses" in found and key[0] != cause.SUM:
            np.testing.assert_allclose(found["losses"](inputs.w, x, y).mean(), found["loss"](inputs.w, x, y))
        tried += 1
    assert tried >= 6


@pytest.mark.parametrize("name", models())
def test_plain_steps_make_the_runs_whose_condition_they_measure(name):
    case, entry = shared(name)[1], MODELS[name]
    algorithms, instance = entry.algorithms(in_double(case)), entry.make(**case.settings)
    tried = 0
    for quantity, each in case.expected.items():
        given = each.arguments
        if function_of(quantity) == "sgd":
            plain = iterates(instance, given)[1](case.w, case.x, case.y, given.get("noise"))
        elif function_of(quantity) == "train":
            plain = algorithms[quantity][2](case.w, case.x, case.y, **given)
        else:
            continue
        np.testing.assert_allclose(plain, each.value, rtol=1e-11, atol=1e-12, err_msg=quantity)
        tried += 1
    assert tried >= 18
