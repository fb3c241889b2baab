"""Row of the table of models for the convolutional net on images."""

import numpy as np

from refimpl import images
from refimpl.testing._model_table import Entry, Inputs
from refimpl.testing._portable_numbers import Numbers
from refimpl.testing._wrong_models import transposed
from refimpl.testing._wrong_steps import iterate


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
                           preactivation_noise=None if noise is None else noise[:, None],
                           observe={"w": lambda w: w.copy()})
        return run.observed["w"]
    return path


def _momentum(inputs):
    """SGD with momentum in PyTorch's convention, v ← μv + g + λw, w ← w − ηv; noise one number per block."""
    if inputs.scale:
        return {}
    numbers, more = Numbers("momentum"), Numbers("momentum schedules")
    n, steps = len(inputs.x), 6
    options = {"lr": np.where(np.arange(steps) < 3, 0.125, 0.03125), "momentum": 0.5, "weight_decay": 0.125,
               "indices": np.array([numbers.order(n)[:min(2, n)] for _ in range(steps)])}
    blocks = images.ConvNet(**inputs.settings).block_count
    path = _trained(inputs.settings)
    found = {"train:momentum": options, "train:momentum-noise": options | {"noise": numbers.real(steps, blocks) / 4}}
    falling = np.array([8, 4, 6, 2, 5, 3]) / 64
    found["train:heavy"] = {"lr": falling, "momentum": 0.75, "weight_decay": 0.375, "indices": more.index(n, steps, 3),
                            "noise": more.real(steps, blocks) / 8}
    found["train:light"] = {"lr": falling[::-1] / 2, "momentum": 0.25, "weight_decay": 0.0,
                            "indices": more.index(n, steps, 1)}
    found["train:without-momentum"] = {"lr": falling, "momentum": 0.0, "weight_decay": 0.1875,
                                       "indices": more.index(n, steps, 4)}
    return {key: (path, options, _plain(inputs.settings)) for key, options in found.items()}


def _plain(settings):
    """The same iterates by plain steps."""
    model = images.ConvNet(**settings)

    def path(w, x, y, *, noise=None, **options):
        def gradient(w, x, y, t):
            return model.gradient(w, x, y, **({} if noise is None else {"noise": noise[t][:, None]}))
        return iterate(gradient, w, x, y, **options)
    return path


def _biases(model):
    """1 where a parameter is a bias."""
    marks = np.zeros(model.parameter_shape)
    marks[-model.classes:] = 1
    return marks


def _image_variants(model, inputs):
    d, m = model.inputs, model.filters
    order = np.arange(model.parameter_shape[0])
    order[:d * m] = order[:d * m].reshape(m, d).T.ravel()
    return transposed(model, lambda w: w[order], lambda g: g[np.argsort(order)])


IMAGES = {
    "ConvNet": Entry(images.ConvNet, _images, {
        "n1-m1": {"n": 1, "shape": (1, 2, 2), "classes": 2, "filters": 1},
        "n3-m4": {"n": 3, "filters": 4},
        "one-pixel-blocks-n2-m1": {"n": 2, "shape": (1, 2, 3), "classes": 2, "size": 1, "filters": 1},
        "pooled-n2-m3": {"n": 2, "pooled": True},
        "overlapping-n2-m2": {"n": 2, "shape": (2, 4, 5), "size": 3, "stride": 1, "filters": 2, "pad": 1},
        "leftover-n2-m3": {"n": 2, "shape": (1, 5, 7), "filters": 3},
        "leftover-stride-n2-m2": {"n": 2, "shape": (2, 6, 5), "classes": 4, "size": 3, "stride": 2, "filters": 2},
        "pooled-stride-pad-n3-m2": {"n": 3, "shape": (2, 5, 4), "classes": 4, "size": 3, "stride": 2, "pad": 1,
                                    "filters": 2, "pooled": True},
        "pad-2-n2-m3": {"n": 2, "shape": (1, 3, 4), "classes": 2, "size": 2, "stride": 3, "pad": 2, "filters": 3},
        "n8-m16": {"n": 8, "shape": (3, 9, 9), "classes": 5, "size": 3, "filters": 16},
    }, {"n": (1, 3), "classes": (2, 4), "filters": (1, 3), "pooled": [False, True]}, {
        "zero-image": _dark_image, "huge-margin": _image_margin,
    }, single=("zero-image", "huge-margin"), lr=0.0625, algorithms=_momentum, variants=_image_variants, biases=_biases,
       loss="cross-entropy"),
}
