"""More mistakes that people make, each as somebody would write it, with the names that are right for it.

`PLANTED` holds (kind, model, candidate, names): a candidate must fail, and any
cause that is named must be one of `names`; none is named where `names` is ().
"""

import sys

import numpy as np

from refimpl.testing import _mistake_names as cause, check_model
from tests.testing._faults import MAKE, cnn, mlp, only, pick, picked, two_blocks
from tests.testing._planted_scalars import of_annealing, of_scalars
from tests.testing._spoiled import Counting, guarded, in_place, one_buffer_sgd, overwriting_sgd


def after(function, change):
    """A candidate whose function is the model's with its result changed: ``change(result, model, w, x, *rest)``."""
    def of(model):
        def wrong(w, x, *rest):
            return change(getattr(model, function)(w, x, *rest), model, w, x, *rest)
        return wrong
    return lambda name: only(function, of)(name)


def before(function, change):
    """A candidate whose function is the model's on changed arguments."""
    def of(model):
        return lambda *given: getattr(model, function)(*change(*given))
    return lambda name: only(function, of)(name)


def path(change, function="sgd"):
    """SGD, right but for one change of its arguments or result: ``change(run, w, x, y, options)``."""
    def of(model):
        def run(w, x, y, *, lr, indices, noise=None, weight_decay=0.0):
            now, found = w, [w]
            for t, batch in enumerate(indices):
                g = model.gradient(now, x[batch], picked(y, batch)) + weight_decay * now
                now = now - lr[t] * (g if noise is None else g + noise[t])
                found.append(now)
            return np.array(found)
        return lambda w, x, y, **options: change(run, w, x, y, options)
    return lambda name: only(function, of)(name)


def changed(**changes):
    """A change of options of a run, each by a function of what it was."""
    def change(run, w, x, y, options):
        return run(w, x, y, **{key: changes[key](value) if key in changes else value for key, value in options.items()})
    return change


ANY = ("LinearRegression", "TwoLayerCNN", "MLP", "ConvNet", "TwoLayerReLU")
NETS = ("TwoLayerCNN", "MLP", "TwoLayerReLU")
LABELLED = ("LinearRegression", "LeastSquares", "TwoLayerCNN", "TwoLayerReLU")


def of_results():
    """Results that are changed: (kind, models, candidate of a model, names)."""
    yield "divided by a fixed 2", ANY, after("gradient", lambda g, m, w, x, *r: g * len(x) / 2), (
        cause.FIXED_DIVISOR.format(2),)
    yield "divided by a fixed 32", ANY, after("loss", lambda g, m, w, x, *r: g * len(x) / 32), (
        cause.FIXED_DIVISOR.format(32),)
    yield "divided by n + 1", ANY, after("gradient", lambda g, m, w, x, *r: g * len(x) / (len(x) + 1)), ()
    yield "constant factor 1.1", ANY, after("hvp", lambda g, *r: 1.1 * g), (cause.CONSTANT.format(1.1),)
    yield "log to base 2", ("TwoLayerReLU", "ConvNet"), after("loss", lambda g, *r: g / np.log(2)), (
        cause.CONSTANT.format(1 / np.log(2)),)
    yield "divided by d", ANY, after("gradient", lambda g, m, w, x, *r: g / x[0].size), ()
    yield "mean over w", ANY, after("gradient", lambda g, m, w, *r: g / w.size), ()
    yield "clipped at 1", ANY, after("gradient", lambda g, *r: np.clip(g, -1, 1)), ()
    yield "normalised", ANY, after("gradient", lambda g, *r: g / max(np.abs(g).max(), 1e-300)), ()
    yield "rounded to 6 digits", ANY, after("gradient", lambda g, *r: np.round(g, 6)), ()
    yield "half precision", ANY, after("gradient", lambda g, *r: np.clip(g, -6e4, 6e4).astype(np.float16)), ()
    yield "1e-8 added", ANY, after("loss", lambda g, *r: g + 1e-6), ()
    yield "weight decay in the loss", ANY, after("loss", lambda g, m, w, *r: g + 0.01 * (w**2).sum()), ()
    yield "weight decay in the gradient", ANY, after("gradient", lambda g, m, w, *r: g + 0.01 * w), ()
    yield "shape (1,)", ANY, after("loss", lambda g, *r: np.atleast_1d(g)), ()
    yield "column", ANY, after("predict", lambda g, *r: g[..., None]), ()
    yield "flat", ("TwoLayerCNN", "TwoLayerReLU"), after("gradient", lambda g, *r: g.ravel()), ()
    yield "absolute value", ANY, after("gradient", lambda g, *r: np.abs(g)), ()
    yield "NaN guard", ANY, after("gradient", lambda g, *r: g * np.nan if (np.abs(g) > 1e-3).any() else g), (
        cause.NOT_FINITE,)
    yield "zeros", ANY[:2], after("gradient", lambda g, *r: np.zeros_like(g)), (cause.ZEROS,)
    yield "masked", ANY, after("gradient", lambda g, *r: np.ma.masked_all(g.shape)), ()
    yield "last entry dropped", ANY, after("gradient", lambda g, *r: g[..., :-1]), ()
    yield "integers", ANY, after("gradient", lambda g, *r: np.clip(g, -1e9, 1e9).astype(np.int64)), ()
    yield "complex", ANY, after("gradient", lambda g, *r: g + 0j), ()
    yield "signs alone", ANY, after("gradient", lambda g, *r: np.sign(g)), ()
    yield "finite differences", ("LeastSquares", "MLP"), only_differences, ()


def only_differences(name):
    """One-sided differences with a step of 1e-6: five digits."""
    def of(model):
        def gradient(w, x, y):
            steps = np.eye(w.size).reshape(-1, *w.shape) * 1e-6
            here = model.loss(w, x, y)
            return np.array([(model.loss(w + step, x, y) - here) / 1e-6 for step in steps]).reshape(w.shape)
        return gradient
    return only("gradient", of)(name)


def of_arguments():
    yield "labels shifted by one", LABELLED, before("gradient", lambda w, x, y: (
        w, x, None if y is None else np.roll(y, 1))), ()
    yield "labels doubled", ("TwoLayerCNN", "LeastSquares"), before("loss", lambda w, x, y: (w, x, 2 * y)), ()
    yield "labels 0 and 1", ("TwoLayerCNN", "TwoLayerReLU"), before("gradient", lambda w, x, y: (w, x, (y + 1) / 2)), (
        cause.LABELS_01,)
    yield "first example left out", ANY, before("loss", lambda w, x, y: (
        (w, x[1:], None if y is None else y[1:]) if len(x) > 1 else (w, x, y))), ()
    yield "last example left out", ANY, before("gradient", lambda w, x, y: (
        (w, x[:-1], None if y is None else y[:-1]) if len(x) > 1 else (w, x, y))), ()
    yield "duplicates removed", ("LinearRegression", "MLP"), before("gradient", lambda w, x, y: (
        w, *distinct(x, y))), ()
    yield "x centred", ANY, before("predict", lambda w, x: (w, x - x.mean(axis=0))), ()
    yield "x scaled to length 1", ANY, before("predict", lambda w, x: (
        w, x / np.maximum(np.sqrt((x**2).sum()), 1e-9))), ()
    yield "w in single precision", ("LinearRegression", "MLP", "ConvNet"), before("gradient", lambda w, x, y: (
        w.astype(np.float32).astype(float) if np.abs(w).max() < 1e30 else w * 1.0000001,
        (x * 1.0000001).astype(x.dtype), y)), ()
    yield "v and w exchanged", NETS, before("hvp", lambda w, x, y, v: (v, x, y, w)), ()
    yield "v normalised", ANY, before("hvp", lambda w, x, y, v: (w, x, y, v / np.sqrt((v**2).sum()))), ()
    yield "v ignored", ANY, before("hvp", lambda w, x, y, v: (w, x, y, w)), ()


def distinct(x, y):
    _, first = np.unique(x.reshape(len(x), -1), axis=0, return_index=True)
    return x[np.sort(first)], None if y is None else y[np.sort(first)]


def of_runs():
    yield "rate early", ANY, path(changed(lr=lambda lr: np.append(lr[1:], lr[-1]))), (cause.RATE_EARLY,)
    yield "rate late", ANY, path(changed(lr=lambda lr: np.append(lr[0], lr[:-1]))), (cause.RATE_LATE,)
    yield "mean rate", ANY, path(changed(lr=lambda lr: np.full(len(lr), lr.mean()))), ()
    yield "rates sorted", ANY, path(changed(lr=lambda lr: np.sort(lr)[::-1])), ()
    yield "size of the first batch", ANY, first_size, (cause.FIRST_SIZE,)
    yield "ragged batches filled up", ANY, path(changed(indices=filled_up)), ()
    yield "w0 left out", ANY, path(lambda run, w, x, y, o: run(w, x, y, **o)[1:]), (cause.START_LEFT_OUT,)
    yield "last iterate left out", ANY, path(lambda run, w, x, y, o: run(w, x, y, **o)[:-1]), (cause.END_LEFT_OUT,)
    yield "first batch always", ANY, path(changed(indices=lambda i: [i[0]] * len(i))), (cause.FIRST_BATCH,)
    yield "batches reversed", ANY, path(changed(indices=lambda i: i[::-1])), ()
    yield "first example of a batch", ANY, path(changed(indices=lambda i: [batch[:1] for batch in i])), ()
    yield "indices from 1", ANY, path(changed(indices=lambda i: [np.maximum(batch - 1, 0) for batch in i])), ()
    yield "noise of the next step", ANY, path(changed(noise=lambda e: np.roll(e, -1, axis=0))), ()
    yield "noise of the first step", ANY, path(changed(noise=lambda e: np.broadcast_to(e[0], e.shape))), ()
    yield "noise squared", ANY, path(changed(noise=lambda e: e * np.abs(e))), ()
    yield "decay squared", ANY, path(changed(weight_decay=lambda d: d * d)), (cause.DECAY_SQUARED,)
    yield "decay hard-coded", ANY, path(changed(weight_decay=lambda d: 0.5)), ()
    yield "decay halved", ANY, path(changed(weight_decay=lambda d: d / 2)), (cause.DECAY_HALF,)
    yield "all iterates the last", ANY, one_buffer, ()
    yield "w overwritten", ANY, lambda name: only("sgd", overwriting_sgd)(name), (cause.CHANGES_INPUT,)
    for model in ("MLP", "ConvNet"):
        yield f"biases exempt in {model}", (model,), biases_exempt, (cause.DECAY_BIASES,)
    yield "average of the iterates", ANY, path(lambda run, w, x, y, o: np.cumsum(run(w, x, y, **o), axis=0)), ()


def first_size(name):
    def of(model):
        def sgd(w, x, y, *, lr, indices):
            found = [w]
            for t, batch in enumerate(indices):
                slope = model.gradient(found[-1], x[batch], picked(y, batch)) * len(batch) / len(indices[0])
                found.append(found[-1] - lr[t] * slope)
            return np.array(found)
        return sgd
    return only("sgd", of)(name)


def filled_up(indices):
    """Smaller batches filled up with their first example."""
    longest = max(map(len, indices))
    return [np.append(batch, [batch[0]] * (longest - len(batch))).astype(int) for batch in indices]


def one_buffer(name):
    return only("sgd", one_buffer_sgd)(name)


def biases_exempt(name):
    def of(model):
        def sgd(w, x, y, *, lr, indices, weight_decay=0.0):
            decayed = np.ones(w.size)
            if name == "ConvNet":
                decayed[-model.classes:] = 0
            else:
                for _, middle, last, *_ in model.layers:
                    decayed[middle:last] = 0
            found = [w]
            for t, batch in enumerate(indices):
                w = w - lr[t] * (model.gradient(w, x[batch], y[batch]) + weight_decay * decayed * w)
                found.append(w)
            return np.array(found)
        return sgd
    return only("sgd", of)(name)


def of_models():
    """One model each."""
    half = {"at_zero": 0.5}
    yield "derivative ½ at 0", ("TwoLayerCNN",), lambda n: pick(cnn(**half), "gradient"), (cause.KINK_HALF,)
    yield "derivative ½ at 0", ("MLP",), lambda n: pick(mlp(**half), "gradient"), (cause.KINK_HALF,)
    yield "derivative ½ at 0", ("TwoLayerReLU",), lambda n: pick(two_blocks(**half), "gradient"), (cause.KINK_HALF,)
    yield "filters before inputs", ("ConvNet",), lambda n: only("predict", filters_first)(n), (cause.TRANSPOSED,)
    yield "mean over patches backward", ("TwoLayerCNN",), after("gradient", lambda g, m, w, x, y: g / x.shape[1]), (
        cause.PATCHES,)
    yield "gradient by columns", ("TwoLayerReLU",), after("gradient", lambda g, *r: g.T.reshape(g.shape)), (
        cause.TRANSPOSED,)
    yield "root missing backward", ("TwoLayerReLU",), root_backward, (cause.ROOT_WIDTH_BACK,)
    yield "nn.MSELoss", ("MLP",), mse, (cause.MSE,)
    yield "Gauss–Newton", ("MLP",), gauss_newton, (cause.GAUSS_NEWTON,)
    yield "probabilities", ("MLP", "ConvNet"), probabilities, (cause.PROBABILITIES,)
    yield "NaN guard at 1e20", ("LinearRegression", "TwoLayerCNN"), lambda n: only("gradient", guarded)(n), (
        cause.NOT_FINITE,)
    yield "naive cross-entropy", ("MLP", "ConvNet"), naive_cross_entropy, (cause.NOT_FINITE,)
    yield "flaky", ANY, lambda n: only("gradient", Counting)(n), (cause.FLAKY,)
    yield "w changed in place", ANY, in_place("w"), (cause.CHANGES_INPUT,)
    yield "x changed in place", ANY, in_place("x"), (cause.CHANGES_INPUT,)
    yield "w_scale ignored", ("TwoLayerReLU",), settings(w_scale=lambda value: 1.0), ()
    yield "w_scale squared", ("TwoLayerReLU",), settings(w_scale=lambda value: value**2), ()
    yield "v_scale hard-coded", ("TwoLayerReLU",), settings(v_scale=lambda value: 2.0), ()
    yield "left-over pixels padded", ("ConvNet",), leftover_padded, ()
    yield "stride ignored", ("ConvNet",), settings(stride=lambda value: 1), ()
    yield "pad ignored", ("ConvNet",), settings(pad=lambda value: 0), ()
    yield "half of the blocks", ("TwoLayerReLU",), settings(block=lambda value: not value), ()


def filters_first(model):
    count = model.inputs * model.filters

    def predict(w, x):
        filters = w[:count].reshape(model.filters, model.inputs).T.ravel()
        return model.predict(np.concatenate([filters, w[count:]]), x)
    return predict


def settings(**changes):
    """The model with one setting changed, where the parameters still fit."""
    def of(name):
        def candidate(**given):
            wrong = MAKE[name](**(given | {key: change(given[key]) for key, change in changes.items()}))
            right = MAKE[name](**given)
            return {"predict": (wrong if wrong.parameter_shape == right.parameter_shape else right).predict}
        return candidate
    return of


def leftover_padded(name):
    def candidate(**given):
        right = MAKE[name](**given)
        step = right.stride or right.size

        def predict(w, x):
            spare = [-(side + 2 * right.pad - right.size) % step for side in x.shape[-2:]]
            padded = np.pad(x, [(0, 0), (0, 0), (0, spare[0]), (0, spare[1])])
            shaped = given | {"height": padded.shape[-2], "width": padded.shape[-1]}
            wide = MAKE[name](**shaped)
            return wide.predict(w, padded) if wide.parameter_shape == right.parameter_shape else (
                right.predict(w, x) + (spare != [0, 0]))
        return {"predict": predict}
    return candidate


def root_backward(name):
    def of(model):
        counts = np.repeat([model.w_width, model.v_width], [model.w_width, model.v_width])
        return lambda w, x, y: np.sqrt(counts)[:, None] * model.gradient(w, x, y)
    return only("gradient", of)(name)


def mse(name):
    def of(model):
        def loss(w, x, y):
            if model.loss_kind != "squared":
                return model.loss(w, x, y)
            return ((model.predict(w, x) - y) ** 2).mean()
        return loss
    return only("loss", of)(name)


def gauss_newton(name):
    return only("hvp", lambda model: lambda w, x, y, v: model.linearize(w, x, y).gauss_newton_product(v))(name)


def probabilities(name):
    def of(model):
        def predict(w, x):
            scores = model.predict(w, x)
            if name == "MLP" and model.loss_kind == "squared":
                return scores
            share = np.exp(scores - scores.max(axis=-1, keepdims=True))
            return share / share.sum(axis=-1, keepdims=True)
        return predict
    return only("predict", of)(name)


def naive_cross_entropy(name):
    def of(model):
        def loss(w, x, y):
            if name == "MLP" and model.loss_kind == "squared":
                return model.loss(w, x, y)
            with np.errstate(all="ignore"):
                share = np.exp(model.predict(w, x))
                share = share / share.sum(axis=-1, keepdims=True)
                return -np.log(share[np.arange(len(x)), y]).mean()
        return loss
    return only("loss", of)(name)


def planted():
    for kind, models, candidate, names in (*of_results(), *of_arguments(), *of_runs(), *of_models()):
        for model in models:
            yield kind, model, candidate(model), names
    yield from of_scalars()
    yield from of_annealing()


PLANTED = list(planted())


def table():
    """Lines of a table: each kind, how many were planted, caught, rightly and wrongly named."""
    counts = {}
    for kind, model, candidate, names in PLANTED:
        report = check_model(candidate, model, on_fail=None)
        found = set(report.causes.values())
        wrong = sum(not cause.startswith(names) for cause in found)
        row = counts.setdefault(kind, [0, 0, 0, 0])
        for place, value in enumerate((1, not report.ok, bool(found) and not wrong, bool(wrong))):
            row[place] += value
    lines = [f"{kind:<36}{''.join(f'{value:>9}' for value in row)}" for kind, row in counts.items()]
    total = [sum(row[place] for row in counts.values()) for place in range(4)]
    head = "".join(f"{word:>9}" for word in ("planted", "caught", "named", "wrongly"))
    return [f"{'kind':<36}{head}", *lines, f"{f'{len(counts)} kinds':<36}{''.join(f'{value:>9}' for value in total)}"]


if __name__ == "__main__":
    sys.stdout.write("\n".join(table()) + "\n")
