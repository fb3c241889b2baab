"""What comes out of SGD, of runs with momentum and of runs that anneal, with each known mistake built in."""

import numpy as np

from refimpl.testing import _mistake_names as name
from refimpl.testing._wrong_steps import anneal, functions, iterate


def of_sgd(entry, case, quantity, inputs, of_model):
    """{(cause, variant): the iterates with that mistake}; of the gradient, of how batches are read, of the step."""
    arguments = _double(case.expected[quantity].arguments)
    model = entry.make(**case.settings)
    gradient = functions(model)["gradient"]

    def run(gradient=gradient, **changes):
        return lambda: iterate(lambda w, x, y, t: gradient(w, x, y), inputs.w, inputs.x, inputs.y,
                               **(arguments | changes))

    found = {key: run(wrong["gradient"]) for key, wrong in of_model.items() if "gradient" in wrong}
    whole = len(inputs.x)
    found[name.WHOLE_SET, 0] = run(lambda w, x, y: gradient(w, x, y) * len(x) / whole)
    first = len(arguments["indices"][0])
    found[name.FIRST_SIZE, 0] = run(lambda w, x, y: gradient(w, x, y) * len(x) / first)
    if "noise" in arguments:
        rates = _along_steps(arguments["lr"], inputs.w)
        noise = arguments["noise"]
        found |= {
            (name.NOISE_RATE, 0): run(noise=noise / rates),
            (name.NOISE_ROOT, 0): run(noise=noise / np.sqrt(rates)),
            (name.NOISE_FIRST_RATE, 0): run(noise=noise * rates[0] / rates),
        }
    return found | _of_steps(run, arguments, inputs, entry.biases(model))


def of_path(entry, case, quantity, inputs):
    """Mistakes of `descend` and `train`: of the step where there are batches, else of when the rate is lowered."""
    options = _double(case.expected[quantity].arguments)
    model = entry.make(**case.settings)
    if "indices" not in options:
        return _of_annealing(model, options, inputs)
    noise = options.pop("noise", None)

    def run(noise=noise, factor=1.0, **changes):
        def gradient(w, x, y, t):
            extra = {} if noise is None else {"noise": noise[t][:, None]}
            return factor * model.gradient(w, x, y, **extra)

        return lambda: iterate(gradient, inputs.w, inputs.x, inputs.y, **(options | changes))

    found = {(name.FACTOR_2, 0): run(factor=2.0), (name.FACTOR_HALF, 0): run(factor=0.5),
             (name.SIGN, 0): run(factor=-1.0)}
    return found | _of_steps(run, options | ({} if noise is None else {"noise": noise}), inputs, entry.biases(model))


def _of_steps(run, arguments, inputs, biases):
    """Mistakes of the step itself; ``run(**changes)`` makes the run with some arguments changed."""
    lr, indices, right = arguments["lr"], arguments["indices"], run()
    found = {
        (name.COLLAPSED, 0): run(indices=[np.unique(batch) for batch in indices]),
        (name.INDICES_IGNORED, 0): run(indices=np.tile(np.arange(len(inputs.x)), (len(lr), 1))),
        (name.FIRST_BATCH, 0): run(indices=[indices[0]] * len(lr)),
        (name.SCHEDULE_IGNORED, 0): run(lr=np.full(len(lr), lr[0])),
        (name.RATE_EARLY, 0): run(lr=np.append(lr[1:], lr[-1])),
        (name.RATE_LATE, 0): run(lr=np.append(lr[0], lr[:-1])),
        (name.START_LEFT_OUT, 0): lambda: right()[1:],
        (name.END_LEFT_OUT, 0): lambda: right()[:-1],
    }
    if "noise" in arguments:
        noise = arguments["noise"]
        found |= {(name.NOISE_SIGN, 0): run(noise=-noise), (name.NOISE_IGNORED, 0): run(noise=0 * noise)}
    decay = arguments.get("weight_decay", 0.0)
    if decay:
        rates = _along_steps(lr, inputs.w)
        found |= {
            (name.DECAY_UPDATED, 0): run(decay_updated=True), (name.DECAY_IGNORED, 0): run(weight_decay=0.0),
            (name.DECAY_DOUBLE, 0): run(weight_decay=2 * decay), (name.DECAY_HALF, 0): run(weight_decay=decay / 2),
            (name.DECAY_SQUARED, 0): run(weight_decay=decay**2), (name.DECAY_RATE, 0): run(weight_decay=decay / rates),
            (name.DECAY_FIRST_RATE, 0): run(weight_decay=decay * rates[0] / rates)}
        if biases is not None:
            found[name.DECAY_BIASES, 0] = run(weight_decay=decay * (1 - biases) * np.ones_like(rates))
    return found | _of_velocity(run, arguments)


def _of_velocity(run, arguments):
    momentum = arguments.get("momentum", 0.0)
    if not momentum:
        return {}
    found = {(name.MOMENTUM_IGNORED, 0): run(momentum=0.0, nesterov=False, dampening=0.0),
             (name.RATE_INSIDE, 0): run(rate_inside=True)}
    if arguments.get("dampening"):
        found |= {(name.DAMPENING_IGNORED, 0): run(dampening=0.0), (name.DAMPENING_FIRST, 0): run(damped_first=True)}
    else:
        found[name.MOMENTUM_DAMPED, 0] = run(dampening=momentum, damped_first=True)
        found[name.MOMENTUM_DAMPED, 1] = run(dampening=momentum)
    if arguments.get("nesterov"):
        found[name.NESTEROV_IGNORED, 0] = run(nesterov=False)
    else:
        found[name.NESTEROV, 0] = run(nesterov=True)
    if arguments.get("weight_decay"):
        found[name.DECAY_DECOUPLED, 0] = run(decoupled=True)
    return found


def _of_annealing(model, options, inputs):
    """Full-batch runs that end at a loss, or after the steps that there is noise for."""
    mask = getattr(model, "mask", 1.0)
    level = options.get("anneal_loss", 0.0)
    noise = options.get("noise")
    right = {"lr": options["lr"], "large_lr": options.get("large_lr"), "level": level, "target": options.get("target"),
             "weight_decay": options.get("weight_decay", 0.0), "noise": None if noise is None else mask * noise,
             "steps": None if noise is None else len(noise)}

    def run(factor=1.0, **changes):
        return lambda: anneal(lambda w: factor * model.gradient(w, inputs.x, inputs.y),
                              lambda w: model.loss(w, inputs.x, inputs.y), mask * inputs.w, **(right | changes))

    found = {(name.FACTOR_2, 0): run(2.0), (name.FACTOR_HALF, 0): run(0.5), (name.SIGN, 0): run(-1.0),
             (name.SUM, 0): run(float(len(inputs.x))), (name.START_LEFT_OUT, 0): lambda: run()()[1:],
             (name.END_LEFT_OUT, 0): lambda: run()()[:-1]}
    if right["large_lr"] is not None:
        found |= {(name.SCHEDULE_IGNORED, 0): run(level=-np.inf, **({"steps": 100} if noise is None else {})),
                  (name.ALWAYS_SMALL, 0): run(large_lr=None)}
        found |= {(cause, 0): run(mistake=mistake) for cause, mistake in (
            (name.SWITCH_EARLY, "early"), (name.SWITCH_LATE, "late"), (name.SWITCH_BACK, "back"))}
    if right["target"] is not None:
        found[name.OVERSHOT, 0] = run(mistake="overshot")
    if noise is not None:
        found |= {(name.NOISE_SIGN, 0): run(noise=-right["noise"]), (name.NOISE_IGNORED, 0): run(noise=None)}
        decay = right["weight_decay"]
        found |= {
            (name.DECAY_IGNORED, 0): run(weight_decay=0.0),
            (name.DECAY_DOUBLE, 0): run(weight_decay=2 * decay),
            (name.DECAY_HALF, 0): run(weight_decay=decay / 2),
            (name.DECAY_SQUARED, 0): run(weight_decay=decay**2),
        }
    return found


def _along_steps(lr, w):
    """Rates with axes of length 1 for the parameters."""
    return lr.reshape(-1, *(1,) * w.ndim)


def _double(arguments):
    return {key: part.astype(float) if isinstance(part, np.ndarray) and part.dtype.kind == "f" else part
            for key, part in arguments.items()}
