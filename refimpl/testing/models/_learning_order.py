"""Row of the table of models for the two-block ReLU net of Li, Wei and Ma, with both of their algorithms."""

import numpy as np

from refimpl import learning_order
from refimpl.testing._mistake_names import KINK, KINK_HALF, ROOT_WIDTH, ROOT_WIDTH_BACK
from refimpl.testing._model_table import Derived, Entry, Inputs
from refimpl.testing._portable_numbers import Numbers
from refimpl.testing._wrong_models import half_kink, moved, off_the_kink, transposed
from refimpl.testing._wrong_steps import anneal, functions
from theory import learning_order as theory


def _blocks(numbers, n, dim, w_width, v_width, block=True, w_scale=1.0, v_scale=2.0):
    """Examples in turn with both parts, with P only and with Q only."""
    settings = {"dim": dim, "w_width": w_width, "v_width": v_width, "w_scale": w_scale, "v_scale": v_scale,
                "block": block}
    inputs = Inputs(settings, numbers.real(w_width + v_width, 2 * dim) / 2, numbers.real(n, 2 * dim), numbers.sign(n))
    inputs.x[1::3, dim:] = 0
    inputs.x[2::3, :dim] = 0
    return inputs


def _margin(size, note):
    """One example with margin `size`, through one neuron of W."""
    def make(numbers):
        settings = {"dim": 1, "w_width": 1, "v_width": 1, "w_scale": 1.0, "v_scale": 1.0, "block": True}
        return Inputs(settings, np.array([[2.0, 0.0], [0.0, -1.0]]), np.array([[abs(size) / 2, 0.5]]),
                      np.array([np.sign(size)]), note=note)
    return make


def _tie(numbers):
    settings = {"dim": 2, "w_width": 2, "v_width": 2, "w_scale": 1.0, "v_scale": 1.0, "block": True}
    w = np.array([[1.0, 1.0, 0.0, 0.0], [2.0, 0.5, 0.0, 0.0], [0.0, 0.0, 1.0, -2.0], [0.0, 0.0, -1.0, 1.0]])
    x = np.array([[1.0, -1.0, 2.0, 1.0], [2.0, -2.0, 1.0, 1.0]])
    return Inputs(settings, w, x, np.array([1.0, -1.0]), exact=True,
                  note="pre-activations of exactly 0: the derivative of the ReLU is 0 there")


def _only_noise(numbers):
    inputs = _blocks(numbers, 3, 2, 2, 2)
    inputs.x[0] = 0
    return inputs.change(note="example 0 is zero: its loss is log 2, its gradient 0, and it still counts")


def _trained(large_lr, lr, anneal_loss, weight_decay, noise):
    """Options of Algorithm 1, or with ``large_lr=None`` of Algorithm 2, that are the same for every length of a run."""
    shared = {"target": 1e-9, "weight_decay": weight_decay, "noise_std": 0.0, "engine": "plain", "noise": noise}
    if large_lr is None:
        return learning_order.train_small, shared | {"lr": lr}
    return learning_order.train_large_then_small, shared | {"large_lr": large_lr, "small_lr": lr,
                                                            "anneal_loss": anneal_loss}


def _path(settings):
    """Iterates of the study's own training loops: runs of 0, 1, 2, … updates under the same noise."""
    def path(w, x, y, *, lr, weight_decay, noise, large_lr=None, anneal_loss=None):
        model, n = learning_order.TwoLayerReLU(**settings), len(x)
        data = learning_order.Data(learning_order.Distribution(model.dim), np.asarray(x, float), np.asarray(y, float),
                                   np.full(n, learning_order.BOTH), np.ones(n), np.zeros(n, int))
        iterates = [np.asarray(w, float) * model.mask]
        for steps in range(1, len(noise) + 1):
            train, options = _trained(large_lr, lr, anneal_loss, weight_decay, noise[:steps])
            run = train(model, data, start=w, test=data, **options)
            iterates.append(run.signal + run.noise)
        return np.array(iterates)
    return path


def _plain(settings):
    """The same iterates by plain steps."""
    model = learning_order.TwoLayerReLU(**settings)

    def path(w, x, y, *, lr, weight_decay, noise, large_lr=None, anneal_loss=0.0):
        return anneal(lambda w: model.gradient(w, x, y), lambda w: model.loss(w, x, y), w * model.mask, lr=lr,
                      large_lr=large_lr, level=anneal_loss, steps=len(noise), noise=noise * model.mask,
                      weight_decay=weight_decay)
    return path


def _algorithms(inputs):
    if inputs.exact or len(inputs.x) > 8 or inputs.settings["dim"] < 2:
        return {}
    model = learning_order.TwoLayerReLU(**inputs.settings)
    noise, more = Numbers("order").real(6, *model.parameter_shape) / 4, Numbers("order again")
    options = {"lr": 0.03125, "weight_decay": 0.25, "noise": noise}
    found = {"train:small": options, "train:small-heavy-decay": {
        "lr": 0.1875, "weight_decay": 0.625, "noise": more.real(5, *model.parameter_shape) / 8}}
    path, plain = _path(inputs.settings), _plain(inputs.settings)
    if inputs.w.any():
        found["train:large-then-small"] = _annealed(model, inputs, plain, options, 0.25)
        loud = {"lr": 0.09375, "weight_decay": 0.125, "noise": 2 * more.real(8, *model.parameter_shape)}
        found["train:rises-again"] = _annealed(model, inputs, plain, loud, 0.375, rises=True)
    return {key: (path, options, plain) for key, options in found.items() if options is not None}


def _annealed(model, inputs, path, options, large_lr, rises=False):
    """Options with a threshold midway between two losses of the large-rate run, so that no rounding moves the switch.

    With `rises` the loss must come back above it later, under the noise; None if there is no such threshold.
    """
    large = path(inputs.w, inputs.x, inputs.y, **(options | {"lr": large_lr}))
    losses = [float(model.loss(w, inputs.x, inputs.y)) for w in large]
    for below in range(1, len(losses) - 1):
        if losses[below] >= min(losses[:below]) * 0.98:
            continue
        level = (losses[below] + min(losses[:below])) / 2
        chosen = options | {"large_lr": large_lr, "anneal_loss": level}
        if not rises:
            return chosen if below < 5 else None
        after = [float(model.loss(w, inputs.x, inputs.y)) for w in path(inputs.w, inputs.x, inputs.y, **chosen)]
        if any(loss > 1.02 * level for loss in after[below + 1 : -1]) and all(
            abs(loss / level - 1) > 1e-3 for loss in after
        ):
            return chosen
    return None


def _noise_laws(inputs):
    """Laws of the noise part; they depend on no data and come with the first size."""
    if inputs.settings["dim"] != 2 or len(inputs.x) > 1 or inputs.settings["w_scale"] != 1:
        return {}
    found = {}
    for key, lr, decay, std, lag in (("", 0.25, 0.125, 0.75, 3), (":fast", 0.375, 0.5, 1.25, 2),
                                     (":slow", 0.0625, 0.1875, 0.3125, 7)):
        rates = {"lr": lr, "weight_decay": decay}
        found |= {f"stationary_std{key}": Derived(theory.stationary_std, rates | {"noise_std": std}),
                  f"noise_std{key}": Derived(theory.noise_std, rates | {"stationary_std": std}),
                  f"noise_autocorrelation{key}": Derived(theory.noise_autocorrelation, rates, {"lag": lag})}
    for key, rho, r in (("", 0.75, 0.5), (":r0.25", 0.375, 0.25), (":r0.375", 0.875, 0.375), (":r0.125", 0.5, 0.125)):
        found[f"lag_kernel{key}"] = Derived(theory.lag_kernel, {"rho": rho, "r": r})
    return found


def _variants(model, inputs):
    shape = model.parameter_shape
    roots = np.sqrt(np.repeat([model.w_width, model.v_width], [model.w_width, model.v_width]))[:, None]
    nudged = off_the_kink(inputs.w * model.mask, inputs.x) - inputs.w * model.mask
    right, beyond = functions(model), moved(model, lambda w: w + nudged if w is inputs.w else w, lambda g: g)
    return transposed(model, lambda w: w.reshape(shape[1], shape[0]).T, lambda g: g.T.reshape(shape)) | {
        (ROOT_WIDTH, 0): moved(model, lambda w: roots * w, lambda g: roots * g),
        (ROOT_WIDTH_BACK, 0): {key: (lambda *given, compute=right[key]: roots * compute(*given))
                               for key in ("gradient", "hvp")},
        (KINK, 0): beyond, (KINK_HALF, 0): {"gradient": half_kink(right, beyond)}}


ORDER = {
    "TwoLayerReLU": Entry(learning_order.TwoLayerReLU, _blocks, {
        "n1-d2-m1-m1": {"n": 1, "dim": 2, "w_width": 1, "v_width": 1},
        "n2-d2-m2-m3": {"n": 2, "dim": 2, "w_width": 2, "v_width": 3},
        "n5-d3-m3-m4": {"n": 5, "dim": 3, "w_width": 3, "v_width": 4},
        "n4-d2-m3-m4": {"n": 4, "dim": 2, "w_width": 3, "v_width": 4},
        "whole-n4-d2-m2-m2": {"n": 4, "dim": 2, "w_width": 2, "v_width": 2, "block": False},
        "scales-n3-d2-m2-m3": {"n": 3, "dim": 2, "w_width": 2, "v_width": 3, "w_scale": 1.5, "v_scale": 0.75},
        "whole-scales-n4-d3-m4-m2": {"n": 4, "dim": 3, "w_width": 4, "v_width": 2, "w_scale": 0.375, "v_scale": 2.5,
                                     "block": False},
        "n24-d12-m8-m32": {"n": 24, "dim": 12, "w_width": 8, "v_width": 32},
    }, {"n": (1, 5), "dim": (2, 3), "w_width": (1, 3), "v_width": (1, 3), "block": [True, False]}, {
        "tie": _tie, "zero-example": _only_noise,
        "margin-40": _margin(40.0, "margin 40: the loss is e⁻⁴⁰, not 0"),
        "margin-minus-3000": _margin(-3000.0, "margin −3000: the loss is 3000, not infinite"),
    }, single=("tie", "margin-40", "margin-minus-3000"), lr=0.25, scalars=_noise_laws, algorithms=_algorithms,
       variants=_variants, loss="logistic"),
}
