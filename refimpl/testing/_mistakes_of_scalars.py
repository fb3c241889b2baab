"""What comes out of a derived scalar with each known mistake built in."""

from itertools import combinations

import numpy as np

from refimpl.testing import _mistake_names as name
from refimpl.testing._case import function_of

RATES = ("critical_lr", "almost_sure_lr", "crossover_lr")  # scale as 1/curvature, so a missing ½ halves them
CURVATURES = ("sharpness", "non_uniformity")
_POWER = {"hessians": 1.0, "curvatures": 1.0, "factors": 0.5, "x": 0.5}  # of a factor on the data, as curvature


def of_scalar(entry, case, quantity, inputs):
    """{(cause, variant): the value with that mistake}."""
    value, function = case.expected[quantity].value, function_of(quantity)
    derived = entry.scalars(inputs)[quantity]
    doubled, halved = {True: (name.RATE_DOUBLED, name.RATE_HALVED)}.get(function in RATES, (
        name.CURVATURE_DOUBLED, name.CURVATURE_HALVED) if function in CURVATURES else (name.FACTOR_2, name.FACTOR_HALF))
    found = {(doubled, 0): lambda: 2 * value, (halved, 0): lambda: value / 2, (name.SIGN, 0): lambda: -value,
             (name.SQUARED, 0): lambda: value**2, (name.ROOTED, 0): lambda: np.sqrt(value),
             (name.RECIPROCAL, 0): lambda: 1 / value}
    found |= _of_sampling(derived, case) | _of_step(derived) | _of_curvature(function, case, inputs, entry)
    data = derived.data
    for first, second in combinations([key for key, part in data.items() if np.ndim(part) == 0], 2):
        exchanged = data | {first: data[second], second: data[first]}
        found[name.EXCHANGED.format(first, second), 0] = _of_data(derived, exchanged)
    return found


def _of_data(derived, data, **options):
    return lambda: derived.function(*data.values(), **(derived.options | options))


def _of_sampling(derived, case):
    data, options, found = derived.data, derived.options, {}
    power, n = _POWER.get(next(iter(data))), len(case.x)
    if power:                                    # Hessians scale with the square of factors and of examples
        for cause, factor in ((name.SUM, n**power), (name.TWICE, n**-power)):
            found[cause, 0] = _of_data(derived, {key: factor * part for key, part in data.items()})
    if "replacement" in options:
        found |= {(name.REPLACEMENT, 0): _of_data(derived, data, replacement=not options["replacement"]),
                  (name.REPLACEMENT_IGNORED, 0): _of_data(derived, data, replacement=False),
                  (name.REPLACEMENT_ALWAYS, 0): _of_data(derived, data, replacement=True)}
    return found | {(name.BATCH_ONE, 0): _of_data(derived, data, batch_size=1),
                    (name.BATCH_WHOLE, 0): _of_data(derived, data, batch_size=n)}


def _of_step(derived):
    """What a limit with momentum is when a part of the step is left out, or (1 − μ)g feeds the velocity."""
    options, data = derived.options, derived.data
    found = {(cause, 0): _of_data(derived, data, **{part: 0.0})
             for part, cause in (("momentum", name.MOMENTUM_IGNORED), ("weight_decay", name.DECAY_IGNORED),
                                 ("dampening", name.DAMPENING_IGNORED)) if options.get(part)}
    if options.get("momentum"):
        if options.get("nesterov"):
            found[name.MOMENTUM_IGNORED, 0] = _of_data(derived, data, momentum=0.0, nesterov=False)
            found[name.NESTEROV_IGNORED, 0] = _of_data(derived, data, nesterov=False)
        else:
            found[name.MOMENTUM_DAMPED, 0] = _of_data(derived, data, dampening=options["momentum"])
            if not options.get("dampening"):
                found[name.NESTEROV, 0] = _of_data(derived, data, nesterov=True)
    if options.get("weight_decay"):
        found[name.DECAY_DOUBLE, 0] = _of_data(derived, data, weight_decay=2 * options["weight_decay"])
        found[name.DECAY_HALF, 0] = _of_data(derived, data, weight_decay=options["weight_decay"] / 2)
    return found


def _of_curvature(function, case, inputs, entry):
    """The eigenvalue of largest size, where the Hessian of a net has negative ones."""
    if function != "sharpness" or "w" not in case.expected[
            next(key for key in case.expected if function_of(key) == function)].arguments:
        return {}
    model = entry.make(**inputs.settings)

    def largest():
        basis = np.eye(inputs.w.size)
        hessian = np.array([model.hvp(inputs.w, inputs.x, inputs.y, v) for v in basis])
        values = np.linalg.eigvalsh((hessian + hessian.T) / 2)
        return max(abs(values[0]), abs(values[-1]))

    return {(name.LARGEST_SIZE, 0): largest}
