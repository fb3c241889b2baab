"""Runs of the study of learning order and their numbers: what its figures and tests share. No matplotlib."""

from dataclasses import dataclass, replace

import numpy as np

from refimpl import learning_order as simulated, sgd
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
            jitter = {} if kind == "small" else dict(preactivation_std=regime.preactivation * regime.std,
                                                     preactivation_steps=round(regime.preactivation_time / time))
            runs[kind] = simulated.train_small(model, data, lr=regime.small_lr, **jitter, **options)
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


def traces(found, kind, names, most=60):
    """{name: (seeds, most)} of some observables at evenly spread records, and "time"; NaN where a kind was not run."""
    values = {name: np.full((len(found), most), np.nan) for name in ("time", *names)}
    for i, (runs, _) in enumerate(found):
        if kind in runs:
            run = runs[kind]
            places = np.linspace(0, len(run.time) - 1, most).round().astype(int)
            values["time"][i] = run.time[places]
            for name in names:
                values[name][i] = run.observed[name][places]
    return values


def annealed(d, rng, lr=0.2, std=0.2):
    """(T, ‖Ū‖²) where L̂ < q log 2 + 0.4 at N = 4d, r ∝ d^{−3/4}, λ ∝ d^{−5/4}; infinite if that is not reached.

    Sets are drawn until q = q₀: its chance is most of the scatter of T.
    """
    decay = 4e-3 * (d / 50)**-1.25
    distribution = simulated.Distribution(d, 0.05, 0.2, 0.05 * (d / 50)**-0.75, (0.5, 1.0))
    data = next(drawn for drawn in iter(lambda: simulated.sample(distribution, 4 * d, rng), None) if drawn.q == 0.2)
    run = simulated.train_small(simulated.TwoLayerReLU(d, 16, 1000, 1.0, 10.0, std), data, lr=lr,
                                target=0.4 + data.q * LOG2, weight_decay=decay, decoupled=True, rng=rng,
                                noise_std=float(predicted.noise_std(lr, decay, std)), record_every=1000)
    return (run.time[-1], run.observed["signal_norm"][-1]) if run.success else (np.inf, np.inf)


def fit_p(d, losses, rng):
    """(2, losses): time and ‖Ū‖² where the training loss on P alone, N = 4d, almost without decay, first is below."""
    data = simulated.sample(simulated.Distribution(d, 1.0, 0.0, 0.05), 4 * d, rng)
    run = simulated.train_small(simulated.TwoLayerReLU(d, 16, 1, 1.0, 1.0, 0.01), data, lr=2.0, target=losses[-1],
                                weight_decay=1e-5, noise_std=0.0, decoupled=True, record_every=2, rng=rng)
    places = [np.argmax(run.observed["loss"] <= loss) for loss in losses]
    return np.stack([run.time[places], run.observed["signal_norm"][places]])


def averaged_curvature(r, decay, rng, width, lr=0.25, scale=5.0, std=0.02, settled=3, whole=12):
    """−D of a run on all of Q, averaged from `settled`/(ηλ) to `whole`/(ηλ) steps."""
    model = simulated.TwoLayerReLU(2, 1, width, 1.0, scale, std)
    run = simulated.train_small(model, simulated.q_population(simulated.Distribution(2, r=r)), lr=lr, target=1e-9,
                                weight_decay=decay, noise_std=float(predicted.noise_std(lr, decay, std)),
                                decoupled=True, max_steps=round(whole / (lr * decay)), record_every=20, rng=rng)
    return -run.observed["curvature"][run.time > settled / decay].mean()


def coupled(width, steps, rng, lr=0.25, decay=8e-3, r=0.15, scale=5.0, std=0.5):
    """One large-rate run on Q with patterns of the noise part: signal norm, and g on three directions twice.

    Returns
    -------
    norm : float
        ‖V̄‖_F.
    noise_pattern, own_pattern : ndarray (3,)
        g at these weights with the patterns of Ṽ, and with those of V̄ + Ṽ.
    preactivations : ndarray (3, width)
        Of the signal alone, ⟨V̄_j, x⟩.
    """
    model = simulated.TwoLayerReLU(2, 1, width, 1.0, scale, std)
    data = simulated.q_population(simulated.Distribution(2, r=r))
    run = simulated.train_small(model, data, lr=lr, target=1e-9, weight_decay=decay, max_steps=steps, rng=rng,
                                noise_std=float(predicted.noise_std(lr, decay, std)), decoupled=True,
                                record_every=steps)
    x = np.zeros((3, 4))
    x[:, 2:] = data.distribution.directions
    u = run.signal + run.noise
    along = model.preactivations(run.signal, x)[:, 1:]
    return (float(np.linalg.norm(run.signal[1:])), model.predict(u, x, run.noise), model.predict(u, x), along)


def replayed(rng, steps=30, lr=0.2, decay=0.05):
    """(largest |Ū + Ũ − U|, the same with Ū's sign turned) where U is the run of `sgd.run` on the same noise."""
    data = simulated.sample(simulated.Distribution(4, 0.3, 0.3, 0.5), 40, rng)
    model = simulated.TwoLayerReLU(4, 5, 8, 1.5, 2.5, 0.7)
    start, noise = model.init(rng), rng.standard_normal((steps, *model.parameter_shape)) * model.mask
    whole = sgd.run(model, start, data.x, data.y, lr=lr, steps=steps, noise=noise, weight_decay=decay).w
    run = simulated.train_small(model, data, lr=lr, target=1e-9, weight_decay=decay, noise_std=0, noise=noise,
                                start=start, engine="plain")
    return np.abs(run.signal + run.noise - whole).max(), np.abs(run.noise - run.signal - whole).max()


# Standard deviation of one seed at d = 50 (`SMALL`), from 80 other seeds; of logarithms of ratios of S over L-S.
SCATTER = {"error": 0.98, "loss_p": 0.051, "loss_q": 0.085, "loss": 0.037, "loss_r": 0.058, "m2": 0.28, "quarter": 0.17,
           "curvature": 0.43, "before": 0.10, "after": 0.39, "span": 0.36}
ORIGIN = ", of 80 other seeds"


def stops(found, kind, names):
    """(seeds, names) of observables at the stop; NaN where a kind was not run."""
    return np.array([[runs[kind].observed[name][-1] if kind in runs else np.nan for name in names] for runs,
                     _ in found])



def own_patterns(run, regime):
    """Rms over z − ζ, z, z + ζ of what g changes by with V's own patterns, over the rms of g, at a run's stop."""
    model = simulated.TwoLayerReLU(regime.dim, 16, regime.width, regime.w_scale, regime.v_scale, regime.std)
    x = np.zeros((3, 2 * regime.dim))
    x[:, regime.dim:] = simulated.Distribution(regime.dim, r=regime.r).directions
    u = run.signal + run.noise
    own, noise = model.predict(u, x), model.predict(u, x, run.noise)
    return float(np.sqrt(((own - noise)**2).mean() / (noise**2).mean()))


def decomposed_outputs(rng):
    """(largest |f − r − g| in block form, the same where every row sees both blocks) at random weights."""
    data = simulated.sample(simulated.Distribution(4, 0.3, 0.3, 0.5), 40, rng)
    gaps = []
    for block in (True, False):
        model = simulated.TwoLayerReLU(4, 5, 8, 1.5, 2.5, 0.7, block)
        u = model.init(rng)
        of_x1, of_x2 = data.x.copy(), data.x.copy()
        of_x1[:, 4:], of_x2[:, :4] = 0, 0
        r = np.maximum(u[:5] @ of_x1.T, 0).T @ model.output_weights[:5]
        g = np.maximum(u[5:] @ of_x2.T, 0).T @ model.output_weights[5:]
        gaps.append(np.abs(model.predict(u, data.x) - r - g).max())
    return gaps
