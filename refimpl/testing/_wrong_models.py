"""Ways to get a model wrong, made from the right one: scaled outputs, transposed weights, the other side of a kink."""

import numpy as np

from refimpl.testing._mistake_names import TRANSPOSED
from refimpl.testing._wrong_steps import functions

NUDGE = 2.0**-40  # moves a pre-activation of 0 off the kink and nothing else by more than rounding


def output_scaled(model, factor, degree):
    """Functions of a model whose output is `factor` times as large, for an output of that degree in w.

    With s = factor^(1/degree) the loss of the larger output at w is the loss
    at s·w; its derivatives in w gain a factor s each.
    """
    scale = factor ** (1 / degree)
    right = functions(model)
    powers = {"predict": 0, "losses": 0, "loss": 0, "gradient": 1, "hvp": 2}
    return {name: (lambda w, *rest, compute=compute, power=powers[name]: scale**power * compute(scale * w, *rest))
            for name, compute in right.items()}


def scaled(model, factor, names=("gradient", "hvp")):
    """Some functions of a model, times a factor: a mistake in the backward pass alone."""
    return {name: (lambda *given, compute=compute: factor * compute(*given))
            for name, compute in functions(model).items() if name in names}


def moved(model, there, back):
    """Functions of a model that reads its parameters as ``there(w)`` and hands derivatives out as ``back(g)``."""
    right = functions(model)
    found = {name: (lambda w, *rest, compute=compute: compute(there(w), *rest)) for name, compute in right.items()}
    found["gradient"] = lambda w, x, y: back(right["gradient"](there(w), x, y))
    found["hvp"] = lambda w, x, y, v: back(right["hvp"](there(w), x, y, there(v)))
    return found


def transposed(model, there, back):
    """The two ways to transpose weights: inside, or only where derivatives are handed out."""
    right = functions(model)
    return {(TRANSPOSED, 0): moved(model, there, back),
            (TRANSPOSED, 1): {"gradient": lambda *given: back(right["gradient"](*given)),
                              "hvp": lambda *given: back(right["hvp"](*given))}}


def off_the_kink(weights, rows):
    """`weights` (…, d) moved so that their products with `rows` that are exactly 0 become positive."""
    tied = (weights @ rows.T == 0) & rows.any(axis=1)
    return weights + NUDGE * tied.astype(float) @ rows


def gauss_newton(model, loss):
    """Hessian-vector product without the second derivative of the output; None where that is the Hessian's own.

    The Hessian is linear in the derivative of the loss by the output: at labels
    that the model fits, or averaged over labels drawn from its own softmax,
    only the Gauss–Newton part is left.
    """
    def at_fit(w, x, y, v):
        return model.hvp(w, x, model.predict(w, x), v)

    def over_labels(w, x, y, v):
        scores = model.predict(w, x)
        share = np.exp(scores - scores.max(axis=-1, keepdims=True))
        share /= share.sum(axis=-1, keepdims=True)
        total = 0.0
        for i in range(len(x)):
            for label in range(scores.shape[-1]):
                total = total + share[i, label] * model.hvp(w, x[i:i + 1], np.array([label]), v)
        return total / len(x)

    return {"square": at_fit, "half-square": at_fit, "cross-entropy": over_labels}.get(loss)


def softmaxed(model):
    """Output of a classifier that applies the softmax already."""
    def predict(w, x):
        scores = model.predict(w, x)
        share = np.exp(scores - scores.max(axis=-1, keepdims=True))
        return share / share.sum(axis=-1, keepdims=True)
    return predict


def half_kink(right, beyond):
    """Gradient with half the jump at a kink, from those with none and all of it."""
    return lambda *given: (right["gradient"](*given) + beyond["gradient"](*given)) / 2
