"""Implementations that are wrong on purpose: for every likely cause that the kit can name, code that makes the mistake.

Each is written as somebody would write it, not by asking the kit's own
recomputation. `FAULTS` holds (cause, model, function that must be blamed,
candidate); a candidate is a function of the model's settings.
"""

from types import SimpleNamespace

import numpy as np

from refimpl import (benign_oscillation, convex_annealing, edge_of_stability, images, learning_order, linear_stability,
                     network)
from refimpl.testing import _mistake_names as cause

MAKE = {"LinearRegression": linear_stability.LinearRegression, "Quadratic": linear_stability.Quadratic,
        "TwoMinima": linear_stability.TwoMinima, "LeastSquares": convex_annealing.LeastSquares,
        "TwoLayerCNN": benign_oscillation.TwoLayerCNN, "MLP": network.MLP, "ConvNet": images.ConvNet,
        "TwoLayerReLU": learning_order.TwoLayerReLU, "LinearNet": edge_of_stability.LinearNet}


def picked(y, batch):
    """Labels of a batch, or None."""
    return None if y is None else y[batch]


def sgd(fault="", gradient=None):
    """SGD as somebody writes it, with one mistake: a function of the settings' model."""
    def of(model):
        slope_of = gradient or model.gradient

        def run(w, x, y, *, lr, indices, noise=None, weight_decay=0.0, momentum=0.0, nesterov=False, dampening=0.0):
            path, velocity = [w], None
            for t, batch in enumerate(indices):
                rate = lr[0] if fault == "schedule" else lr[t]
                if fault == "collapsed":
                    batch = sorted(set(batch.tolist()))
                if fault == "everything":
                    batch = slice(None)
                g = slope_of(w, x[batch], picked(y, batch))
                g = {"sum": len(x[batch]), "whole set": len(x[batch]) / len(x), "ascent": -1, "double": 2,
                     "half": 0.5}.get(fault, 1) * g
                if noise is not None and fault != "no noise":
                    g = g + {"noise sign": -1, "noise rate": 1 / rate, "noise root": rate**-0.5,
                             "noise first rate": lr[0] / rate}.get(fault, 1) * noise[t]
                decay = {"no decay": 0, "double decay": 2, "half decay": 0.5, "decay rate": 1 / rate,
                         "decay first rate": lr[0] / rate}.get(fault, 1) * weight_decay * w
                if fault not in ("decay after", "decoupled"):
                    g = g + decay
                keep = 1 - dampening if fault != "no dampening" else 1
                if fault == "damped":
                    keep = 1 - (dampening or momentum)
                    keep = 1 if dampening and velocity is None else keep
                first = velocity is None and fault not in ("damped", "dampening first")
                push = rate * g if fault == "rate inside" else g
                velocity = push if first else keep * push + (0 if velocity is None else momentum * velocity)
                along = velocity
                if fault == "no momentum":
                    along = g
                elif fault == "nesterov" or nesterov and fault != "heavy ball":
                    along = push + momentum * velocity
                step = along if fault == "rate inside" else rate * along
                if fault == "decay after":
                    w = w - step
                    w = w - rate * weight_decay * w
                else:
                    w = w - step - (rate * decay if fault == "decoupled" else 0)
                path.append(w)
            return np.array(path)
        return run
    return of


def only(name, function):
    """A candidate with one function, made from the model of the settings."""
    def candidate(model):
        return lambda **settings: {name: function(MAKE[model](**settings))}
    return candidate


def scaled(name, factor):
    """A function of the model times factor(n)."""
    return only(name, lambda model: lambda w, x, *rest: factor(len(x)) * getattr(model, name)(w, x, *rest))


def regression_single(model):
    """Least squares in single precision, whatever comes in."""
    def gradient(w, x, y):
        with np.errstate(all="ignore"):
            w, x = w.astype(np.float32), x.astype(np.float32)
            residual = x @ w - (0 if y is None else y.astype(np.float32))
            return x.T @ residual / np.float32(len(x))
    return gradient


def transposed_data(model):
    def predict(w, x):
        return x.T @ w
    return predict


def cnn(mean_filters=True, mean_patches=False, reshaped=False, at_zero=0.0, gradient_order=False):
    """The two-layer net in NumPy, forward and backward, with switches for its mistakes."""
    def of(**settings):
        width, activation = settings["width"], settings["activation"]

        def parts(w, x):
            if reshaped:
                w = np.stack([half.reshape(settings["dim"], width).T for half in w])
            z = np.einsum("jrd,npd->njrp", w, x)
            positive = np.maximum(z, 0)
            value = {"relu": positive, "relu2": positive**2, "square": z**2}[activation]
            slope = {"relu": np.heaviside(z, at_zero), "relu2": 2 * positive, "square": 2 * z}[activation]
            scale = np.array([1.0, -1.0])[None, :, None, None] * np.ones_like(z)
            scale = scale / width if mean_filters else scale
            scale = scale / x.shape[1] if mean_patches else scale
            return (scale * value).sum(axis=(1, 2, 3)), scale * slope

        def predict(w, x):
            return parts(w, x)[0]

        def loss(w, x, y):
            return ((predict(w, x) - y) ** 2).mean()

        def gradient(w, x, y):
            f, slope = parts(w, x)
            g = np.einsum("n,njrp,npd->jrd", 2 * (f - y) / len(x), slope, x)
            return np.stack([half.T.reshape(half.shape) for half in g]) if reshaped or gradient_order else g

        return {"predict": predict, "loss": loss, "gradient": gradient}
    return of


def mlp(torch_layout=False, at_zero=0.0, mean_outputs=False):
    """The fully connected net, squared loss or cross-entropy, with switches for its mistakes."""
    def of(**settings):
        widths, activation = settings["widths"], settings["activation"]

        def layers(w):
            first = 0
            for a, b in zip(widths, widths[1:]):
                weight = w[first:first + a * b]
                weight = weight.reshape(b, a).T if torch_layout else weight.reshape(a, b)
                yield weight, w[first + a * b:first + (a + 1) * b]
                first += (a + 1) * b

        def forward(w, x):
            inputs, slopes, now, count = [], [], x, len(widths) - 1
            for number, (weight, bias) in enumerate(layers(w)):
                inputs.append(now)
                now = now @ weight + bias
                if number < count - 1:
                    slopes.append({"relu": np.heaviside(now, at_zero), "tanh": 1 - np.tanh(now) ** 2,
                                   "identity": np.ones_like(now)}[activation])
                    now = {"relu": np.maximum(now, 0), "tanh": np.tanh(now), "identity": now}[activation]
            return inputs, slopes, now

        def predict(w, x):
            f = forward(w, x)[2]
            return f[:, 0] if widths[-1] == 1 else f

        def delta(f, y):
            if settings["loss_kind"] == "squared":
                return (f - np.reshape(y, f.shape)) / (widths[-1] if mean_outputs else 1)
            share = np.exp(f - f.max(axis=1, keepdims=True))
            return share / share.sum(axis=1, keepdims=True) - np.eye(widths[-1])[y]

        def gradient(w, x, y):
            inputs, slopes, f = forward(w, x)
            d = delta(f, y) / len(x)
            parts = []
            for number, (weight, _) in reversed(list(enumerate(layers(w)))):
                slope = inputs[number].T @ d
                parts = [(slope.T if torch_layout else slope).ravel(), d.sum(axis=0), *parts]
                d = d @ weight.T * slopes[number - 1] if number else None
            return np.concatenate(parts)

        return {"predict": predict, "gradient": gradient}
    return of


def two_blocks(root=True, at_zero=0.0, columns=False):
    """The two-block ReLU net in NumPy, with switches for its mistakes."""
    def of(**settings):
        d, widths = settings["dim"], (settings["w_width"], settings["v_width"])
        u = np.concatenate([scale * (-1.0) ** np.arange(m) / (np.sqrt(m) if root else 1)
                            for scale, m in zip((settings["w_scale"], settings["v_scale"]), widths)])
        mask = np.ones((sum(widths), 2 * d))
        if settings["block"]:
            mask[:widths[0], d:] = mask[widths[0]:, :d] = 0

        def predict(w, x):
            w = w.reshape(w.shape[::-1]).T if columns else w
            return np.maximum(x @ (w * mask).T, 0) @ u

        def gradient(w, x, y):
            slope = -y / (1 + np.exp(np.minimum(y * predict(w, x), 700)))
            active = np.heaviside(x @ (w * mask).T, at_zero)
            return (active * slope[:, None] * u).T @ x * mask / len(x)

        return {"predict": predict, "gradient": gradient}
    return of


def without_momentum(model):
    def train(w, x, y, *, lr, indices, momentum, weight_decay, noise=None):
        path = [w]
        for t, batch in enumerate(indices):
            extra = {} if noise is None else {"noise": noise[t][:, None]}
            w = w - lr[t] * (model.gradient(w, x[batch], y[batch], **extra) + weight_decay * w)
            path.append(w)
        return np.array(path)
    return train


def deviation_of_curvature(factors):
    """λmax(Σ), without the root."""
    h = factors[:, :, None] * factors[:, None, :]
    mean = h.mean(axis=0)
    return np.linalg.eigvalsh((h @ h).mean(axis=0) - mean @ mean)[-1]


def brute_critical_lr(factors, batch_size, replacement):
    """2/λmax(C⁻¹D) by Kronecker products on range(H), nothing of `theory`."""
    n, d = factors.shape
    p = 1 / batch_size if replacement else (n - batch_size) / (batch_size * (n - 1)) if n > 1 else 0.0
    h = factors[:, :, None] * factors[:, None, :]
    mean = h.mean(axis=0)
    values, vectors = np.linalg.eigh(mean)
    basis = vectors[:, values > 1e-10 * values[-1]]
    h, mean = basis.T @ h @ basis, basis.T @ mean @ basis
    eye = np.eye(len(mean))
    c = (np.kron(mean, eye) + np.kron(eye, mean)) / 2
    d = (1 - p) * np.kron(mean, mean) + p * np.mean([np.kron(each, each) for each in h], axis=0)
    return 2 / np.linalg.eigvals(np.linalg.solve(c, d)).real.max()


def scalar(name, function):
    return lambda model: {name: function}


STATIC = [
    (cause.FACTOR_2, "loss", lambda n: 2), (cause.FACTOR_2, "gradient", lambda n: 2),
    (cause.FACTOR_2, "hvp", lambda n: 2),
    (cause.FACTOR_HALF, "loss", lambda n: 0.5), (cause.FACTOR_HALF, "gradient", lambda n: 0.5),
    (cause.FACTOR_HALF, "hvp", lambda n: 0.5), (cause.SUM, "loss", lambda n: n), (cause.SUM, "gradient", lambda n: n),
    (cause.SUM, "hvp", lambda n: n), (cause.TWICE, "gradient", lambda n: 1 / n), (cause.SIGN, "gradient", lambda n: -1),
    (cause.BESSEL, "loss", lambda n: n / (n - 1) if n > 1 else np.inf), (cause.SIGN, "predict", lambda n: -1),
]
LOOPS = [
    (cause.COLLAPSED, "collapsed"), (cause.INDICES_IGNORED, "everything"), (cause.SUM, "sum"),
    (cause.WHOLE_SET, "whole set"),
    (cause.SIGN, "ascent"), (cause.FACTOR_2, "double"), (cause.FACTOR_HALF, "half"), (cause.NOISE_SIGN, "noise sign"),
    (cause.NOISE_RATE, "noise rate"), (cause.NOISE_IGNORED, "no noise"), (cause.DECAY_UPDATED, "decay after"),
    (cause.DECAY_RATE, "decay rate"), (cause.DECAY_IGNORED, "no decay"), (cause.DECAY_DOUBLE, "double decay"),
    (cause.SCHEDULE_IGNORED, "schedule"), (cause.NOISE_ROOT, "noise root"),
    (cause.NOISE_FIRST_RATE, "noise first rate"), (cause.DECAY_HALF, "half decay"),
    (cause.DECAY_FIRST_RATE, "decay first rate"), (cause.DECAY_DECOUPLED, "decoupled"),
    (cause.DAMPENING_IGNORED, "no dampening"), (cause.DAMPENING_FIRST, "dampening first"),
    (cause.MOMENTUM_DAMPED, "damped"), (cause.RATE_INSIDE, "rate inside"), (cause.MOMENTUM_IGNORED, "no momentum"),
    (cause.NESTEROV, "nesterov"), (cause.NESTEROV_IGNORED, "heavy ball"),
]


def labels(change):
    return only("gradient", lambda model: lambda w, x, y: model.gradient(w, x, None if y is None else change(y)))


def faults():
    """(cause, model, function, candidate) of every planted fault."""
    for model in MAKE:
        for name, function, factor in STATIC:
            if hasattr(MAKE[model], function):
                yield name, model, function, scaled(function, factor)(model)
    for model in ("LinearRegression", "TwoLayerCNN"):
        for name, fault in LOOPS:
            yield name, model, "sgd", only("sgd", sgd(fault))(model)
    for model in ("LinearRegression", "LeastSquares", "TwoLayerCNN", "TwoLayerReLU"):
        yield cause.LABELS_IGNORED, model, "gradient", labels(lambda y: 0 * y)(model)
        yield cause.LABELS_NEGATED, model, "gradient", labels(lambda y: -y)(model)
    yield cause.PRECISION, "LinearRegression", "gradient", only("gradient", regression_single)("LinearRegression")
    yield cause.TRANSPOSED_DATA, "LinearRegression", "predict", only("predict", transposed_data)("LinearRegression")
    for function in ("predict", "loss", "gradient"):
        for name, candidate in ((cause.WIDTH, cnn(mean_filters=False)), (cause.PATCHES, cnn(mean_patches=True)),
                                (cause.TRANSPOSED, cnn(reshaped=True))):
            yield name, "TwoLayerCNN", function, pick(candidate, function)
    yield cause.TRANSPOSED, "TwoLayerCNN", "gradient", pick(cnn(gradient_order=True), "gradient")
    yield cause.WIDTH, "TwoLayerCNN", "gradient", lambda **settings: {
        "gradient": lambda w, x, y: settings["width"] * cnn()(**settings)["gradient"](w, x, y)}
    yield cause.KINK, "TwoLayerCNN", "gradient", pick(cnn(at_zero=1.0), "gradient")
    for function in ("predict", "gradient"):
        yield cause.TRANSPOSED, "MLP", function, pick(mlp(torch_layout=True), function)
    yield cause.KINK, "MLP", "gradient", pick(mlp(at_zero=1.0), "gradient")
    yield cause.OUTPUTS, "MLP", "gradient", pick(mlp(mean_outputs=True), "gradient")
    yield cause.ROOT_WIDTH, "TwoLayerReLU", "predict", pick(two_blocks(root=False), "predict")
    yield cause.ROOT_WIDTH, "TwoLayerReLU", "gradient", pick(two_blocks(root=False), "gradient")
    yield cause.TRANSPOSED, "TwoLayerReLU", "predict", pick(two_blocks(columns=True), "predict")
    for function, candidate in (("predict", lambda model: lambda w, x: (w[0] @ w[1]) * x),
                                ("gradient", lambda model: lambda w, x, y: (((w[0] @ w[1]) * x - y) * x).mean()
                                 * w[::-1])):
        yield cause.ROOT_WIDTH, "LinearNet", function, only(function, candidate)("LinearNet")
    yield cause.ROOT_WIDTH_BACK, "LinearNet", "gradient", only("gradient", lambda model: lambda w, x, y: (
        (model.predict(w, x) - y) * x).mean() * w[::-1])("LinearNet")
    yield cause.GAUSS_NEWTON, "LinearNet", "hvp", only("hvp", lambda model: lambda w, x, y, v: (
        (w[::-1] * v).sum() * (x * x).mean() / model.width * w[::-1]))("LinearNet")
    yield cause.KINK, "TwoLayerReLU", "gradient", pick(two_blocks(at_zero=1.0), "gradient")
    yield cause.MOMENTUM_IGNORED, "ConvNet", "train", only("train", without_momentum)("ConvNet")
    yield cause.SQUARED, "LinearRegression", "non_uniformity", {"non_uniformity": deviation_of_curvature}
    for name, wrong in ((cause.REPLACEMENT, lambda g, size, again: brute_critical_lr(g, size, not again)),
                        (cause.SUM, lambda g, size, again: brute_critical_lr(g, size, again) / len(g)),
                        (cause.RATE_DOUBLED, lambda g, size, again: 2 * brute_critical_lr(g, size, again))):
        yield name, "LinearRegression", "critical_lr", {
            "critical_lr": lambda factors, batch_size, replacement, f=wrong: f(factors, batch_size, replacement)}


def pick(candidate, function):
    return lambda **settings: {function: candidate(**settings)[function]}


FAULTS = list(faults())
RIGHT = SimpleNamespace(cnn=cnn(), mlp=mlp(), two_blocks=two_blocks(), sgd=sgd(), critical_lr=brute_critical_lr)
