"""Laws of a model, each a function of (model, case) that raises AssertionError and names what breaks it.

A model is one of `refimpl`, a case one of `refimpl.testing.cases`. Which laws
apply is read off the case (its dtype, whether it lies on a tie) and the model
(whether it has second derivatives), never guessed from a shape.
"""

import inspect

import numpy as np

PASSES = ("predict", "loss", "gradient", "hvp")


def calls(model, case):
    """(name, method, arguments by name, whose order is that of the method) of every pass that the model has."""
    for name in PASSES:
        method = getattr(model, name, None)
        if method is not None:
            wanted = ("x", "y", "v") if name == "hvp" else ("x", "y") if name != "predict" else ("x",)
            first = next(iter(inspect.signature(method).parameters))
            yield name, method, {first: case.w} | {part: getattr(case, part) for part in wanted}


def gradient_is_the_derivative_of_the_loss(model, case):
    """Central differences along a fixed direction and along the gradient."""
    if case.dtype != "float64" or case.exact:
        return
    w, x, y = case.w, case.x, case.y
    gradient, loss = model.gradient(w, x, y), float(model.loss(w, x, y))
    for along in (_unit(np.cos(np.arange(1.0, w.size + 1)).reshape(w.shape)), _unit(gradient)):
        step = 1e-6 * (1 + np.abs(w).max())
        slope = (model.loss(w + step * along, x, y) - model.loss(w - step * along, x, y)) / (2 * step)
        found = np.vdot(gradient, along)
        allowed = 1e-5 * np.linalg.norm(gradient) + 1e-8 * (abs(loss) + 1e-3) / (1 + np.abs(w).max())
        assert abs(found - slope) <= allowed, f"{case.name}: ⟨gradient, v⟩ is {found!r}, the slope {slope!r}"


def hvp_is_the_derivative_of_the_gradient(model, case):
    """Central differences of the gradient along v, entry by entry."""
    if case.dtype != "float64" or case.exact or not hasattr(model, "hvp"):
        return
    w, x, y, v = case.w, case.x, case.y, _unit(case.v)
    step = 1e-6 * (1 + np.abs(w).max())
    turned = (model.gradient(w + step * v, x, y) - model.gradient(w - step * v, x, y)) / (2 * step)
    found, size = model.hvp(w, x, y, v), np.abs(model.gradient(w, x, y)).max()
    allowed = 1e-5 * np.abs(turned).max() + 1e-8 * (size + 1e-3) / (1 + np.abs(w).max())
    assert np.abs(found - turned).max() <= allowed, f"{case.name}: hvp {found!r}, change of the gradient {turned!r}"


def replicas_broadcast(model, case):
    """Parameters (2, 3, *P), and directions too, give what each gives alone."""
    if case.dtype != "float64":
        return
    factors = np.array([[1, 0.5, -1], [2, 0.25, -0.5]])
    stack = factors.reshape(2, 3, *(1,) * case.w.ndim) * case.w
    for name, method, given in calls(model, case):
        first = next(iter(given))
        moving = [{first: stack}]
        if name == "hvp":
            many = factors.reshape(2, 3, *(1,) * case.v.ndim) * case.v
            moving += [{"v": many}, {first: stack, "v": many}]
        for moved in moving:
            _equals_each_alone(case, name, method, given | moved, moved)


def _equals_each_alone(case, name, method, given, moved):
    together = method(**given)
    alone = [[method(**given | {part: value[i, j] for part, value in moved.items()}) for j in range(3)]
             for i in range(2)]
    assert np.shape(together) == np.shape(alone), (
        f"{case.name}: {name} of replicas of {' and '.join(moved)} has shape {np.shape(together)}, "
        f"wanted {np.shape(alone)}")
    allowed = 1e-9 * np.abs(alone).max() + 4 * case.expected[name].tolerance
    assert np.abs(together - np.array(alone)).max() <= allowed, f"{case.name}: {name} of replicas is not that of each"


def single_precision_stays(model, case):
    """float32 in, float32 out."""
    if case.dtype == "float32":
        for name, method, given in calls(model, case):
            found = np.asarray(method(**given)).dtype
            assert found == np.float32, f"{case.name}: {name} of float32 is {found}"


def lists_are_accepted(model, case):
    """Lists of numbers give what arrays of float64 give."""
    if case.dtype == "float64":
        for name, method, given in calls(model, case):
            listed = {part: None if value is None else value.tolist() for part, value in given.items()}
            assert np.array_equal(method(**listed), method(**given)), f"{case.name}: {name} of lists differs"


def inputs_are_not_changed(model, case):
    """Nothing is written into what was given."""
    for name, method, given in calls(model, case):
        own = {part: None if value is None else value.copy() for part, value in given.items()}
        method(**own)
        for part, value in own.items():
            assert value is None or np.array_equal(value, given[part]), f"{case.name}: {name} changed its {part}"


def wrong_arguments_are_refused(model, case):
    """Another number of parameters, coordinates, labels or replicas, labels as a column, a mask, text: ValueError by
    name."""
    for name, method, given in calls(model, case):
        first, *others = given
        for part in set(others) - ({"y"} if name == "hvp" else set()):      # of which some second derivatives have none
            if given[part] is not None:
                two, three = np.stack([given[first]] * 2), np.stack([given[part]] * 3)
                _refused(lambda: method(**given | {first: two, part: three}), first, f"{case.name}: {name} of replicas")
        for part, value in given.items():
            if value is not None:
                for fault, wrong in _wrong(part, value, model):
                    _refused(lambda: method(**given | {part: wrong}), part, f"{case.name}: {name} with {part} {fault}")


def _wrong(part, value, model):
    yield "masked", np.ma.masked_array(value, mask=np.arange(value.size).reshape(value.shape) == 0)
    yield "of text", "one"
    last = (*value.shape[:-1], value.shape[-1] + 1)
    if part != "x" or value.ndim > 1:                                        # one number per example may be any number
        yield "one longer", np.ones(last)
    if part == "y" and value.ndim == 1 and len(value) > 1:
        yield "a column", value[:, None]


def wrong_settings_are_refused(model, case):
    """A whole number that is negative, broken or text: ValueError by name."""
    for key, value in case.settings.items():
        if isinstance(value, int) and not isinstance(value, bool):
            for wrong in (-1, value + 0.5, "a"):
                _refused(lambda: type(model)(**case.settings | {key: wrong}), key, f"{case.name}: {key}={wrong!r}")


def _refused(call, name, what):
    try:
        call()
    except ValueError as error:
        message = str(error)
        assert message.startswith(name) and "must" in message and ", got " in message and "; " in message, (
            f"{what} is refused without argument, got, wanted and remedy: {message}")
    else:
        raise AssertionError(f"{what} is not refused")


def _unit(array):
    return array / (np.linalg.norm(array) or 1.0)


LAWS = (gradient_is_the_derivative_of_the_loss, hvp_is_the_derivative_of_the_gradient, replicas_broadcast,
        single_precision_stays, lists_are_accepted, inputs_are_not_changed, wrong_arguments_are_refused,
        wrong_settings_are_refused)
