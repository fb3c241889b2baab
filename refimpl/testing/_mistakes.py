"""What comes out of a model's functions with each known mistake built in; runs and scalars have files of their own."""

import numpy as np

from refimpl.testing import _mistake_names as name
from refimpl.testing._case import PATHS, STATIC, function_of
from refimpl.testing._mistakes_of_runs import of_path, of_sgd
from refimpl.testing._mistakes_of_scalars import of_scalar
from refimpl.testing._model_table import Inputs
from refimpl.testing._wrong_models import gauss_newton, softmaxed
from refimpl.testing._wrong_steps import functions


def in_double(case):
    """The inputs of a case in float64, as the mistakes are recomputed on them."""
    return Inputs(case.settings, *(part.astype(float) if part is not None and part.dtype.kind == "f" else part
                                   for part in (case.w, case.x, case.y)))


def mistakes(entry, case, quantity, models):
    """{(cause, variant): function that recomputes the quantity with the mistake}.

    `models` keeps what `of_model` gives from one quantity of a case to the next.
    """
    function, inputs = function_of(quantity), in_double(case)
    if function in (*STATIC, "sgd") and id(case) not in models:
        models[id(case)] = of_model(entry, inputs)
    if function in STATIC:
        v = None if case.v is None else case.v.astype(float)
        given = {"predict": (inputs.w, inputs.x), "hvp": (inputs.w, inputs.x, inputs.y, v)}.get(
            function, (inputs.w, inputs.x, inputs.y))
        return {key: (lambda compute=found[function]: compute(*given))
                for key, found in models[id(case)].items() if function in found}
    if function == "sgd":
        return of_sgd(entry, case, quantity, inputs, models[id(case)])
    if function in PATHS:
        return of_path(entry, case, quantity, inputs)
    return of_scalar(entry, case, quantity, inputs)


def of_model(entry, inputs):
    """{(cause, variant): the model's functions with the mistake}; each takes w, x, y as the right one does."""
    model = entry.make(**inputs.settings)
    right = functions(model)

    def scaled(factor, quantities=STATIC):
        return {key: (lambda *given, compute=compute: factor(len(given[1])) * compute(*given))
                for key, compute in right.items() if key in quantities}

    averaged = ("loss", "gradient", "hvp")
    found = {
        (name.FACTOR_2, 0): scaled(lambda n: 2),
        (name.FACTOR_HALF, 0): scaled(lambda n: 0.5),
        (name.SUM, 0): scaled(lambda n: n, averaged),
        (name.TWICE, 0): scaled(lambda n: 1 / n, ("losses", *averaged)),
        (name.BESSEL, 0): scaled(lambda n: n / (n - 1) if n > 1 else np.inf, averaged),
        (name.SIGN, 0): scaled(lambda n: -1),
    }
    loss = entry.loss(inputs.settings) if callable(entry.loss) else entry.loss
    found |= _of_labels(right, inputs, loss)
    if inputs.x.ndim == 2 and len(inputs.x) == inputs.x.shape[1]:
        found[name.TRANSPOSED_DATA, 0] = _given(right, lambda w, x, *rest: (w, x.T, *rest))
    product = gauss_newton(model, loss)
    if product is not None and "hvp" in right:
        found[name.GAUSS_NEWTON, 0] = {"hvp": product}
    if loss == "cross-entropy":
        found[name.PROBABILITIES, 0] = {"predict": softmaxed(model)}
    return found | entry.variants(model, inputs)


def _given(right, change):
    """The functions of a model on changed arguments."""
    return {key: (lambda *arguments, compute=compute: compute(*change(*arguments)))
            for key, compute in right.items()}


def _of_labels(right, inputs, loss):
    if inputs.y is None or inputs.y.dtype.kind != "f":
        return {}
    if loss == "square":    # of labels that a model refuses, too
        def losses(w, x, y):
            return (right["predict"](w, x) - y) ** 2
        right = right | {"losses": losses, "loss": lambda *given: losses(*given).mean()}
    changes = {name.LABELS_IGNORED: lambda y: 0 * y, name.LABELS_NEGATED: lambda y: -y}
    if set(np.unique(inputs.y)) <= {-1.0, 1.0}:
        changes[name.LABELS_01] = lambda y: (y + 1) / 2
    return {(cause, 0): _given(right, lambda w, x, *rest, change=change: (w, x, *map(change, rest[:1]), *rest[1:]))
            for cause, change in changes.items()}
