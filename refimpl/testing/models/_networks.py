"""Rows of the table of models for the nets: two-layer convolutional with patches, and fully connected."""

import numpy as np

from refimpl import benign_oscillation, network
from refimpl.testing._mistake_names import KINK, KINK_HALF, MSE, OUTPUTS, PATCHES, WIDTH
from refimpl.testing._model_table import Derived, Entry, Inputs
from refimpl.testing._wrong_models import NUDGE, half_kink, moved, off_the_kink, output_scaled, scaled, transposed
from refimpl.testing._wrong_steps import functions
from theory import benign_oscillation as oscillation_theory


def _patches(numbers, n, dim, width, patches=3, activation="relu2"):
    w = numbers.real(2, width, dim) / (4 if dim < 16 else 32)
    return Inputs({"dim": dim, "width": width, "activation": activation}, w,
                  numbers.real(n, patches, dim), numbers.sign(n))


def _cnn_tie(activation):
    def make(numbers):
        w = np.array([[[1.0, 1.0], [0.5, -1.0]], [[-1.0, -1.0], [2.0, 1.0]]])
        x = np.array([[[1.0, -1.0], [2.0, -2.0]], [[1.0, -1.0], [0.0, 0.0]]])
        return Inputs({"dim": 2, "width": 2, "activation": activation}, w, x, np.array([1.0, -1.0]), exact=True,
                      note="pre-activations of exactly 0: first and second derivative of the activation are 0 there")
    return make


def _cnn_zero_weights(numbers):
    inputs = _patches(numbers, 2, 3, 2)
    return inputs.change(w=0 * inputs.w, exact=True, note="all weights are 0: loss 1, gradient 0")


def _cnn_zero_patch(numbers):
    inputs = _patches(numbers, 3, 3, 2)
    inputs.x[0, 1], inputs.x[2] = 0, 0
    return inputs.change(note="one patch and one whole example are zero, and still count")


def _cnn_huge(numbers):
    inputs = _patches(numbers, 2, 3, 2)
    return inputs.change(w=inputs.w * 2.0**60, note="outputs of about 1e36: no intermediate result may overflow")


def _cnn_opposite(numbers):
    inputs = _patches(numbers, 1, 1, 1, patches=2)
    inputs.x[0, 1] = -inputs.x[0, 0]
    return inputs.change(note="patches x and −x: one of them is active whatever the weight")


def _cnn_variants(model, inputs):
    degree = 1 if model.activation == "relu" else 2
    shape = model.parameter_shape

    def there(w):
        return w.reshape(shape[0], shape[2], shape[1]).swapaxes(1, 2)

    def back(g):
        return g.swapaxes(1, 2).reshape(shape)

    nudged = off_the_kink(inputs.w, inputs.x.reshape(-1, shape[2])) - inputs.w
    beyond = moved(model, lambda w: w + nudged if w is inputs.w else w, lambda g: g)
    jumps = {"relu": ("gradient", "hvp"), "relu2": ("hvp",), "square": ()}[model.activation]
    patches = inputs.x.shape[1]
    return transposed(model, there, back) | {
        (WIDTH, 0): output_scaled(model, model.width, degree), (WIDTH, 1): scaled(model, model.width),
        (PATCHES, 0): output_scaled(model, 1 / patches, degree), (PATCHES, 1): scaled(model, 1 / patches),
        (KINK, 0): functions(model) | {name: beyond[name] for name in jumps},
        (KINK_HALF, 0): {"gradient": half_kink(functions(model), beyond)} if "gradient" in jumps else {}}


def _two_patches(numbers):
    """The poster's picture: one example that is a strong and a weak vector."""
    inputs = _patches(numbers, 1, 3, 2, patches=2)
    x = np.array([[[1.0, 0.0, 0.0], [0.0, 0.25, 0.0]]])
    return inputs.change(x=x, y=np.array([1.0]), note="one example, a strong patch and a weak one at right angles")


def _oscillation(inputs):
    """Laws of the poster; no two points share a number, and no convention's 1, ½, 2 or 4 is among them."""
    if inputs.x.shape != (1, 2, 3):
        return {}
    theory, found = oscillation_theory, {}

    def of(function, data, error=0.0, share=0.0, **options):
        return Derived(function, data, options, error, share)

    for c, kappa, key in ((1.125, 0.0625, "c=1.125"), (1.5, 0.0625, "c=1.5"), (1.1875, 0.03125, "c=1.1875"),
                          (1.4375, 0.09375, "c=1.4375")):
        found[f"weak_limit:{key}"] = of(theory.weak_limit, {"c": c, "kappa": kappa}, error=1e-4)   # of its docstring
    for c, f in ((1.125, 0.75), (1.5, 0.75), (1.25, 0.375), (0.75, 1.25), (1.4375, 0.625)):
        key = f"c={c}" if f == 0.75 else f"c={c}-f={f}"
        found[f"reduced_map:{key}"] = of(theory.reduced_map, {"f": f, "c": c})
    for c, kappa, key in ((1.125, 0.0625, ""), (1.1875, 0.03125, ":c=1.1875"), (1.0625, 0.375, ":c=1.0625")):
        found |= {f"mean_residual{key}": of(theory.mean_residual, {"c": c}),
                  f"weak_growth_rate{key}": of(theory.weak_growth_rate, {"c": c, "kappa": kappa}),
                  f"period_two_orbit{key}": of(theory.period_two_orbit, {"c": c})}
    for lr, norm, width, key in ((0.5, 1.5, 4, ""), (0.75, 1.25, 3, ":m=3"), (1.25, 0.75, 5, ":m=5"),
                                 (0.375, 2.5, 8, ":m=8")):
        found[f"effective_rate{key}"] = of(theory.effective_rate, {"lr": lr, "strong_norm": norm}, width=width)
    for c, kappa, alpha, beta, key in ((1.125, 0.0625, 2.0**-10, 2.0**-12, ""),
                                       (1.1875, 0.03125, 2.0**-7, 2.0**-13, ":c=1.1875"),
                                       (1.21875, 0.09375, 2.0**-13, 2.0**-15, ":c=1.21875")):
        start = {"alpha0": alpha, "beta0": beta}
        found[f"weak_half_time{key}"] = of(theory.weak_half_time, {"c": c, "kappa": kappa} | start, share=kappa / 10)
        found[f"small_rate_limit{key}"] = of(theory.small_rate_limit, start | {"kappa": kappa})
    return found


def _mlp(numbers, n, widths, activation="tanh", loss_kind="squared"):
    size = sum((a + 1) * b for a, b in zip(widths, widths[1:]))
    x = numbers.real(n, widths[0])
    if loss_kind == "squared":
        y = numbers.real(n) if widths[-1] == 1 else numbers.real(n, widths[-1])
    else:
        y = numbers.index(widths[-1], n)
    return Inputs({"widths": widths, "activation": activation, "loss_kind": loss_kind}, numbers.real(size) / 2, x, y)


def _mlp_zero_row(numbers):
    inputs = _mlp(numbers, 3, (3, 2, 1))
    inputs.x[1] = 0
    return inputs.change(note="example 1 is zero: biases still act on it")


def _mlp_tie(numbers):
    w = np.array([1.0, 0.5, 1.0, -1.0, 0.0, 0.0, 2.0, 1.0, 0.5])   # x = (1, −1) and (2, −2): first neuron at the kink
    return Inputs({"widths": (2, 2, 1), "activation": "relu", "loss_kind": "squared"}, w,
                  np.array([[1.0, -1.0], [2.0, -2.0]]), np.array([1.0, -1.0]), exact=True,
                  note="a pre-activation of exactly 0: the derivative of the ReLU is 0 there")


def _mlp_huge_margin(numbers):
    inputs = _mlp(numbers, 4, (3, 4), loss_kind="cross-entropy")
    return inputs.change(w=inputs.w * 2.0**12, scale=1e-3,
                         note="margins of thousands: exp of an output overflows, the loss does not")


def _mlp_repeated(numbers):
    inputs = _mlp(numbers, 4, (2, 3, 1))
    inputs.x[3], inputs.y[3] = inputs.x[1], inputs.y[1]
    return inputs.change(note="examples 1 and 3 are the same: both count")


def _mlp_negative(numbers):
    """Labels far below the outputs: the curvature of the net itself, times the residual, outweighs Gauss and Newton."""
    inputs = _mlp(numbers, 3, (2, 3, 1))
    return inputs.change(y=inputs.y - 6.0, note="the Hessian's most negative eigenvalue is larger in size than λmax")


def _mlp_biases(model):
    """1 where a parameter is a bias."""
    marks = []
    for a, b in zip(model.widths, model.widths[1:]):
        marks += [np.zeros(a * b), np.ones(b)]
    return np.concatenate(marks)


def _mlp_variants(model, inputs):
    first, order = 0, []
    for a, b in zip(model.widths, model.widths[1:]):
        order.append(first + np.arange(a * b).reshape(b, a).T.ravel())   # stored (outputs, inputs), as others do
        order.append(first + a * b + np.arange(b))
        first += (a + 1) * b
    order = np.concatenate(order)
    found = transposed(model, lambda w: w[order], lambda g: g[np.argsort(order)])
    outputs = model.widths[-1]
    if model.loss_kind == "squared":
        of_loss = ("losses", "loss", "gradient", "hvp")
        found |= {(OUTPUTS, 0): scaled(model, 1 / outputs, of_loss), (MSE, 0): scaled(model, 2 / outputs, of_loss)}
    if model.activation == "relu":
        beyond = moved(model, lambda w: w + NUDGE * _mlp_biases(model) if w is inputs.w else w, lambda g: g)
        found |= {(KINK, 0): beyond, (KINK_HALF, 0): {"gradient": half_kink(functions(model), beyond)}}
    return found


def _mlp_curvature(inputs):
    """λmax of the full Hessian, and of Σ = mean(H_i²) − H² (its root), from dense Hessians of small nets."""
    if inputs.exact or inputs.scale or len(inputs.w) > 40:
        return {}
    model = network.MLP(**inputs.settings)

    def hessians(w, x, y):
        directions = np.eye(len(w))
        return np.array([[model.hvp(w, x[i:i + 1], y[i:i + 1], v) for v in directions] for i in range(len(x))])

    def sharpness(w, x, y):
        return np.linalg.eigvalsh(hessians(w, x, y).mean(axis=0))[-1]

    def non_uniformity(w, x, y):
        every = hessians(w, x, y)
        mean = every.mean(axis=0)
        return np.sqrt(max(np.linalg.eigvalsh((every @ every).mean(axis=0) - mean @ mean)[-1], 0))

    data = {"w": inputs.w, "x": inputs.x, "y": inputs.y}
    found = {"sharpness": Derived(sharpness, data)}
    return found | ({"non_uniformity": Derived(non_uniformity, data)} if len(inputs.x) > 1 else {})


NETWORKS = {
    "TwoLayerCNN": Entry(benign_oscillation.TwoLayerCNN, _patches, {
        "n1-d1-m1": {"n": 1, "dim": 1, "width": 1, "patches": 2}, "n2-d2-m3": {"n": 2, "dim": 2, "width": 3},
        "n3-d3-m3": {"n": 3, "dim": 3, "width": 3}, "n4-d5-m2": {"n": 4, "dim": 5, "width": 2, "patches": 2},
        "relu-n3-d4-m2": {"n": 3, "dim": 4, "width": 2, "activation": "relu"},
        "square-n3-d2-m4": {"n": 3, "dim": 2, "width": 4, "activation": "square"},
        "n16-d64-m8": {"n": 16, "dim": 64, "width": 8},
    }, {"n": (1, 4), "dim": (1, 4), "width": (1, 3), "patches": (1, 3), "activation": ["relu2", "relu", "square"]}, {
        "relu2-tie": _cnn_tie("relu2"), "relu-tie": _cnn_tie("relu"), "zero-weights": _cnn_zero_weights,
        "zero-patch": _cnn_zero_patch, "huge-output": _cnn_huge, "two-patches": _two_patches,
        "opposite-patches": _cnn_opposite,
    }, single=("relu2-tie", "relu-tie", "zero-weights"), lr=2.0**-7, big_lr=2.0**20, scalars=_oscillation,
       variants=_cnn_variants, loss="square"),
    "MLP": Entry(network.MLP, _mlp, {
        "n1-1-1": {"n": 1, "widths": (1, 1)}, "n2-2-3-1": {"n": 2, "widths": (2, 3, 1)},
        "n3-3-3-2": {"n": 3, "widths": (3, 3, 2)}, "n2-2-3-3": {"n": 2, "widths": (2, 3, 3)},
        "n5-2-3-2-3-1": {"n": 5, "widths": (2, 3, 2, 3, 1)},
        "relu-n4-3-4-2": {"n": 4, "widths": (3, 4, 2), "activation": "relu"},
        "identity-n3-2-2-1": {"n": 3, "widths": (2, 2, 1), "activation": "identity"},
        "cross-entropy-n4-3-4-3": {"n": 4, "widths": (3, 4, 3), "loss_kind": "cross-entropy"},
        "relu-cross-entropy-n3-2-3-2": {"n": 3, "widths": (2, 3, 2), "activation": "relu",
                                        "loss_kind": "cross-entropy"},
        "n32-20-24-16-1": {"n": 32, "widths": (20, 24, 16, 1)},
    }, {"n": (1, 4), "widths": [(1, 1), (2, 1), (2, 3, 1), (1, 2, 2), (2, 2, 2, 2)],
        "activation": ["tanh", "relu", "identity"]}, {
        "zero-row": _mlp_zero_row, "tie": _mlp_tie, "huge-margin": _mlp_huge_margin, "repeated-example": _mlp_repeated,
        "negative-curvature": _mlp_negative,
    }, single=("tie", "huge-margin"), lr=0.0625, big_lr=2.0**40, scalars=_mlp_curvature, variants=_mlp_variants,
       biases=_mlp_biases,
       loss=lambda settings: {"squared": "half-square"}.get(settings["loss_kind"], "cross-entropy")),
}
