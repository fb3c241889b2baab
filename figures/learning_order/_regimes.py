"""Sizes of the experiments on learning order, and the runs that compare the algorithms on the same data."""

from dataclasses import dataclass, replace

import numpy as np

from refimpl import learning_order as simulated
from theory import learning_order as predicted

LOG2 = float(np.log(2))


@dataclass(frozen=True)
class Regime:
    """Sizes of one experiment; rates as Σ per update."""

    dim: int = 50
    n: int = 200
    p0: float = 0.05
    q0: float = 0.2
    r: float = 0.05
    width: int = 1000
    w_scale: float = 1.0
    v_scale: float = 20.0
    weight_decay: float = 4e-3
    std: float = 0.2
    large_lr: float = 0.05
    update: float = 0.01     # Σ of the learning rates in a lump of small steps
    stop: float = 0.1
    preactivation: float = 0.15
    preactivation_time: float = 100.0
    alpha: tuple = (0.5, 1.0)
    ratio: float = 3e4       # η₁/η₂
    decoupled: bool = True   # whether V's patterns are those of its noise part

    @property
    def kappa(self):
        """κ = √(d/N)."""
        return (self.dim / self.n)**0.5

    @property
    def small_lr(self):
        """η₂."""
        return self.large_lr / self.ratio


SMALL = Regime()
# P and Q with their roles exchanged: W is the strong block, and few examples have Q alone.
EXCHANGED = replace(SMALL, p0=SMALL.q0, q0=SMALL.p0, w_scale=SMALL.v_scale, v_scale=SMALL.w_scale)
REGIME_A = Regime(dim=200, n=800, r=0.02, width=8000, v_scale=750**0.5, weight_decay=7.5e-4, large_lr=0.025,
                  update=0.0083, stop=0.06, preactivation_time=400.0)
# V's patterns are those of the network itself: it takes a great width for Q to be learned at all.
GENUINE = Regime(dim=100, n=400, width=400_000, v_scale=600**0.5, weight_decay=3e-3, std=0.4, large_lr=0.03,
                 update=0.03, stop=0.35, ratio=30, decoupled=False)


def problem(regime, rng):
    """Model, data, and options for either algorithm: test set, start, noise and lump of the regime."""
    distribution = simulated.Distribution(regime.dim, regime.p0, regime.q0, regime.r, regime.alpha)
    data, test = simulated.sample(distribution, regime.n, rng), simulated.full_sample(distribution, 2000, rng)
    model = simulated.TwoLayerReLU(regime.dim, 16, regime.width, regime.w_scale, regime.v_scale, regime.std)
    noise = float(predicted.noise_std(regime.large_lr, regime.weight_decay, regime.std))
    return model, data, dict(target=regime.stop, weight_decay=regime.weight_decay, noise_std=noise,
                             lump=round(regime.update / regime.small_lr), decoupled=regime.decoupled, test=test,
                             max_steps=80_000, record_every=200, start=model.init(rng), rng=rng)


def train(regime, rng, kinds=("large", "small", "jitter"), record_every=200):
    """{kind: Run} of L-S, S and the mitigation from the same data and start, and the data."""
    model, data, options = problem(regime, rng)
    options["record_every"] = record_every
    runs = {}
    for kind in kinds:
        if kind == "large":
            runs[kind] = simulated.train_large_then_small(model, data, large_lr=regime.large_lr,
                                                          small_lr=regime.small_lr,
                                                          anneal_loss=0.3 + data.q * LOG2, **options)
        else:
            time = options["lump"] * regime.small_lr
            before = {} if kind == "small" else dict(preactivation_std=regime.preactivation * regime.std,
                                                     preactivation_steps=round(regime.preactivation_time / time))
            runs[kind] = simulated.train_small(model, data, lr=regime.small_lr, **before, **options)
    return runs, data


def last(found, kind, name):
    """Mean over seeds of an observable at the stop; `found` is a list of what `train` returns."""
    return np.mean([runs[kind].observed[name][-1] for runs, _ in found if kind in runs], axis=0)


def at(found, kind, name, part=None):
    """Mean over seeds of an observable at a part of the whole time, or at annealing."""
    values = []
    for runs, _ in found:
        run = runs[kind]
        index = np.searchsorted(run.time, run.anneal_time if part is None else part * run.time[-1])
        values.append(run.observed[name][min(index, len(run.time) - 1)])
    return np.mean(values)


def before_annealing(found, name):
    """Mean over seeds and over the large rate's records, after the offset of g is learned."""
    runs = [runs["large"] for runs, _ in found]
    return np.mean([run.observed[name][(run.time > 0.2 * run.anneal_time) & (run.time < run.anneal_time)].mean()
                    for run in runs])


def half_time(found, kind, name):
    """Mean over seeds of the time at which a loss is first below ½ log 2; infinite if one never is."""
    times = []
    for runs, _ in found:
        below = np.flatnonzero(runs[kind].observed[name] < LOG2 / 2)
        times.append(runs[kind].time[below[0]] if len(below) else np.inf)
    return np.mean(times)
