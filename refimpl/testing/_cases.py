"""The cases: every model of the table at every size and in every hard place, with everything that should come out."""

import copy
import functools

import numpy as np

from refimpl.testing._case import STATIC, Case, Expected, function_of
from refimpl.testing._conventions import CONVENTIONS
from refimpl.testing._portable_numbers import Numbers
from refimpl.testing._tolerances import RELATIVE, tolerance
from refimpl.testing._trajectories import before_divergence, iterates, runs
from refimpl.testing._wrong_steps import functions
from refimpl.testing.models._edge_of_stability import EDGE
from refimpl.testing.models._images import IMAGES
from refimpl.testing.models._learning_order import ORDER
from refimpl.testing.models._linear import LINEAR
from refimpl.testing.models._networks import NETWORKS

MODELS = {**LINEAR, **NETWORKS, **IMAGES, **ORDER, **EDGE}


def cases(model=None):
    """Every case of the kit, or those of one model.

    Parameters
    ----------
    model : str, optional
        A name in `models`.

    Returns
    -------
    tuple of Case
        Always the same, in the same order. Each call hands out copies: what is
        done to one shows in no other.

    Raises
    ------
    ValueError
        If there is no such model.

    Examples
    --------
    >>> first = cases("LinearRegression")[0]
    >>> first.name, first.x.shape, sorted(first.expected)[:3]
    ('LinearRegression/n1-d1', (1, 1), ['critical_lr:B1', 'critical_lr:B1-replacement', 'gradient'])
    """
    names = MODELS if model is None else (known(model),)
    return tuple(copy.deepcopy(case) for name in names for case in shared(name))


def models():
    """Names of the models that there are cases of, a tuple of str."""
    return tuple(MODELS)


def conventions(model):
    """What a model computes, to the last ½, and what its algorithms do: text, also for other languages.

    Parameters
    ----------
    model : str
        One of `models`.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If there is no such model.
    """
    return CONVENTIONS[known(model)]


def known(model):
    """`model`, if there are cases of it."""
    if model not in MODELS:
        raise ValueError(f"model must be one of {', '.join(MODELS)}, got {model!r}; choose one of them")
    return model


@functools.cache
def required(model):
    """The keyword arguments that every case of a model gives, {function: tuple of str}, for all its functions."""
    found = {}
    for case in shared(model):
        for quantity, each in case.expected.items():
            name, given = function_of(quantity), list(each.arguments)
            found[name] = tuple(key for key in found.get(name, given) if key in given)
    return found


@functools.cache
def shared(name):
    """The cases of a model, made once; their arrays are read-only."""
    return tuple(complete(name, f"{name}/{key}", inputs, dtype) for key, inputs, dtype in inputs_of(name))


def inputs_of(name):
    """The inputs of a model's cases, (key, `Inputs`, dtype) each, before anything is computed."""
    entry = MODELS[known(name)]
    for key, size in entry.sizes.items():
        yield key, entry.draw(Numbers(f"{name}/{key}"), **size), "float64"
    for key, make in entry.hard.items():
        yield key, make(Numbers(f"{name}/{key}")), "float64"
    key, size = list(entry.sizes.items())[1]
    inputs = entry.draw(Numbers(f"{name}/float32"), **size)
    yield "float32", inputs.change(note="all arrays are float32"), "float32"
    for key in entry.single:
        inputs = entry.hard[key](Numbers(f"{name}/{key}"))
        yield f"{key}-float32", inputs.change(note=f"{inputs.note}; all arrays are float32"), "float32"


def complete(model, name, inputs, dtype="float64", *, thresholds=True):
    """The `Case` of given `Inputs`: computes everything that should come out.

    Algorithms that stop at a loss are left out without `thresholds`: of random
    inputs some reach it never, or within rounding of a step.
    """
    entry = MODELS[model]
    instance = entry.make(**inputs.settings)
    numbers = Numbers(f"{name} extras")
    w, x, y = inputs.w, inputs.x, inputs.y
    v = numbers.real(*w.shape) if hasattr(instance, "hvp") else None
    expected = _static(instance, inputs, v, dtype)
    trajectories = runs(entry, w, len(x), numbers, Numbers(f"{name} schedules"))
    if inputs.exact or np.abs(w).max() > 1e6:
        trajectories = {}
    elif entry.big_lr and len(x) == 1 and dtype == "float64":
        trajectories |= before_divergence(instance, entry.big_lr, w, x, y)
    for key, arguments in trajectories.items():
        path, plain = iterates(instance, arguments)
        value, allowed = tolerance(path, (w, x, y, arguments.get("noise")), relative=RELATIVE[dtype], per_step=True,
                                   plain=plain)
        expected[key] = Expected(value, allowed, _arguments(arguments, dtype), RELATIVE[dtype])
    if dtype == "float64":
        for key, (function, options, *plain) in entry.algorithms(inputs).items() if thresholds else ():
            quick = functools.partial(plain[0], **options) if plain else None
            value, allowed = tolerance(functools.partial(function, **options), (w, x, y), relative=RELATIVE[dtype],
                                       exact=inputs.exact, per_step=True, plain=quick)
            expected[key] = Expected(value, allowed, _arguments(options, dtype), RELATIVE[dtype])
        for key, derived in entry.scalars(inputs).items():
            expected[key] = _scalar(derived)
    arrays = {part: _frozen(value, dtype) for part, value in zip("wxyv", (w, x, y, v))}
    return Case(name, model, inputs.settings, **arrays, expected=expected, note=inputs.note, dtype=dtype,
                exact=inputs.exact)


def _static(instance, inputs, v, dtype):
    w, x, y = inputs.w, inputs.x, inputs.y
    given = {"predict": (w, x), "losses": (w, x, y), "loss": (w, x, y), "gradient": (w, x, y), "hvp": (w, x, y, v)}
    compute = functions(instance)
    return {name: Expected(*tolerance(compute[name], given[name], relative=RELATIVE[dtype], exact=inputs.exact,
                                      scale=inputs.scale), relative=RELATIVE[dtype])
            for name in STATIC if name in compute}


def _scalar(derived):
    """A derived scalar; where an approximation is meant, the tolerance is the error that it promises."""
    def compute(*data):
        return derived.function(*(part if part.ndim else float(part) for part in data), **derived.options)

    data = [np.asarray(part) for part in derived.data.values()]
    value, allowed = tolerance(compute, data, relative=RELATIVE["scalar"])
    promised = max(derived.error, derived.share * float(np.abs(value).max()))
    arguments = _arguments(derived.data | derived.options, "float64")
    if promised > allowed:
        return Expected(value, promised, arguments, RELATIVE["float32"])
    return Expected(value, allowed, arguments, RELATIVE["scalar"])


def _arguments(given, dtype):
    def freeze(value):
        if isinstance(value, tuple):
            return tuple(map(freeze, value))
        return _frozen(value, dtype) if isinstance(value, np.ndarray) else value

    return {key: freeze(value) for key, value in given.items()}


def _frozen(array, dtype):
    """A read-only copy, of a dtype unless it holds whole numbers."""
    if array is None:
        return None
    array = np.array(array, dtype=dtype if np.asarray(array).dtype.kind == "f" else None)
    array.setflags(write=False)
    return array
