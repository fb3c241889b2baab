"""Li, Wei and Ma 2019: the memorising net, learning order, D and its law, κ, and activation patterns."""

from dataclasses import dataclass, replace

import numpy as np
from matplotlib.ticker import NullLocator

from figures._figure import Drawing, Figure, close, holds
from figures._style import INK, panels, simulation, theory
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
    v_scale: float = 20.0
    weight_decay: float = 4e-3
    std: float = 0.2
    large_lr: float = 0.05
    update: float = 0.01     # Σ of the learning rates in a lump of small steps
    stop: float = 0.1
    jitter: float = 0.15
    jitter_time: float = 100.0
    alpha: tuple = (0.5, 1.0)
    ratio: float = 3e4       # η₁/η₂
    decoupled: bool = True   # whether V's patterns are those of its noise part


SMALL = Regime()
REGIME_A = Regime(200, 800, 0.05, 0.2, 0.02, 8000, 750**0.5, 7.5e-4, 0.2, 0.025, 0.0083, 0.06, jitter_time=400.0)
# V's patterns are those of the network itself: it takes a great width for Q to be learned at all.
GENUINE = Regime(100, 400, 0.05, 0.2, 0.05, 400_000, 600**0.5, 3e-3, 0.4, 0.03, 0.03, 0.35, ratio=30, decoupled=False)


def train(regime, rng, kinds=("large", "small", "jitter")):
    """{kind: Run} of L-S, S and the mitigation from the same data and start, and the data."""
    distribution = simulated.Distribution(regime.dim, regime.p0, regime.q0, regime.r, regime.alpha)
    data, test = simulated.sample(distribution, regime.n, rng), simulated.full_sample(distribution, 2000, rng)
    model = simulated.TwoLayerReLU(regime.dim, 16, regime.width, 1.0, regime.v_scale, regime.std)
    noise = float(predicted.noise_std(regime.large_lr, regime.weight_decay, regime.std))
    small = regime.large_lr / regime.ratio
    lump = round(regime.update / small)
    common = dict(stop_loss=regime.stop, weight_decay=regime.weight_decay, noise_std=noise, lump=lump,
                  decoupled=regime.decoupled, test=test, max_steps=80_000, record_every=200, start=model.init(rng),
                  rng=rng)
    runs = {}
    for kind in kinds:
        if kind == "large":
            runs[kind] = simulated.train_large_then_small(model, data, large_lr=regime.large_lr, small_lr=small,
                                                          anneal_loss=0.3 + data.q * LOG2, **common)
        else:
            options = {} if kind == "small" else dict(jitter_std=regime.jitter * regime.std,
                                                      jitter_steps=round(regime.jitter_time / (lump * small)))
            runs[kind] = simulated.train_small(model, data, lr=small, **options, **common)
    return runs, data


def _before(run):
    """Records of the large rate after the offset of g is learned."""
    return (run.time > 0.2 * run.anneal_time) & (run.time < run.anneal_time)


def order(effort, rng):
    """Training and test curves of one seed, and errors at the stop over seeds."""
    regime, seeds = {"quick": (SMALL, 3), "standard": (SMALL, 6), "full": (REGIME_A, 5)}[effort]
    # The mitigation is slow in Regime A: two seeds of it.
    kinds = ("large", "small", "jitter")
    found = [train(regime, rng, kinds[:2] if effort == "full" and k > 1 else kinds) for k in range(seeds)]
    names = {"large": "large, then small", "small": "small", "jitter": "small + noise"}
    figure, axes = panels(1, 4, width=3.3, height=3.1)
    for axis, kind in zip(axes, names):
        run = found[0][0][kind]
        for k, (name, label) in enumerate((("loss_q", "training loss, Q only"), ("loss_p", "training loss, P only"),
                                           ("test_error_p", "test error, P only"))):
            axis.plot(run.time, run.observed[name], **simulation(k, markersize=3, markevery=max(1,
                                                                                                len(run.time) // 25)),
                      label=label)
        axis.axhline(LOG2, label="log 2", **theory(3, linewidth=1))
        if np.isfinite(run.anneal_time):
            axis.axvline(run.anneal_time, color="#9b9b9b", linewidth=1)
        axis.set(xlabel="time, sum of learning rates", ylabel="loss or error", ylim=(-0.03, 1.6), title=names[kind])
    axes[0].legend(loc="upper right", frameon=True, edgecolor="none", framealpha=0.9)
    errors = {kind: np.array([runs[kind].observed["test_error_p"][-1] for runs, _ in found if kind in runs])
              for kind in names}
    for k, (kind, values) in enumerate(errors.items()):
        axes[3].plot(k + np.linspace(-0.2, 0.2, len(values)), values, **simulation(k))
    axes[3].set(xticks=range(3), xticklabels=["large,\nthen small", "small", "small\n+ noise"], ylabel="test error, "
                                                                                                       "P only",
                title=f"at training loss {regime.stop:g}")

    def last(kind, name):
        return np.mean([runs[kind].observed[name][-1] for runs, _ in found if kind in runs])

    def at(kind, name, moment):
        """Mean over seeds of an observable at a time, or at annealing."""
        values = []
        for runs, _ in found:
            run = runs[kind]
            index = np.searchsorted(run.time, run.anneal_time if moment is None else moment * run.time[-1])
            values.append(run.observed[name][min(index, len(run.time) - 1)])
        return np.mean(values)

    ratio = {name: last("large", name) / last("small", name)
             for name in ("test_error_p", "test_error", "test_loss", "test_loss_p", "test_loss_q")}
    large = [runs["large"] for runs, _ in found]
    time = np.mean([run.anneal_time for run in large]) / regime.dim
    after = np.mean([run.time[-1] - run.anneal_time for run in large]) / regime.dim
    norm = at("large", "signal_norm", None)
    before = np.mean([run.observed["test_loss_q"][_before(run)].mean() for run in large])
    at_anneal, at_end = at("large", "test_error_p", None), last("large", "test_error_p")
    half_q, half_p = at("small", "loss_q", 0.25), at("small", "loss_p", 0.25)
    kappa = (regime.dim / regime.n)**0.5
    m2 = np.mean([[runs[kind].observed["signal_m2"][-1] for kind in ("large", "small")] for runs, _ in found], axis=0)
    odd = np.mean([runs["small"].observed["odd"][-1] for runs, _ in found], axis=0)
    reach = np.mean([data.p * len(data.y) for _, data in found])**0.5
    limit = {"quick": 0.5, "standard": 1 / 3, "full": 0.2}[effort]  # few and small runs vary more
    seen = predicted.visibility(regime.dim, regime.r, regime.v_scale, regime.weight_decay, regime.large_lr,
                                mean_alpha=0.75, mean_square_alpha=7 / 12)
    samples = np.mean([predicted.effective_samples(len(data.y), data.p, data.q) for _, data in found], axis=0)
    rows = (
        holds("LWM19.1.1", f"Q-only test loss before annealing; P from {samples[0]:.0f} examples, error at annealing",
              f"≈ {LOG2:.2f}; small", f"{before:.3f}; {at_anneal:.4f}", "> 0.5; < 0.1",
              before > 0.5 and at_anneal < 0.1),
        holds("LWM19.1.2", f"a quarter of the way: training loss on Q only and P only ({samples[1]:.0f} examples)",
              "Q first",
              f"{half_q:.3f}, {half_p:.3f}", "Q below P", half_q < half_p),
        holds("LWM19.3.4", "total test error of L-S at the stop", f"O(pκ), p₀κ = {regime.p0 * kappa:.3g}",
              f"{last('large', 'test_error'):.2e}", "< p₀κ/5", last("large", "test_error") < regime.p0 * kappa / 5),
        holds("LWM19.3.5", "P-only error of S, and error of L-S over that of S (P-only; total)", "not small; ≪ 1",
              f"{last('small', 'test_error_p'):.3f}, {ratio['test_error_p']:.3f}, {ratio['test_error']:.3f}",
              f"> 0.03, < {limit:.2g} each",
              last("small", "test_error_p") > 0.03 and max(ratio["test_error_p"], ratio["test_error"]) < limit),
        holds("LWM19.test-loss", "test loss of L-S over that of S: total; P only; Q only", "total about 1",
              f"{ratio['test_loss']:.3f}; {ratio['test_loss_p']:.3f}; {ratio['test_loss_q']:.3f}", "> 0.9; < 1; > 1",
              ratio["test_loss"] > 0.9 and ratio["test_loss_p"] < 1 < ratio["test_loss_q"]),
        holds("LWM19.4.1", "annealing time / d and ‖Ū‖² / d", "O(1)", f"{time:.2f}, {norm / regime.dim:.2f}",
              "0.5…5, < 10",
              0.5 < time < 5 and norm < 10 * regime.dim),
        holds("LWM19.4.3", "time from annealing to the stop / d", "shorter than before", f"{after:.2f}",
              f"< {2 * time:.2f}, twice that before", after < 2 * time),
        holds("LWM19.4.4", "L-S at the stop: training loss on Q only, P only", "both small",
              f"{last('large', 'loss_q'):.3f}, {last('large', 'loss_p'):.3f}", "< log 2",
              last("large", "loss_q") < LOG2 and last("large", "loss_p") < LOG2),
        holds("LWM19.5.1", "S: training loss on Q only and P only at the stop", "Q fitted, P behind",
              f"{last('small', 'loss_q'):.3f}, {last('small', 'loss_p'):.3f}", "Q below P",
              last("small", "loss_q") < last("small", "loss_p")),
        holds("LWM19.5.2", "P-only test loss at annealing of L-S and at the stop of S", "S worse",
              f"{at('large', 'test_loss_p', None):.3f}, {last('small', 'test_loss_p'):.3f}", "S above",
              last("small", "test_loss_p") > at("large", "test_loss_p", None)),
        holds("LWM19.5.2", "‖W̄⁽²⁾‖/√d at the stop, S and L-S", "S smaller",
              f"{m2[1] / regime.dim**0.5:.3f}, {m2[0] / regime.dim**0.5:.3f}", "S below half", m2[1] < m2[0] / 2),
        holds("LWM19.5.3-span", "‖α‖ of S from P-only examples, M₂ and noise", f"P-only alone, √(Np) = {reach:.2f}",
              ", ".join(f"{value:.3f}" for value in odd), "P-only smallest and below √(Np)/5",
              odd[0] < odd[1:].min() and odd[0] < reach / 5),
        holds("LWM19.3.4-range", "least d of the theorem at these κ and q₀", "> d",
              f"{predicted.least_dimension(kappa, regime.q0):.0e}", f"> {regime.dim}",
              predicted.least_dimension(kappa, regime.q0) > regime.dim),
        holds("LWM19.mitigation", "P-only error at the stop, with noise over without", "< 1",
              f"{last('jitter', 'test_error_p') / last('small', 'test_error_p'):.3f}", "< 0.7",
              last("jitter", "test_error_p") < 0.7 * last("small", "test_error_p")),
        holds("LWM19.visible", "conditions (speed, |D|, λT₁, stability)", "visible",
              f"{seen.speed:.0f}, {seen.curvature:.2f}, {seen.decay:.2f}, {seen.stability:.2f}; error {at_end:.4f}",
              "all of the order of their limits",
              seen.speed >= 999 and seen.stability < 1 and ratio["test_error_p"] < limit))
    data = {f"error_{kind}": values for kind, values in errors.items()}
    return Drawing(figure, data, rows)


def variants(effort, rng):
    """α ~ U[0, 1] as in (2.5); at full effort in Regime A, and one run with the network's own patterns."""
    small = replace(SMALL, alpha=(0.0, 1.0), stop=0.25), "α ~ U[0, 1]"
    cases = {"quick": [(*small, 3)], "standard": [(*small, 8)],
             "full": [(replace(REGIME_A, alpha=(0.0, 1.0), stop=0.15), "α ~ U[0, 1]", 2),
                      (GENUINE, "own patterns", 1)]}[effort]
    figure, axes = panels(1, 1, width=4.6, height=3.3)
    rows, data, labels = [], {}, []
    for regime, name, seeds in cases:
        found = [train(regime, rng, ("large", "small"))[0] for _ in range(seeds)]
        errors = np.array([[runs[kind].observed["test_error_p"][-1] for kind in ("large", "small")] for runs in found])
        for k, values in enumerate(errors.T):
            axes[0].plot(len(labels) + np.linspace(-0.2, 0.2, seeds), values, **simulation(k))
            labels.append(f"{name}\n{('large, then small', 'small')[k]}")
        large, small = errors.mean(axis=0)
        limit = 1 / 3 if regime.decoupled else 1 / 2
        rows.append(holds("LWM19.visible", f"P-only error of L-S and S, {name}, at training loss {regime.stop:g}",
                          "L-S far below S", f"{large:.4f}, {small:.4f}", f"ratio < {limit:.2g}; S > 0.03",
                          large < limit * small and small > 0.03 and all(run.success for runs in found
                                                                         for run in runs.values())))
        data[f"error_{len(rows)}"] = errors
    axes[0].set(xticks=range(len(labels)), ylabel="test error, P only", ylim=(-0.02, None))
    axes[0].set_xticklabels(labels, fontsize=7)
    return Drawing(figure, data, tuple(rows))


def kappa(effort, rng):
    """P-only error against κ = √(d/N) at fixed N p₀ = d/5."""
    sizes, seeds = {"quick": ((200, 400), 2), "standard": ((100, 200, 400), 4), "full": ((100, 200, 400), 8)}[effort]
    errors = np.zeros((2, len(sizes), seeds))
    for i, n in enumerate(sizes):
        for j in range(seeds):
            runs, _ = train(replace(SMALL, n=n, p0=SMALL.dim / 5 / n), rng, ("large", "small"))
            errors[:, i, j] = [runs[kind].observed["test_error_p"][-1] for kind in ("large", "small")]
    kappas = (SMALL.dim / np.array(sizes))**0.5
    figure, axes = panels(1, 1, width=4.4, height=3.4)
    for k, label in enumerate(("large, then small", "small")):
        axes[0].semilogy(kappas, np.maximum(errors[k].mean(axis=1), 2e-4), label=label, **simulation(k))
    axes[0].semilogy(kappas, errors[1].mean() * kappas, label="κ times the mean of small", **theory(0))
    axes[0].set(xlabel="$\\kappa=\\sqrt{d/N}$", ylabel=f"P-only test error at training loss {SMALL.stop:g}")
    axes[0].legend(loc="lower right")
    ratios = errors[0].mean(axis=1) / errors[1].mean(axis=1)
    # At κ = .71 the constant of O(κ) matters and S varies widely between seeds: only the order is required there.
    rows = [holds("LWM19.kappa", f"ratio of P-only errors at κ = {value:.2f}", f"O(κ) = {value:.2f}", f"{ratio:.3f}",
                  "< 1" if value > 0.6 else "< κ", ratio < (1 if value > 0.6 else value))
            for value, ratio in zip(kappas, ratios)]
    return Drawing(figure, {"kappa": kappas, "errors": errors}, tuple(rows))


def memorising(effort, rng):
    """Figure 2: z, z ± ζ and the regions of the net that memorises them, with its mixture and its kernels."""
    r, offset, n = 0.3, 0.2, {"quick": 2000, "standard": 20_000, "full": 100_000}[effort]
    data = simulated.sample(simulated.Distribution(4, 0.2, 0.3, r), n, rng)
    points = data.x2[data.in_m2][:, :2]
    labels = data.y[data.in_m2]
    figure, axes = panels(1, 2, width=4.0, height=3.4)
    side = np.stack(np.meshgrid(np.linspace(-0.05, 1.15, 241), np.linspace(-0.45, 0.45, 181)), axis=-1)
    errors, rows = [], []
    for axis, homogeneous in zip(axes, (False, True)):
        net = predicted.memorising_network(r, offset, homogeneous=homogeneous)
        values = net.predict(side)
        axis.contourf(side[..., 0], side[..., 1], values, [-9, 0, 9], colors=["#d8d8d8", "#ffffff"])
        axis.contour(side[..., 0], side[..., 1], values, [0], colors=INK, linewidths=1.2)
        for k, sign in enumerate((1, -1)):
            axis.plot(*points[labels == sign][:60].T, label=f"$y={sign:+d}$", **simulation(k, markersize=4))
        for name, y in (("$z$", 0), ("$z+\\zeta$", r), ("$z-\\zeta$", -r)):
            axis.annotate(name, (1.03, y), va="center", fontsize=8)
        axis.set(xlabel="along $z$", ylabel="along $\\zeta/r$",
                 title="offset ρ⟨z, x⟩" if homogeneous else "offset ρ")
        axis.grid(False)
        errors.append(np.mean(labels * net.predict(points) < 0))
    axes[0].legend(loc="upper left")
    wrong = predicted.memorising_error(offset)
    error = 6 * (wrong / len(labels))**0.5
    rows.append(close("LWM19.memorise", "error of the fixed offset on Q", wrong, errors[0], error,
                      "six standard errors"))
    rows.append(close("LWM19.memorise", "error with ρ⟨z, x⟩", 0.0, errors[1], 0.0))
    rows.append(close("LWM19.fractions", "q = 1 − |M₁|/N", data.q, 1 - data.in_m1.mean(), 1e-12))
    rows.append(holds("LWM19.bayes", "smallest margin y⟨w*, x₁⟩", "≥ 0.5",
                      f"{(data.y * data.x1[:, 0])[data.in_m1].min():.4f}",
                      "γ₀ = 1/√d", (data.y * data.x1[:, 0])[data.in_m1].min() >= 0.5))
    model = simulated.TwoLayerReLU(4, 6, 40_000, 1.0, 1.0, 1.0)
    u = model.init(rng)
    x = np.zeros((2, 8))
    x[:, 4] = 1, 0.6
    x[1, 5] = 0.8
    h = np.maximum(model.preactivations(u, x)[:, 6:], 0)
    kernel = float(predicted.arc_cosine_kernel(1, 0.6))
    rows.append(close("LWM19.network", "E[ReLU ReLU] of 40 000 neurons at cos θ = 0.6", kernel, (h[0] * h[1]).mean(),
                      0.04,
                      "six standard errors, below 6·1.2/200"))
    odd = model.predict(u, data.part(0)[:50]) - model.predict(u, -data.part(0)[:50])
    alpha = predicted.odd_part(u[:6, :4], model.output_weights[:6])
    gap = np.abs(odd - 2 * data.x1[:50] @ alpha).max()
    rows.append(holds("LWM19.5.3", "largest |r(x) − r(−x) − 2⟨α, x⟩|", "0", f"{gap:.1e}", "≤ 1e-12", gap <= 1e-12))
    return Drawing(figure, {"points": points, "labels": labels}, tuple(rows))


def curvature(effort, rng):
    """D before annealing on Q alone, against its law, the limit r³/λ and the bound r²/λ."""
    lr, scale, std = 0.25, 5.0, 0.5
    width, n, points = {"quick": (2000, 200, 2), "standard": (4000, 200, 3), "full": (20_000, 200, 5)}[effort]
    figure, axes = panels(1, 2, width=4.0, height=3.4)
    rows, data, sums = [], {}, np.zeros(2)
    for axis, name in zip(axes, ("r", "weight decay")):
        marks = np.geomspace(0.1, 0.18, points) if name == "r" else np.geomspace(3e-3, 8e-3, points)
        pairs = [(value, 8e-3) if name == "r" else (0.15, value) for value in marks]
        measured = []
        for r, decay in pairs:
            set_ = simulated.sample(simulated.Distribution(4, 0.0, 1.0, r), n, rng)
            model = simulated.TwoLayerReLU(4, 1, width, 1.0, scale, std)
            steps = int(12 / (lr * decay))
            run = simulated.train_small(model, set_, lr=lr, stop_loss=1e-9, weight_decay=decay,
                                        noise_std=float(predicted.noise_std(lr, decay, std)), decoupled=True,
                                        max_steps=steps,
                                        record_every=10, rng=rng)
            measured.append(run.observed["curvature"][run.time > 3 / decay].mean())
        measured = -np.array(measured)
        law = -np.array([predicted.curvature_prediction(scale, *pair, lr=lr) for pair in pairs])
        limit = -np.array([predicted.curvature_prediction(scale, *pair) for pair in pairs])
        bound = np.array([predicted.curvature_bound(scale, *pair) for pair in pairs])
        for k, (line, label) in enumerate(((law, "sum over steps"), (limit, "limit, $r^3/\\lambda$"),
                                           (bound, "bound, $r^2/\\lambda$"))):
            axis.loglog(marks, line, label=label, **theory(k))
        axis.loglog(marks, np.maximum(measured, 1e-3), label="measured", **simulation(0))
        axis.set_xticks(marks, [f"{mark:.3g}" for mark in marks])
        axis.xaxis.set_minor_locator(NullLocator())
        axis.set(xlabel="$r$" if name == "r" else "$\\lambda$", ylabel="$-D$")
        rows.append(holds("LWM19.4.2", f"largest |D| over {name}", f"below {bound.min():.3g}",
                          f"{np.abs(measured).max():.3g}",
                          "the bound", np.all(np.abs(measured) < bound)))
        sums += measured.sum(), law.sum()
        data[name.replace(" ", "_")], data[f"D_{name[0]}"] = marks, -measured
    # Single points fluctuate; in the sum a factor of 2 either way, or the bound, is excluded.
    ratio = sums[0] / sums[1]
    rows.append(holds("LWM19.4.2-law", "sum of −D over all points, and over that of the law",
                      f"{sums[1]:.3f}", f"{sums[0]:.3f}, {ratio:.3f}", "0.6 < ratio < 1.5", 0.6 < ratio < 1.5))
    power = predicted.asymptotic_exponents()["stated condition, lambda / r^2"][0]
    rows.append(holds("LWM19.conditions", "power of d in λ/r²", "> 0, so λ ≤ r²/(κ²q³p²) fails", f"{power:g}", "> 0",
                      power > 0))
    axes[0].legend(loc="center left", bbox_to_anchor=(0.0, 0.62))
    return Drawing(figure, data, tuple(rows))


def turnover(effort, rng):
    """Activation patterns on z under a large and a small rate, and the noise part's law."""
    width, steps = {"quick": (2000, 400), "standard": (8000, 2000), "full": (20_000, 8000)}[effort]
    rates, decay, std = (0.2, 0.002), 2.0 / steps / 0.2, 0.5
    set_ = simulated.sample(simulated.Distribution(4, 0.2, 0.2), 50, rng)
    model = simulated.TwoLayerReLU(4, 2, width, 1.0, 1.0, std)
    noise = float(predicted.noise_std(rates[0], decay, std))
    figure, axes = panels(1, 1, width=4.4, height=3.4)
    rows, data = [], {}
    for k, lr in enumerate(rates):
        start = model.init(rng)
        run = simulated.train_small(model, set_, lr=lr, stop_loss=1e-9, weight_decay=decay, noise_std=noise,
                                    decoupled=True,
                                    max_steps=steps, record_every=steps // 10, start=start, rng=rng)
        lags = np.linspace(0, steps, 11)
        fine = np.arange(steps + 1)
        # At a rate below the stationary one the noise is not yet stationary: correlation from its two variances.
        kept = predicted.noise_autocorrelation(lr, decay, fine)
        fresh = predicted.stationary_std(lr, decay, noise)**2 * (1 - kept**2) / std**2
        law = predicted.pattern_turnover(kept / np.sqrt(kept**2 + fresh))
        axes[0].plot(fine, law, label=f"theory, $\\eta={lr:g}$", **theory(k))
        axes[0].plot(lags, run.observed["turnover"], label=f"run, $\\eta={lr:g}$", **simulation(k))
        measured, error = run.observed["turnover"][-1], 6 * (law[-1] * (1 - law[-1]) / width)**0.5
        rows.append(close("LWM19.turnover", f"patterns changed after {steps} steps, η = {lr}", law[-1], measured, error,
                          "six standard errors"))
        if k == 0:
            spread = run.noise[2:, 4:6].std()
            rows.append(close("LWM19.stationary", "std of the noise part at the end, η = 0.2", std, spread,
                              6 * std / (4 * width)**0.5, "six standard errors"))
            rho = np.mean(run.noise[2:, 4:6] * start[2:, 4:6]) / std**2
            rows.append(close("LWM19.decomposition", f"correlation of the noise part over {steps} steps", kept[-1], rho,
                              6 / (2 * width)**0.5 * 1.1, "six standard errors"))
        data[f"turnover_{k}"] = run.observed["turnover"]
    axes[0].set(xlabel="step", ylabel="fraction of patterns on $z$ that changed")
    axes[0].legend(loc="upper left")
    return Drawing(figure, data, tuple(rows))


FIGURES = (
    Figure("memorising-net", "Li, Wei and Ma: Q and the net that memorises it", memorising,
           ("LWM19.memorise", "LWM19.fractions", "LWM19.bayes", "LWM19.network", "LWM19.5.3"), (1, 1, 2)),
    Figure("learning-order", "Li, Wei and Ma: learning order under large and small rates", order,
           ("LWM19.1.1", "LWM19.1.2", "LWM19.3.4", "LWM19.3.5", "LWM19.test-loss", "LWM19.4.1", "LWM19.4.3",
            "LWM19.4.4",
            "LWM19.5.1", "LWM19.5.2", "LWM19.5.3-span", "LWM19.3.4-range", "LWM19.mitigation", "LWM19.visible"),
           (9, 18, 300)),
    Figure("learning-order-variants", "Li, Wei and Ma: α ~ U[0, 1], and the network's own patterns", variants,
           ("LWM19.visible",), (4, 9, 280)),
    Figure("learning-order-kappa", "Li, Wei and Ma: error against κ", kappa, ("LWM19.kappa",), (5, 30, 80)),
    Figure("curvature-law", "Li, Wei and Ma: D before annealing", curvature,
           ("LWM19.4.2", "LWM19.4.2-law", "LWM19.conditions"), (3, 10, 60)),
    Figure("pattern-turnover", "Li, Wei and Ma: activation patterns under large and small rates", turnover,
           ("LWM19.turnover", "LWM19.stationary", "LWM19.decomposition"), (1, 2, 10)),
)
