"""Rows of the table of models for the nets: two-layer convolutional with patches, fully connected, on images."""

import numpy as np

from refimpl import benign_oscillation, images, network
from refimpl.testing._causes import KINK, OUTPUTS, PATCHES, TRANSPOSED, WIDTH
from refimpl.testing._entry import Derived, Entry, Inputs
from refimpl.testing._loop import functions
from refimpl.testing._numbers import Numbers
from theory import benign_oscillation as oscillation_theory

_NUDGE = 2.0**-40  # moves a pre-activation of 0 off the kink and nothing else by more than rounding


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
    return weights + _NUDGE * tied.astype(float) @ rows


def _patches(numbers, n, dim, width, patches=3, activation="relu2"):
    return Inputs({"dim": dim, "width": width, "activation": activation}, numbers.real(2, width, dim) / (4 if dim < 16 else 32),
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
    patches = inputs.x.shape[1]
    return transposed(model, there, back) | {
        (WIDTH, 0): output_scaled(model, model.width, degree), (WIDTH, 1): scaled(model, model.width),
        (PATCHES, 0): output_scaled(model, 1 / patches, degree), (PATCHES, 1): scaled(model, 1 / patches),
        (KINK, 0): moved(model, lambda w: w + nudged if w is inputs.w else w, lambda g: g)}


def _two_patches(numbers):
    """The poster's picture: one example that is a strong and a weak vector."""
    inputs = _patches(numbers, 1, 3, 2, patches=2)
    x = np.array([[[1.0, 0.0, 0.0], [0.0, 0.25, 0.0]]])
    return inputs.change(x=x, y=np.array([1.0]), note="one example, a strong patch and a weak one at right angles")


def _oscillation(inputs):
    if inputs.x.shape != (1, 2, 3):
        return {}
    theory = oscillation_theory

    def of(function, data, **options):
        return Derived(function, data, options)

    found = {}
    for c in (1.125, 1.5):
        found |= {f"weak_limit:c={c}": of(theory.weak_limit, {"c": c, "kappa": 0.0625}),
                  f"reduced_map:c={c}": of(theory.reduced_map, {"f": 0.75, "c": c})}
    found["mean_residual"] = of(theory.mean_residual, {"c": 1.125})
    found["weak_growth_rate"] = of(theory.weak_growth_rate, {"c": 1.125, "kappa": 0.0625})
    found["period_two_orbit"] = of(theory.period_two_orbit, {"c": 1.125})
    found["effective_rate"] = of(theory.effective_rate, {"lr": 0.5, "strong_norm": 1.5}, width=4)
    found["weak_half_time"] = of(theory.weak_half_time, {"c": 1.125, "kappa": 0.0625, "alpha0": 2.0**-10, "beta0": 2.0**-12})
    found["small_rate_limit"] = of(theory.small_rate_limit, {"alpha0": 2.0**-10, "beta0": 2.0**-12, "kappa": 0.0625})
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


def _mlp_variants(model, inputs):
    first, order = 0, []
    bias = np.zeros(model.parameter_shape)
    layers = list(zip(model.widths, model.widths[1:]))
    for number, (a, b) in enumerate(layers):
        order.append(first + np.arange(a * b).reshape(b, a).T.ravel())   # stored (outputs, inputs), as others do
        order.append(first + a * b + np.arange(b))
        bias[first + a * b:first + (a + 1) * b] = number < len(layers) - 1
        first += (a + 1) * b
    order = np.concatenate(order)
    found = transposed(model, lambda w: w[order], lambda g: g[np.argsort(order)])
    outputs = model.widths[-1]
    if model.loss_kind == "squared" and outputs > 1:
        found[OUTPUTS, 0] = scaled(model, 1 / outputs, ("losses", "loss", "gradient", "hvp"))
    if model.activation == "relu":
        found[KINK, 0] = moved(model, lambda w: w + _NUDGE * bias if w is inputs.w else w, lambda g: g)
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
        return np.sqrt(max(np.linalg.eigvalsh((every @ every).mean(axis=0) - np.linalg.matrix_power(every.mean(axis=0), 2))[-1], 0))

    data = {"w": inputs.w, "x": inputs.x, "y": inputs.y}
    found = {"sharpness": Derived(sharpness, data)}
    return found | ({"non_uniformity": Derived(non_uniformity, data)} if len(inputs.x) > 1 else {})


def _images(numbers, n, shape=(1, 4, 4), classes=3, size=2, filters=3, pooled=False, stride=None, pad=0):
    settings = dict(zip(("channels", "height", "width"), shape)) | {
        "classes": classes, "size": size, "filters": filters, "pooled": pooled, "stride": stride, "pad": pad}
    count = images.ConvNet(**settings).parameter_shape[0]
    return Inputs(settings, numbers.real(count) / 4, numbers.real(n, *shape), numbers.index(classes, n))


def _dark_image(numbers):
    inputs = _images(numbers, 3)
    inputs.x[1] = 0
    return inputs.change(note="image 1 is zero: every pre-activation is exactly 0 and only the bias acts")


def _image_margin(numbers):
    inputs = _images(numbers, 2)
    return inputs.change(w=inputs.w * 2.0**7, scale=1e-3,
                         note="margins of thousands: exp of a score overflows, the loss does not")


def _trained(settings):
    def path(w, x, y, *, lr, indices, momentum, weight_decay, noise=None):
        run = images.train(images.ConvNet(**settings), w, x, y, lr=lr, epochs=len(lr), indices=indices[:, None],
                           momentum=momentum, weight_decay=weight_decay, divergence_limit=1e9,
                           noise=None if noise is None else noise[:, None], observe={"w": lambda w: w.copy()})
        return run.observed["w"]
    return path


def _momentum(inputs):
    """SGD with momentum in PyTorch's convention, v ← μv + g + λw, w ← w − ηv; noise on pre-activations, one a block."""
    if inputs.scale:
        return {}
    numbers = Numbers("momentum")
    n, steps = len(inputs.x), 6
    options = {"lr": np.where(np.arange(steps) < 3, 0.125, 0.03125), "momentum": 0.5, "weight_decay": 0.125,
               "indices": np.array([numbers.order(n)[:min(2, n)] for _ in range(steps)])}
    blocks = images.ConvNet(**inputs.settings).block_count
    path = _trained(inputs.settings)
    return {"train:momentum": (path, options),
            "train:momentum-noise": (path, options | {"noise": numbers.real(steps, blocks) / 4})}


def _image_variants(model, inputs):
    d, m = model.inputs, model.filters
    order = np.arange(model.parameter_shape[0])
    order[:d * m] = order[:d * m].reshape(m, d).T.ravel()
    return transposed(model, lambda w: w[order], lambda g: g[np.argsort(order)])


_CNN = ("w (2, m, d), x (n, P, d), y (n) of ±1. predict f = F_0 − F_1 with F_j = (1/m) Σ_r Σ_p σ(⟨w_jr, x_ip⟩), the sum over patches, "
        "the mean over filters; σ(z) is max(z, 0)² (relu2), max(z, 0) (relu) or z² (square), with first and second "
        "derivative 0 at z ≤ 0 in the first two. Loss of an example (f − y)², without ½; loss their mean.")
_MLP = ("w flat: for each layer the weights (inputs × outputs) row by row, then the biases. x (n, inputs); y (n) or (n, outputs), "
        "or class numbers (n) for cross-entropy. No activation after the last layer; predict (n, outputs), or (n) for one "
        "output. Loss of an example ½‖f − y‖², the sum over outputs, or −log softmax(f)[y]; loss their mean. The ReLU has "
        "derivative 0 at 0. sharpness is λmax of the Hessian of the loss, non_uniformity √λmax(mean(H_i²) − H²) over the "
        "Hessians H_i of the examples.")
_CONV = ("w flat: filters U (s·s·channels × m), the inputs of a block in the order channel, row, column; then the head "
         "(K·m × classes), block by block, or pooled (m × classes); then biases (classes). x (n, channels, height, width), "
         "padded with zeros; K blocks of side `size` every `stride` pixels (null: `size`) in rows from the top left. "
         "predict: ReLU of block · U, without bias, for all blocks one after the other or, pooled, their mean, then the head. "
         "Loss of an example −log softmax(f)[y] with class numbers y; loss their mean. The ReLU has derivative 0 at 0. "
         "train(w, x, y, lr, indices, momentum, weight_decay, noise): v ← μ v + ∇L_B(w) + λ w from v = 0, then w ← w − lr[t] v; "
         "noise[t] (K), one number a block, is added to that block's pre-activations before the ReLU.")

NETWORKS = {
    "TwoLayerCNN": Entry(benign_oscillation.TwoLayerCNN, _CNN, _patches, {
        "n1-d1-m1": {"n": 1, "dim": 1, "width": 1, "patches": 2},
        "n2-d2-m3": {"n": 2, "dim": 2, "width": 3},
        "n3-d3-m3": {"n": 3, "dim": 3, "width": 3},
        "n4-d5-m2": {"n": 4, "dim": 5, "width": 2, "patches": 2},
        "relu-n3-d4-m2": {"n": 3, "dim": 4, "width": 2, "activation": "relu"},
        "square-n3-d2-m4": {"n": 3, "dim": 2, "width": 4, "activation": "square"},
        "n16-d64-m8": {"n": 16, "dim": 64, "width": 8},
    }, {"n": (1, 4), "dim": (1, 4), "width": (1, 3), "patches": (1, 3), "activation": ["relu2", "relu", "square"]}, {
        "relu2-tie": _cnn_tie("relu2"), "relu-tie": _cnn_tie("relu"), "zero-weights": _cnn_zero_weights,
        "zero-patch": _cnn_zero_patch, "huge-output": _cnn_huge, "two-patches": _two_patches,
        "opposite-patches": _cnn_opposite,
    }, lr=2.0**-7, big_lr=2.0**20, scalars=_oscillation, variants=_cnn_variants),
    "MLP": Entry(network.MLP, _MLP, _mlp, {
        "n1-1-1": {"n": 1, "widths": (1, 1)},
        "n2-2-3-1": {"n": 2, "widths": (2, 3, 1)},
        "n3-3-3-2": {"n": 3, "widths": (3, 3, 2)},
        "n5-2-3-2-3-1": {"n": 5, "widths": (2, 3, 2, 3, 1)},
        "relu-n4-3-4-2": {"n": 4, "widths": (3, 4, 2), "activation": "relu"},
        "identity-n3-2-2-1": {"n": 3, "widths": (2, 2, 1), "activation": "identity"},
        "cross-entropy-n4-3-4-3": {"n": 4, "widths": (3, 4, 3), "loss_kind": "cross-entropy"},
        "relu-cross-entropy-n3-2-3-2": {"n": 3, "widths": (2, 3, 2), "activation": "relu", "loss_kind": "cross-entropy"},
        "n32-20-24-16-1": {"n": 32, "widths": (20, 24, 16, 1)},
    }, {"n": (1, 4), "widths": [(1, 1), (2, 1), (2, 3, 1), (1, 2, 2), (2, 2, 2, 2)],
        "activation": ["tanh", "relu", "identity"]}, {
        "zero-row": _mlp_zero_row, "tie": _mlp_tie, "huge-margin": _mlp_huge_margin, "repeated-example": _mlp_repeated,
    }, lr=0.0625, big_lr=2.0**40, scalars=_mlp_curvature, variants=_mlp_variants),
    "ConvNet": Entry(images.ConvNet, _CONV, _images, {
        "n1-m1": {"n": 1, "shape": (1, 2, 2), "classes": 2, "filters": 1},
        "n3-m4": {"n": 3, "filters": 4},
        "pooled-n2-m3": {"n": 2, "pooled": True},
        "overlapping-n2-m2": {"n": 2, "shape": (2, 4, 5), "size": 3, "stride": 1, "filters": 2, "pad": 1},
        "n8-m16": {"n": 8, "shape": (3, 9, 9), "classes": 5, "size": 3, "filters": 16},
    }, {"n": (1, 3), "classes": (2, 4), "filters": (1, 3), "pooled": [False, True]}, {
        "zero-image": _dark_image, "huge-margin": _image_margin,
    }, lr=0.0625, algorithms=_momentum, variants=_image_variants),
}
