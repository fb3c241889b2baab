"""The runs of SGD that a case asks for: how batches are drawn, changing rates, decay, noise, and all together.

No two settings coincide: batches of 1, 2, 3, 4 and n, and ragged ones as a
DataLoader makes them, decays of 1/2, 3/8, 1/4
and less, momenta of 3/4, 5/8 and 3/8, where μ and 1 − μ differ, rates that
differ from step to step, so that whatever takes one for another, or the first
for all, gives something else.
"""

import numpy as np

from refimpl import sgd
from refimpl.testing._wrong_steps import iterate

STEPS = 6
_LIMIT = 1e100                                                # up to which a run is followed before it diverges
_FALLING = np.array([1, 1 / 2, 3 / 4, 1 / 4, 5 / 8, 3 / 8])   # times the model's rate: all different, in float32 too
_RISING = np.array([1 / 4, 1 / 2, 3 / 4, 1, 5 / 8, 1 / 8])


def runs(entry, w, n, numbers, more):
    """Arguments of the trajectories of SGD by quantity; `more` draws what was added to the first eight."""
    rate = np.full(STEPS, entry.lr)
    size = min(2, n)
    whole = np.tile(np.arange(n), (STEPS, 1))
    distinct = _distinct(numbers, n, size)
    epochs = np.concatenate([numbers.order(n) for _ in range(STEPS)])[:STEPS, None]
    noise = numbers.real(STEPS, *w.shape)
    repeated = numbers.index(n, STEPS, size + 1)
    repeated[0] = repeated[0, 0]
    return {
        "sgd:full-batch": {"lr": rate, "indices": whole},
        "sgd:without-replacement": {"lr": rate, "indices": distinct},
        "sgd:with-replacement": {"lr": rate, "indices": repeated},
        "sgd:epoch": {"lr": rate, "indices": epochs},
        "sgd:annealed": {"lr": np.where(np.arange(STEPS) < STEPS // 2, rate, rate / 8), "indices": distinct},
        "sgd:weight-decay": {"lr": rate, "indices": distinct, "weight_decay": 0.5},
        "sgd:noise": {"lr": rate, "indices": distinct, "noise": noise},
        "sgd:noise-and-decay": {"lr": rate, "indices": repeated, "noise": noise, "weight_decay": 0.5},
        "sgd:schedule-noise-decay": {"lr": entry.lr * _FALLING, "indices": _distinct(more, n, min(3, n)),
                                     "noise": more.real(STEPS, *w.shape), "weight_decay": 0.375},
        "sgd:schedule-decay": {"lr": entry.lr * _RISING, "indices": more.index(n, STEPS, 4), "weight_decay": 0.1875},
        "sgd:schedule-noise": {"lr": entry.lr * _FALLING[::-1], "indices": more.index(n, STEPS, 1),
                               "noise": more.real(STEPS, *w.shape) / 2},
    } | _with_momentum(entry.lr / 2, w, n, more) | _ragged(entry.lr, w, n, more)


def _ragged(lr, w, n, more):
    """Batches that differ in size: epochs of a shuffled set whose last batch is smaller, and any, with all else."""
    size = (2 * n + 2) // 3
    epochs = [more.order(n) for _ in range(STEPS)]
    loader = [batch for order in epochs for batch in (order[:size], order[size:]) if len(batch)]
    return {
        "sgd:ragged": {"lr": lr * _RISING, "indices": tuple(loader[:STEPS])},
        "sgd:ragged-everything": {
            "lr": lr / 2 * _FALLING, "indices": tuple(more.index(n, size) for size in (3, 1, 2, 4, 1, 3)),
            "momentum": 0.6875, "dampening": 0.1875, "weight_decay": 0.3125, "noise": more.real(STEPS, *w.shape) / 2},
    }


def _with_momentum(lr, w, n, more):
    """Heavy ball, Nesterov's step and dampening, each with what else a run can have."""
    return {
        "sgd:momentum": {"lr": lr * _FALLING, "indices": _distinct(more, n, min(3, n)), "momentum": 0.75,
                         "weight_decay": 0.25},
        "sgd:light-momentum": {"lr": lr * _RISING, "indices": more.index(n, STEPS, 2), "momentum": 0.375,
                               "noise": more.real(STEPS, *w.shape)},
        "sgd:nesterov": {"lr": lr * _RISING, "indices": more.index(n, STEPS, 1), "momentum": 0.625, "nesterov": True,
                         "weight_decay": 0.4375, "noise": more.real(STEPS, *w.shape) / 2},
        "sgd:dampening": {"lr": lr * _FALLING, "indices": more.index(n, STEPS, 3), "momentum": 0.625,
                          "dampening": 0.25, "weight_decay": 0.125},
        "sgd:strong-dampening": {"lr": lr * _RISING, "indices": _distinct(more, n, min(2, n)), "momentum": 0.8125,
                                 "dampening": 0.6875, "noise": more.real(STEPS, *w.shape)},
    }


def before_divergence(instance, lr, w, x, y):
    """A run at a rate far above every limit, up to the last step whose iterate is below 1e100."""
    run = sgd.run(instance, w, x, y, lr=lr, steps=50, divergence_limit=_LIMIT)
    last = int(run.nit) - 1
    if run.success or last < 1:
        return {}
    return {"sgd:before-divergence": {"lr": np.full(last, lr), "indices": np.zeros((last, 1), dtype=np.int64)}}


def iterates(instance, arguments):
    """The run of some arguments as functions of (w, x, y, noise): by `refimpl.sgd`, and by plain steps."""
    rest = {key: value for key, value in arguments.items() if key not in ("lr", "noise")}

    def path(w, x, y, noise):
        options = rest if noise is None else rest | {"noise": noise}
        run = sgd.run(instance, w, x, y, lr=arguments["lr"], steps=len(arguments["lr"]),
                      observe={"w": lambda w, x, y: w}, divergence_limit=1e150, **options)
        return run.observed["w"]

    def plain(w, x, y, noise):
        return iterate(lambda w, x, y, t: instance.gradient(w, x, y), w, x, y, **(arguments | {"noise": noise}))

    return path, plain


def _distinct(numbers, n, size):
    return np.array([numbers.order(n)[:size] for _ in range(STEPS)])
