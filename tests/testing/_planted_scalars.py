"""Mistakes in derived scalars and in annealing runs, with the names that are right for them: see `_planted`."""

import numpy as np

from refimpl.testing import _mistake_names as cause
from tests.testing._faults import MAKE, brute_critical_lr, only
from tests.testing._scalars import SCALARS


def of_the_edge():
    """The catapult and the oscillation, each without the term that makes it."""
    net = "LinearNet"
    yield "no η²f²/m", net, {"catapult_step": lambda f, kernel, lr, width: (
        f * (1 - lr * kernel), kernel + lr * f * f / width * (lr * kernel - 4))}, ()
    yield "2 for 4 in κ′", net, {"catapult_step": lambda f, kernel, lr, width: (
        f * (1 - lr * kernel + lr**2 * f**2 / width), kernel + lr * f * f / width * (lr * kernel - 2))}, ()
    yield "the flow's end", net, {
        "final_kernel": lambda f, kernel, lr, width: np.sqrt(kernel**2 - 4 * f * f / width)}, ()
    yield "f²/m for 4f²/m", net, {"flow_kernel": lambda f, kernel, width: np.sqrt(kernel**2 - f * f / width)}, ()

    def along(hessian, third, fourth):
        v = np.linalg.eigh(hessian)[1][:, -1]
        return np.einsum("ijk,i,j,k", third, v, v, v), np.einsum("ijkl,i,j,k,l", fourth, v, v, v, v)

    yield "T[v, v, v]²/λ", net, {"oscillation_coefficient": lambda hessian, third, fourth: (
        3 * along(hessian, third, fourth)[0]**2 / np.linalg.eigvalsh(hessian)[-1]
        - along(hessian, third, fourth)[1])}, ()
    yield "no 1/6", net, {"degree_four_gradient": lambda hessian, third, fourth, w: (
        hessian @ w + third @ w @ w / 2 + fourth @ w @ w @ w)}, ()


def of_scalars():
    """Derived scalars from the brute-force page, with their arguments mixed up."""
    def wrong(model, name, change):
        right = SCALARS[model][name]
        return {name: lambda **given: right(**change(given))}

    def swap(first, second):
        return lambda given: given | {first: given[second], second: given[first]}

    def hold(name, value):
        return lambda given: given | {name: value}

    yield "critical_lr", "LinearRegression", {"critical_lr": lambda factors, batch_size, replacement: (
        brute_critical_lr(np.sqrt(2) * factors, batch_size, replacement))}, (cause.RATE_HALVED,)
    for name, model in (("critical_lr", "LinearRegression"), ("mean_square_rate", "Quadratic"),
                        ("lambda_max", "Quadratic"), ("lyapunov_exponent", "TwoMinima")):
        yield "replacement ignored", model, wrong(model, name, hold("replacement", False)), (cause.REPLACEMENT_IGNORED,)
        yield "always replacement", model, wrong(model, name, hold("replacement", True)), (cause.REPLACEMENT_ALWAYS,)
        yield "batch size ignored", model, wrong(model, name, hold("batch_size", 1)), (cause.BATCH_ONE,)
    for model in ("LinearRegression", "Quadratic"):
        for name in ("critical_lr", "mean_square_rate"):
            yield "momentum ignored", model, wrong(model, name, of_step(
                momentum=lambda value: 0.0, nesterov=lambda value: False)), (cause.MOMENTUM_IGNORED,)
            yield "1 − momentum", model, wrong(model, name, of_step(momentum=lambda value: 1 - value)), ()
            yield "momentum 0.9", model, wrong(model, name, of_step(momentum=lambda value: 0.9)), ()
            yield "Nesterov ignored", model, wrong(model, name, of_step(nesterov=lambda value: False)), (
                cause.NESTEROV_IGNORED,)
            yield "dampening ignored", model, wrong(model, name, of_step(dampening=lambda value: 0.0)), (
                cause.DAMPENING_IGNORED,)
            yield "decay ignored", model, wrong(model, name, of_step(weight_decay=lambda value: 0.0)), (
                cause.DECAY_IGNORED,)
        rate = "mean_square_rate"
        yield "rate of Nesterov's step", model, wrong(model, rate, lambda given: given | {
            "nesterov": "momentum" in given and "dampening" not in given}), (cause.NESTEROV,)
        yield "rate of (1 − μ) g", model, wrong(model, rate, lambda given: given if "nesterov" in given else given | {
            "dampening": given.get("momentum", 0.0)}), (cause.MOMENTUM_DAMPED,)
        yield "rate of twice the decay", model, wrong(model, rate, of_step(weight_decay=lambda value: 2 * value)), (
            cause.DECAY_DOUBLE,)
        yield "rate of half the decay", model, wrong(model, rate, of_step(weight_decay=lambda value: value / 2)), (
            cause.DECAY_HALF,)
        yield "rate always with replacement", model, wrong(model, rate, lambda given: given | {
            "replacement": given["replacement"] or "momentum" in given}), ("several causes fit: sampling with",)
        yield "(1 + μ) of the full batch", model, {"critical_lr": full_batch_momentum(model)}, ()
    yield "batch size ignored", "TwoMinima", wrong("TwoMinima", "almost_sure_lr", hold("batch_size", 1)), (
        cause.BATCH_ONE,)
    yield from of_the_edge()
    relu, cnn_, squares = "TwoLayerReLU", "TwoLayerCNN", "LeastSquares"
    for name in ("stationary_std", "noise_std"):
        yield "rate and decay exchanged", relu, wrong(relu, name, swap("lr", "weight_decay")), (
            cause.EXCHANGED.format("lr", "weight_decay"),)
    for factor, named in ((2, cause.FACTOR_2), (0.5, cause.FACTOR_HALF), (-1, cause.SIGN)):
        yield f"{factor} times the kernel", relu, {"lag_kernel": lambda rho, r, factor=factor: factor * SCALARS[relu][
            "lag_kernel"](rho, r)}, (named,)
    yield "divided by n twice", "Quadratic", wrong("Quadratic", "sharpness", lambda given: {
        "hessians": given["hessians"] / len(given["hessians"])}), (cause.TWICE,)
    yield "1 − r", relu, wrong(relu, "lag_kernel", lambda given: given | {"r": 1 - given["r"]}), ()
    yield "κ ignored", cnn_, wrong(cnn_, "weak_limit", hold("kappa", 1e-9)), ()
    yield "width cancels", cnn_, {"effective_rate": lambda lr, strong_norm, width: lr * strong_norm**2}, ()
    yield "norm not squared", cnn_, {"effective_rate": lambda lr, strong_norm, width: 4 * lr * strong_norm / width}, ()
    yield "losses exchanged", squares, wrong(squares, "flow_loss_ratio", swap("sharp_loss", "flat_loss")), (
        cause.EXCHANGED.format("sharp_loss", "flat_loss"),)
    yield "Hessians exchanged", squares, wrong(squares, "limit_ratios", swap("train_hessian", "test_hessian")), ()
    yield "starts exchanged", cnn_, wrong(cnn_, "small_rate_limit", swap("alpha0", "beta0")), (
        cause.EXCHANGED.format("alpha0", "beta0"),)
    yield "orbit reversed", cnn_, {"period_two_orbit": lambda c: SCALARS[cnn_]["period_two_orbit"](c)[::-1]}, ()
    yield "lag ignored", relu, wrong(relu, "noise_autocorrelation", hold("lag", 1)), ()
    yield "largest in size", "MLP", largest_in_size, (cause.LARGEST_SIZE,)
    yield "without the ½", "LinearRegression", {"sharpness": lambda factors: 2 * SCALARS["LinearRegression"][
        "sharpness"](factors=factors)}, (cause.CURVATURE_DOUBLED,)
    yield "with a further ½", "LinearRegression", {"sharpness": lambda factors: SCALARS["LinearRegression"][
        "sharpness"](factors=factors) / 2}, (cause.CURVATURE_HALVED,)
    yield "root too many", "LinearRegression", {"sharpness": lambda factors: np.sqrt(SCALARS["LinearRegression"][
        "sharpness"](factors=factors))}, (cause.ROOTED,)
    yield "λ instead of 2/λ", squares, {"crossover_lr": lambda x: 1 / SCALARS[squares]["crossover_lr"](x)}, (
        cause.RECIPROCAL,)
    yield "batch n", "LinearRegression", {"critical_lr": lambda factors, batch_size, replacement: brute_critical_lr(
        factors, len(factors), replacement)}, (cause.BATCH_WHOLE,)


def of_step(**changes):
    """Changes of those arguments of a step that are given."""
    return lambda given: given | {name: change(given[name]) for name, change in changes.items() if name in given}


def full_batch_momentum(model):
    """The limit without momentum times 1 + μ, as if the noise did not grow with the memory."""
    right = SCALARS[model]["critical_lr"]

    def critical_lr(batch_size, replacement, momentum=0.0, nesterov=False, dampening=0.0, weight_decay=0.0, **data):
        return (1 + momentum) / (1 - dampening) * right(batch_size, replacement, weight_decay=weight_decay, **data)
    return critical_lr


def largest_in_size(**given):
    model = MAKE["MLP"](**given)

    def sharpness(w, x, y):
        values = np.linalg.eigvalsh([model.hvp(w, x, y, v) for v in np.eye(w.size)])
        return np.abs(values).max()
    return {"sharpness": sharpness}


def of_annealing():
    """`descend` and `train` as loops with one mistake."""
    def loop(mistake, factor=1.0):
        def of(model):
            def descend(w, x, y, *, lr, large_lr, anneal_loss, target):
                found, lowered = [w], False
                while model.loss(found[-1], x, y) > target and len(found) < 5000:
                    small = model.loss(found[-1], x, y) <= anneal_loss
                    rate = lr if lowered or (small and mistake != "late") else large_lr
                    lowered = lowered or small
                    rate = {"always large": large_lr, "always small": lr}.get(mistake, rate)
                    found.append(found[-1] - factor * rate * model.gradient(found[-1], x, y))
                    if mistake == "always large" and len(found) > 200 or not np.isfinite(found[-1]).all():
                        break
                return np.array({"overshot": found + [found[-1] - lr * model.gradient(found[-1], x, y)],
                                 "undershot": found[:-1], "without its start": found[1:]}.get(mistake, found))
            return descend
        return only("descend", of)("LeastSquares")

    for mistake, names in (("late", (cause.SWITCH_LATE,)), ("always small", (cause.ALWAYS_SMALL,)),
                           ("always large", (cause.SCHEDULE_IGNORED,)), ("overshot", (cause.OVERSHOT,)),
                           ("undershot", (cause.END_LEFT_OUT,)), ("without its start", (cause.START_LEFT_OUT,))):
        yield f"descend {mistake}", "LeastSquares", loop(mistake), names
    yield "descend with half the gradient", "LeastSquares", loop("", 0.5), (cause.FACTOR_HALF,)

    def train(mistake, factor=1.0, **changes):
        def of(model):
            def train(w, x, y, *, lr, large_lr=None, anneal_loss=None, **given):
                weight_decay, noise = (changes.get(key, same)(given[key]) for key in ("weight_decay", "noise"))
                found, lowered = [w * model.mask], False
                for extra in noise * model.mask:
                    now = found[-1]
                    probe = now - (large_lr or 0) * model.gradient(now, x, y) if mistake == "early" else now
                    small = anneal_loss is not None and model.loss(probe, x, y) <= anneal_loss
                    lowered = small if mistake == "back" else lowered or small
                    rate = lr if large_lr is None or lowered else large_lr
                    decay = 0.0 if mistake == "decay dropped" and lowered else weight_decay
                    found.append((1 - rate * decay) * now - rate * (
                        (len(x) if mistake == "summed" else factor) * model.gradient(now, x, y) + extra))
                return np.array(found)
            return train
        return only("train", of)("TwoLayerReLU")

    for mistake, names in (("back", (cause.SWITCH_BACK,)), ("early", (cause.SWITCH_EARLY,)), ("decay dropped", ()), (
            "summed", (cause.SUM,))):
        yield f"train {mistake}", "TwoLayerReLU", train(mistake), names
    for factor, named in ((2.0, cause.FACTOR_2), (0.5, cause.FACTOR_HALF), (-1.0, cause.SIGN)):
        yield f"train {factor:g} times", "TwoLayerReLU", train("", factor), (named,)
        yield f"momentum {factor:g} times", "ConvNet", with_momentum(factor), (named,)
    for kind, change, named in (
            ("noise reversed", {"noise": np.negative}, cause.NOISE_SIGN),
            ("noise left out", {"noise": np.zeros_like}, cause.NOISE_IGNORED),
            ("no decay", {"weight_decay": lambda value: 0.0}, cause.DECAY_IGNORED),
            ("twice the decay", {"weight_decay": lambda value: 2 * value}, cause.DECAY_DOUBLE),
            ("half the decay", {"weight_decay": lambda value: value / 2}, cause.DECAY_HALF),
            ("decay squared", {"weight_decay": lambda value: value**2}, cause.DECAY_SQUARED)):
        yield f"train {kind}", "TwoLayerReLU", train("", **change), (named,)
        yield f"momentum {kind}", "ConvNet", with_momentum(**change), (named,)


def same(value):
    return value


def with_momentum(factor=1.0, **changes):
    """`train` of the net on images, with changed arguments or `factor` times the gradient."""
    def of(model):
        def train(w, x, y, *, lr, indices, momentum, **given):
            decay, noise = (changes.get(key, same)(given[key]) if key in given else None
                            for key in ("weight_decay", "noise"))
            found, velocity = [w], 0.0
            for t, batch in enumerate(indices):
                extra = {} if noise is None else {"noise": noise[t][:, None]}
                slope = factor * model.gradient(found[-1], x[batch], y[batch], **extra)
                velocity = momentum * velocity + slope + decay * found[-1]
                found.append(found[-1] - lr[t] * velocity)
            return np.array(found)
        return train
    return only("train", of)("ConvNet")
