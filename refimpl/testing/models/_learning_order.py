"""Row of the table of models for the two-block ReLU net of Li, Wei and Ma, with both of their algorithms."""

import numpy as np

from refimpl import learning_order
from refimpl.testing._causes import KINK, ROOT_WIDTH
from refimpl.testing._entry import Derived, Entry, Inputs
from refimpl.testing._numbers import Numbers
from refimpl.testing._variants import moved, off_the_kink, transposed
from theory import learning_order as theory


def _blocks(numbers, n, dim, w_width, v_width, block=True):
    """Examples in turn with both parts, with P only and with Q only."""
    settings = {"dim": dim, "w_width": w_width, "v_width": v_width, "w_scale": 1.0, "v_scale": 2.0, "block": block}
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


def _algorithms(inputs):
    if inputs.exact or len(inputs.x) > 8 or inputs.settings["dim"] < 2:
        return {}
    model = learning_order.TwoLayerReLU(**inputs.settings)
    noise = Numbers("order").real(6, *model.parameter_shape) / 4
    options = {"lr": 0.03125, "weight_decay": 0.25, "noise": noise}
    path = _path(inputs.settings)
    found = {"train:small": (path, options)}
    if inputs.w.any():
        # A threshold midway between two losses of the large-rate run, so that no rounding moves the switch.
        large = path(inputs.w, inputs.x, inputs.y, lr=0.25, weight_decay=0.25, noise=noise)
        losses = [float(model.loss(w, inputs.x, inputs.y)) for w in large]
        below = next((t for t in range(1, 5) if losses[t] < min(losses[:t]) * 0.98), None)
        if below is not None:
            level = (losses[below] + min(losses[:below])) / 2
            found["train:large-then-small"] = (path, options | {"large_lr": 0.25, "anneal_loss": level})
    return found


def _noise_laws(inputs):
    """Laws of the noise part; they depend on no data and come with the first size."""
    if inputs.settings["dim"] != 2 or len(inputs.x) > 1:
        return {}
    rates = {"lr": 0.25, "weight_decay": 0.125}
    return {
        "stationary_std": Derived(theory.stationary_std, rates | {"noise_std": 0.75}),
        "noise_std": Derived(theory.noise_std, rates | {"stationary_std": 0.75}),
        "noise_autocorrelation": Derived(theory.noise_autocorrelation, rates, {"lag": 3}),
        "lag_kernel": Derived(theory.lag_kernel, {"rho": 0.75, "r": 0.5})}


def _variants(model, inputs):
    shape = model.parameter_shape
    roots = np.sqrt(np.repeat([model.w_width, model.v_width], [model.w_width, model.v_width]))[:, None]
    nudged = off_the_kink(inputs.w * model.mask, inputs.x) - inputs.w * model.mask
    return transposed(model, lambda w: w.reshape(shape[1], shape[0]).T, lambda g: g.T.reshape(shape)) | {
        (ROOT_WIDTH, 0): moved(model, lambda w: roots * w, lambda g: roots * g),
        (KINK, 0): moved(model, lambda w: w + nudged if w is inputs.w else w, lambda g: g)}


ORDER = {
    "TwoLayerReLU": Entry(learning_order.TwoLayerReLU, _blocks, {
        "n1-d2-m1-m1": {"n": 1, "dim": 2, "w_width": 1, "v_width": 1},
        "n2-d2-m2-m3": {"n": 2, "dim": 2, "w_width": 2, "v_width": 3},
        "n5-d3-m3-m4": {"n": 5, "dim": 3, "w_width": 3, "v_width": 4},
        "whole-n4-d2-m2-m2": {"n": 4, "dim": 2, "w_width": 2, "v_width": 2, "block": False},
        "n24-d12-m8-m32": {"n": 24, "dim": 12, "w_width": 8, "v_width": 32},
    }, {"n": (1, 5), "dim": (2, 3), "w_width": (1, 3), "v_width": (1, 3), "block": [True, False]}, {
        "tie": _tie, "zero-example": _only_noise,
        "margin-40": _margin(40.0, "margin 40: the loss is e⁻⁴⁰, not 0"),
        "margin-minus-3000": _margin(-3000.0, "margin −3000: the loss is 3000, not infinite"),
    }, lr=0.25, scalars=_noise_laws, algorithms=_algorithms, variants=_variants),
}
