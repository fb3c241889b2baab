"""The likely causes that the kit knows: their names, and what comes out with each built in."""

import numpy as np

from refimpl.testing._case import PATHS, STATIC, function_of
from refimpl.testing._entry import Inputs
from refimpl.testing._loop import functions, iterate

FACTOR_2 = "a factor 2 too many (a ½ is missing, or a 2 is there twice)"
FACTOR_HALF = "a factor ½ too many (a ½ that does not belong, or the 2 of the square's derivative is missing)"
SUM = "sum over the examples instead of their mean (1/n or 1/B is missing)"
TWICE = "divided by the number of examples twice"
BESSEL = "divided by n − 1 instead of n"
WHOLE_SET = "divided by the size of the whole set instead of the batch"
SIGN = "the sign is reversed"
WIDTH = "the 1/m of the output is missing (sum over the neurons instead of their mean)"
ROOT_WIDTH = "the 1/√m of the output weights is missing"
TRANSPOSED = "transposed weights"
TRANSPOSED_DATA = "transposed examples (x of shape (n, d) read as (d, n))"
LABELS_IGNORED = "the labels are ignored"
LABELS_NEGATED = "the labels have the wrong sign"
REPLACEMENT = "sampling with and without replacement are exchanged"
COLLAPSED = "batches with replacement treated as without: an example drawn twice counts once"
INDICES_IGNORED = "the index arrays are ignored: every step uses all examples"
NOISE_SIGN = "the sign of the noise is reversed (it is added to the gradient, so the weights get −ηξ)"
NOISE_RATE = "the noise is not multiplied by the learning rate"
NOISE_IGNORED = "the noise is left out"
DECAY_UPDATED = "weight decay is applied to the updated weights instead of to those before the step"
DECAY_RATE = "weight decay is not multiplied by the learning rate"
DECAY_DOUBLE = "a factor 2 too many in the weight decay"
DECAY_IGNORED = "weight decay is left out"
MOMENTUM_IGNORED = "momentum is left out"
SCHEDULE_IGNORED = "the first learning rate is used throughout"
PATCHES = "mean over the patches instead of their sum"
OUTPUTS = "mean over the outputs instead of their sum"
KINK = "the derivative of the ReLU at 0 is taken as 1 (the convention here is 0)"
SQUARED = "a square root is missing"
PRECISION = "single precision: float64 was given and float32 came back"


def mistakes(entry, case, quantity):
    """{(cause, variant): function that recomputes the quantity with the mistake}."""
    function = function_of(quantity)
    if function in STATIC:
        return {key: (lambda compute=found[function]: compute(*case.leading(quantity)))
                for key, found in _of_model(entry, case).items() if function in found}
    if function == "sgd":
        return _of_sgd(entry, case, quantity)
    return _of_path(entry, case, quantity) if function in PATHS else _of_scalar(entry, case, quantity)


def _of_model(entry, case):
    """{(cause, variant): the model's functions with the mistake}; each takes w, x, y as the right one does."""
    model = entry.make(**case.settings)
    right = functions(model)

    def scaled(factor, quantities=STATIC):
        return {name: (lambda *given, compute=compute: factor(len(given[1])) * compute(*given))
                for name, compute in right.items() if name in quantities}

    def given(change):
        return {name: (lambda *arguments, compute=compute: compute(*change(*arguments)))
                for name, compute in right.items()}

    averaged = ("loss", "gradient", "hvp")
    found = {
        (FACTOR_2, 0): scaled(lambda n: 2),
        (FACTOR_HALF, 0): scaled(lambda n: 0.5),
        (SUM, 0): scaled(lambda n: n, averaged),
        (TWICE, 0): scaled(lambda n: 1 / n, averaged),
        (BESSEL, 0): scaled(lambda n: n / (n - 1) if n > 1 else np.inf, averaged),
        (SIGN, 0): scaled(lambda n: -1),
    }
    if case.y is not None and case.y.dtype.kind == "f":
        found[LABELS_IGNORED, 0] = given(lambda w, x, *rest: (w, x, *(0 * y for y in rest[:1]), *rest[1:]))
        found[LABELS_NEGATED, 0] = given(lambda w, x, *rest: (w, x, *(-y for y in rest[:1]), *rest[1:]))
    if case.x.ndim == 2 and len(case.x) == case.x.shape[1]:
        found[TRANSPOSED_DATA, 0] = given(lambda w, x, *rest: (w, x.T, *rest))
    for key, wrong in entry.variants(model, Inputs(case.settings, case.w, case.x, case.y)).items():
        found[key] = wrong
    return found


def _of_sgd(entry, case, quantity):
    arguments = case.expected[quantity].arguments
    gradient = functions(entry.make(**case.settings))["gradient"]

    def run(gradient=gradient, x=case.x, **changes):
        return lambda: iterate(gradient, case.w.astype(float), x, case.y, **(arguments | changes))

    found = {key: run(wrong["gradient"]) for key, wrong in _of_model(entry, case).items() if "gradient" in wrong}
    if found.pop((TRANSPOSED_DATA, 0), None):
        found[TRANSPOSED_DATA, 0] = run(x=case.x.T)
    lr, indices = arguments["lr"], arguments["indices"]
    whole = len(case.x)
    found[WHOLE_SET, 0] = run(lambda w, x, y: gradient(w, x, y) * len(x) / whole)
    found[COLLAPSED, 0] = run(indices=[np.unique(batch) for batch in indices])
    found[INDICES_IGNORED, 0] = run(indices=np.tile(np.arange(whole), (len(lr), 1)))
    found[SCHEDULE_IGNORED, 0] = run(lr=np.full(len(lr), lr[0]))
    if "noise" in arguments:
        noise = arguments["noise"]
        found[NOISE_SIGN, 0] = run(noise=-noise)
        found[NOISE_RATE, 0] = run(noise=noise / lr.reshape(-1, *(1,) * case.w.ndim))
        found[NOISE_IGNORED, 0] = run(noise=None)
    else:
        found |= dict.fromkeys([(NOISE_SIGN, 0), (NOISE_RATE, 0), (NOISE_IGNORED, 0)])
    decay = arguments.get("weight_decay", 0.0)
    found[DECAY_UPDATED, 0] = run(decay_updated=True)
    found[DECAY_DOUBLE, 0] = run(weight_decay=2 * decay)
    found[DECAY_IGNORED, 0] = run(weight_decay=0.0)
    found[DECAY_RATE, 0] = run(decay_undivided=True)
    return found


def _of_path(entry, case, quantity):
    """Mistakes in an algorithm's options: those of the reference with one option changed."""
    function, options = entry.algorithms(Inputs(case.settings, case.w, case.x, case.y))[quantity]

    def run(**changes):
        return lambda: function(case.w.astype(float), case.x, case.y, **(options | changes))

    rates = [key for key in ("lr", "large_lr") if key in options]
    found = {(FACTOR_2, 0): run(**{key: 2 * options[key] for key in rates}),
             (FACTOR_HALF, 0): run(**{key: options[key] / 2 for key in rates})}
    if "large_lr" in options:
        found[SCHEDULE_IGNORED, 0] = run(lr=options["large_lr"])
    if "momentum" in options:
        found[MOMENTUM_IGNORED, 0] = run(momentum=0.0)
    for key, causes in (("noise", (NOISE_SIGN, NOISE_IGNORED)), ("weight_decay", (DECAY_DOUBLE, DECAY_IGNORED))):
        changed = (-options[key], 0 * options[key]) if key == "noise" and key in options else (
            2 * options.get(key, 0.0), 0.0)
        for cause, value in zip(causes, changed):
            found[cause, 0] = run(**{key: value}) if key in options else None
    return found


def _of_scalar(entry, case, quantity):
    value = case.expected[quantity].value
    found = {(FACTOR_2, 0): lambda: 2 * value, (FACTOR_HALF, 0): lambda: value / 2, (SIGN, 0): lambda: -value,
             (SQUARED, 0): lambda: value**2}
    derived = entry.scalars(Inputs(case.settings, case.w, case.x, case.y))[quantity]

    def again(factor=1.0, **changes):
        options = derived.options | changes
        return lambda: derived.function(*(factor * array for array in derived.data.values()), **options)

    name = next(iter(derived.data))
    power = {"hessians": 1.0, "curvatures": 1.0, "factors": 0.5, "x": 0.5}.get(name)
    if power:                                    # Hessians scale with the square of factors and of examples
        found[SUM, 0], found[TWICE, 0] = again(len(case.x) ** power), again(len(case.x) ** -power)
    if "replacement" in derived.options:
        found[REPLACEMENT, 0] = again(replacement=not derived.options["replacement"])
    return found
