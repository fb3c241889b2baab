"""The cases: every model of the table at every size and in every hard place, with everything that should come out."""

import functools

import numpy as np

from refimpl import sgd
from refimpl.testing._case import RELATIVE, STATIC, Case, Expected, tolerance
from refimpl.testing._conventions import CONVENTIONS
from refimpl.testing._loop import functions
from refimpl.testing._numbers import Numbers
from refimpl.testing.models._images import IMAGES
from refimpl.testing.models._learning_order import ORDER
from refimpl.testing.models._linear import LINEAR
from refimpl.testing.models._networks import NETWORKS

MODELS = {**LINEAR, **NETWORKS, **IMAGES, **ORDER}
_STEPS = 6


def cases(model=None):
    """Every case of the kit, or those of one model.

    Parameters
    ----------
    model : str, optional
        A name in `models`.

    Returns
    -------
    tuple of Case
        Always the same, in the same order. Arrays are read-only; copy what is
        to be changed.

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
    if model is None:
        return tuple(case for name in MODELS for case in _of(name))
    return _of(known(model))


def models():
    """Names of the models that there are cases of, a tuple of str."""
    return tuple(MODELS)


def conventions(model):
    """What a model computes, to the last ½, and what its algorithms do: text, also for other languages.

    Parameters
    ----------
    model : str

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
def _of(name):
    entry = MODELS[name]
    found = []
    for key, size in entry.sizes.items():
        found.append(complete(name, f"{name}/{key}", entry.draw(Numbers(f"{name}/{key}"), **size)))
    for key, make in entry.hard.items():
        found.append(complete(name, f"{name}/{key}", make(Numbers(f"{name}/{key}"))))
    key, size = list(entry.sizes.items())[1]
    inputs = entry.draw(Numbers(f"{name}/float32"), **size)
    found.append(complete(name, f"{name}/float32", inputs.change(note="all arrays are float32"), dtype="float32"))
    return tuple(found)


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
    runs = _runs(entry, w, len(x), numbers)
    if inputs.exact or np.abs(w).max() > 1e6:
        runs = {}
    elif entry.big_lr and len(x) == 1:
        runs |= _before_divergence(instance, entry.big_lr, w, x, y)
    for key, arguments in runs.items():
        expected[key] = _run(instance, w, x, y, arguments, dtype)
    if dtype == "float64":
        for key, (function, options) in entry.algorithms(inputs).items() if thresholds else ():
            value, allowed = tolerance(functools.partial(function, **options), (w, x, y), relative=RELATIVE[dtype],
                                       per_step=True)
            expected[key] = Expected(value, allowed, _arguments(options))
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
                                      scale=inputs.scale)) for name in STATIC if name in compute}


def _runs(entry, w, n, numbers):
    """Arguments of the trajectories of SGD: how batches are drawn, schedules, decay and noise."""
    rate = np.full(_STEPS, entry.lr)
    size = min(2, n)
    whole = np.tile(np.arange(n), (_STEPS, 1))
    distinct = np.array([numbers.order(n)[:size] for _ in range(_STEPS)])
    epochs = np.concatenate([numbers.order(n) for _ in range(_STEPS)])[:_STEPS, None]
    noise = numbers.real(_STEPS, *w.shape)
    repeated = numbers.index(n, _STEPS, size + 1)
    repeated[0] = repeated[0, 0]
    return {
        "sgd:full-batch": {"lr": rate, "indices": whole},
        "sgd:without-replacement": {"lr": rate, "indices": distinct},
        "sgd:with-replacement": {"lr": rate, "indices": repeated},
        "sgd:epoch": {"lr": rate, "indices": epochs},
        "sgd:annealed": {"lr": np.where(np.arange(_STEPS) < _STEPS // 2, rate, rate / 8), "indices": distinct},
        "sgd:weight-decay": {"lr": rate, "indices": distinct, "weight_decay": 0.5},
        "sgd:noise": {"lr": rate, "indices": distinct, "noise": noise},
        "sgd:noise-and-decay": {"lr": rate, "indices": repeated, "noise": noise, "weight_decay": 0.5},
    }


def _before_divergence(instance, lr, w, x, y):
    """A run at a rate far above every limit, up to the last step whose iterate is below 1e100."""
    run = sgd.run(instance, w, x, y, lr=lr, steps=50)
    last = int(run.nit) - 1
    if run.success or last < 1:
        return {}
    return {"sgd:before-divergence": {"lr": np.full(last, lr), "indices": np.zeros((last, 1), dtype=np.int64)}}


def _run(instance, w, x, y, arguments, dtype):
    rest = {key: value for key, value in arguments.items() if key not in ("lr", "noise")}

    def path(w, x, y, noise):
        options = rest if noise is None else rest | {"noise": noise}
        run = sgd.run(instance, w, x, y, lr=arguments["lr"], steps=len(arguments["lr"]),
                      observe={"w": lambda w, x, y: w}, divergence_limit=1e150, **options)
        return run.observed["w"]

    inputs = (w, x, y, arguments.get("noise"))
    value, allowed = tolerance(path, inputs, relative=RELATIVE[dtype], per_step=True)
    return Expected(value, allowed, _arguments(arguments))


def _scalar(derived):
    def compute(*data):
        return derived.function(*(part if part.ndim else float(part) for part in data), **derived.options)

    data = [np.asarray(part) for part in derived.data.values()]
    value, allowed = tolerance(compute, data, relative=RELATIVE["scalar"])
    return Expected(value, allowed, _arguments(derived.data | derived.options))


def _arguments(given):
    return {key: _frozen(value, None) if isinstance(value, np.ndarray) else value for key, value in given.items()}


def _frozen(array, dtype):
    """A read-only copy, of a dtype unless it holds whole numbers."""
    if array is None:
        return None
    array = np.array(array, dtype=dtype if np.asarray(array).dtype.kind == "f" else None)
    array.setflags(write=False)
    return array
