"""Parts of Li, Wei and Ma 2019 that have a law: the memorising net, Lemmas 4.1 and 4.2, and activation patterns."""

import numpy as np
from matplotlib.ticker import NullLocator

from figures._legacy import Drawing, close, holds
from figures._statistics import fitted_power, t_limit
from figures._style import INK, panels, simulation, theory
from refimpl import learning_order as simulated
from theory import learning_order as predicted


def memorising(effort, rng):
    """Figure 2: z, z ± ζ and the regions of the net that memorises them, with its mixture and its kernels."""
    r, offset, n = 0.3, 0.2, {"quick": 2000, "standard": 20_000, "full": 100_000}[effort]
    data = simulated.sample(simulated.Distribution(4, 0.2, 0.3, r), n, rng)
    points, labels = data.x2[data.in_m2][:, :2], data.y[data.in_m2]
    figure, axes = panels(1, 2, width=4.0, height=3.4)
    side = np.stack(np.meshgrid(np.linspace(-0.05, 1.15, 241), np.linspace(-0.45, 0.45, 181)), axis=-1)
    errors = []
    for axis, homogeneous in zip(axes, (False, True)):
        net = predicted.memorising_network(r, offset, homogeneous=homogeneous)
        values = net.predict(side)
        axis.contourf(side[..., 0], side[..., 1], values, [-9, 0, 9], colors=["#d8d8d8", "#ffffff"])
        axis.contour(side[..., 0], side[..., 1], values, [0], colors=INK, linewidths=1.2)
        for k, sign in enumerate((1, -1)):
            axis.plot(*points[labels == sign][:60].T, label=f"$y={sign:+d}$", **simulation(k, markersize=4))
        for name, y in (("$z$", 0), ("$z+\\zeta$", r), ("$z-\\zeta$", -r)):
            axis.annotate(name, (1.03, y), va="center", fontsize=8)
        axis.set(xlabel="$\\langle z, x_2\\rangle$", ylabel="$\\langle\\zeta, x_2\\rangle / r$",
                 title="offset ρ⟨z, x⟩" if homogeneous else "offset ρ")
        axis.grid(False)
        errors.append(np.mean(labels * net.predict(points) < 0))
    axes[0].legend(loc="upper left")
    wrong, margin = predicted.memorising_error(offset), (data.y * data.x1[:, 0])[data.in_m1].min()
    rows = (
        close("LWM19.memorise", "error of the fixed offset on Q", wrong, errors[0], 6 * (wrong / len(labels))**0.5,
              "six standard errors"),
        close("LWM19.memorise", "error with ρ⟨z, x⟩", 0.0, errors[1], 0.0),
        close("LWM19.fractions", "q = 1 − |M₁|/N", data.q, 1 - data.in_m1.mean(), 1e-12),
        holds("LWM19.bayes", "smallest margin y⟨w*, x₁⟩", "≥ 0.5", f"{margin:.4f}", "γ₀ = 1/√d", margin >= 0.5),
        *_network(data, rng))
    return Drawing(figure, {"points": points, "labels": labels}, rows)


def _network(data, rng):
    """The wide network at its start beside its kernel, and the odd part of r."""
    model = simulated.TwoLayerReLU(4, 6, 40_000, 1.0, 1.0, 1.0)
    u = model.init(rng)
    x = np.zeros((2, 8))
    x[:, 4] = 1, 0.6
    x[1, 5] = 0.8
    h = np.maximum(model.preactivations(u, x)[:, 6:], 0)
    odd = model.predict(u, data.part(0)[:50]) - model.predict(u, -data.part(0)[:50])
    gap = np.abs(odd - 2 * data.x1[:50] @ predicted.odd_part(u[:6, :4], model.output_weights[:6])).max()
    return (close("LWM19.network", "E[ReLU ReLU] of 40 000 neurons at cos θ = 0.6",
                  float(predicted.arc_cosine_kernel(1, 0.6)), (h[0] * h[1]).mean(), 0.04,
                  "six standard errors, below 6·1.2/200"),
            holds("LWM19.5.3", "largest |r(x) − r(−x) − 2⟨α, x⟩|", "0", f"{gap:.1e}", "≤ 1e-12", gap <= 1e-12))


def annealing(effort, rng):
    """Lemma 4.1: time and signal at annealing against d, and for P alone against ε₁."""
    dims, replicas, alone = {"quick": ((40, 80, 160), 8, (50,)), "standard": ((50, 100, 200), 12, (50, 100)),
                             "full": ((50, 100, 200, 400), 16, (50, 100, 200))}[effort]
    losses = np.array([0.4, 0.3, 0.2, 0.1, 0.05])
    found = np.array([[annealed(d, rng) for _ in range(replicas)] for d in dims]).transpose(2, 0, 1)
    by_loss = np.array([[_fit_p(d, losses, rng) for _ in range(4)] for d in alone]).mean(axis=1)  # (d, 2, losses)
    figure, axes = panels(1, 4, width=3.2, height=3.2)
    rows = _against_dimension(axes[:2], dims, found) + _against_loss(axes[2:], alone, losses, by_loss)
    for axis in axes:
        axis.legend(loc="upper left")
    return Drawing(figure, {"dims": np.array(dims), "time_and_norm": found, "losses": losses, "by_loss": by_loss},
                   tuple(rows))


def _against_dimension(axes, dims, found):
    """Two panels and rows: T and ‖Ū‖² of single runs (2, d, replicas), and their powers of d."""
    powers, rows = predicted.asymptotic_exponents(), []
    labels = "annealing time $T$, sum of learning rates", "$\\Vert\\bar U\\Vert_F^2$ at annealing"
    for axis, values, name, label in zip(axes, found, ("annealing time (4.1)", "signal norm squared (4.1)"), labels):
        power, error, degrees = fitted_power(dims, values)
        what = f"power of d in {'T' if 'time' in name else '‖Ū‖²'} at ε₁ = 0.4, d = {dims[0]} to {dims[-1]}"
        rows.append(close("LWM19.4.1", what, powers[name][0], power, t_limit(degrees) * error,
                          f"{t_limit(degrees):.1f} standard errors"))
        axis.loglog(dims, np.mean(values / np.array(dims)[:, None]) * np.array(dims), label="∝ d", **theory(0))
        axis.loglog(np.repeat(dims, values.shape[1]), values.ravel(), label="one run each",
                    **simulation(0, markersize=4))
        axis.set_xticks(dims, dims)
        axis.xaxis.set_minor_locator(NullLocator())
        axis.set(xlabel="$d$", ylabel=label, title="$\\epsilon_1=0.4$")
    return rows


def _against_loss(axes, dims, losses, found):
    """Two panels and rows: T and ‖Ū‖² on P alone, (d, 2, losses), beside d log(1/ε₁)/ε₁ and d log²(1/ε₁)."""
    logs, rows = np.log(1 / losses), []
    times, roots = (found / np.array(dims)[:, None, None]).swapaxes(0, 1)
    roots = np.sqrt(roots)
    for k, (d, time, root) in enumerate(zip(dims, times, roots)):
        axes[0].loglog(1 / losses, time, label=f"$d={d}$", **simulation(k))
        axes[1].plot(logs, root, label=f"$d={d}$", **simulation(k))
        envelope, slopes = time / (logs / losses), np.diff(root) / np.diff(logs)
        rows.append(holds("LWM19.4.1", f"P alone, d = {d}: T over d log(1/ε₁)/ε₁, ε₁ = 0.4 to 0.05",
                          "bounded, Õ(d/ε₁)", ", ".join(f"{value:.2f}" for value in envelope),
                          "no growth; 1/ε₁²: × 2.4",
                          envelope[-1] < envelope[0] and envelope.max() < 1.1 * envelope[0]))
        rows.append(holds("LWM19.4.1", f"P alone, d = {d}: slope of ‖Ū‖/√d against log(1/ε₁), last over first",
                          "1 for log², 1.6 for log³", f"{slopes[-1] / slopes[0]:.3f}", "0.9 to 1.1",
                          0.9 < slopes[-1] / slopes[0] < 1.1))
    axes[0].loglog(1 / losses, logs / losses, label="log(1/ε₁)/ε₁", **theory(0))
    axes[0].loglog(1 / losses, times[0, 0] * losses[0] / losses, label="∝ 1/ε₁", **theory(1))
    axes[0].set_xticks(1 / losses, [f"{loss:g}" for loss in losses])
    axes[0].xaxis.set_minor_locator(NullLocator())
    axes[0].set(xlabel="$\\epsilon_1$", ylabel="$T/d$", title="P alone")
    axes[1].plot(logs, np.polyval(np.polyfit(logs, roots.mean(axis=0), 1), logs),
                 label="straight, ‖Ū‖² of order log²", **theory(0))
    axes[1].set(xlabel="$\\log(1/\\epsilon_1)$", ylabel="$\\Vert\\bar U\\Vert_F/\\sqrt{d}$", title="P alone")
    return rows


def annealed(d, rng, lr=0.2, std=0.2):
    """(T, ‖Ū‖²) where L̂ < q log 2 + 0.4 at N = 4d, r ∝ d^{−3/4}, λ ∝ d^{−5/4}; infinite if that is not reached.

    Sets are drawn until q = q₀: its chance is most of the scatter of T.
    """
    decay = 4e-3 * (d / 50)**-1.25
    distribution = simulated.Distribution(d, 0.05, 0.2, 0.05 * (d / 50)**-0.75, (0.5, 1.0))
    data = next(drawn for drawn in iter(lambda: simulated.sample(distribution, 4 * d, rng), None) if drawn.q == 0.2)
    run = simulated.train_small(simulated.TwoLayerReLU(d, 16, 1000, 1.0, 10.0, std), data, lr=lr,
                                target=0.4 + data.q * np.log(2), weight_decay=decay, decoupled=True, rng=rng,
                                noise_std=float(predicted.noise_std(lr, decay, std)), record_every=1000)
    return (run.time[-1], run.observed["signal_norm"][-1]) if run.success else (np.inf, np.inf)


def _fit_p(d, losses, rng):
    """(2, losses): time and ‖Ū‖² where the training loss on P alone, N = 4d, almost without decay, first is below."""
    data = simulated.sample(simulated.Distribution(d, 1.0, 0.0, 0.05), 4 * d, rng)
    run = simulated.train_small(simulated.TwoLayerReLU(d, 16, 1, 1.0, 1.0, 0.01), data, lr=2.0, target=losses[-1],
                                weight_decay=1e-5, noise_std=0.0, decoupled=True, record_every=2, rng=rng)
    places = [np.argmax(run.observed["loss"] <= loss) for loss in losses]
    return np.stack([run.time[places], run.observed["signal_norm"][places]])


def curvature(effort, rng):
    """D before annealing on Q alone, against its law, the limit r³/λ and the bound r²/λ."""
    lr, scale = 0.25, 5.0
    width, points, replicas = {"quick": (1000, 2, 5), "standard": (4000, 3, 5), "full": (8000, 5, 8)}[effort]
    ranges = {"r": np.geomspace(0.08, 0.2, points), "λ": np.geomspace(4e-3, 16e-3, points)}
    figure, axes = panels(2, 2, width=4.2, height=2.9)
    data, found, rows = {}, [], []
    for axis, below, (name, marks) in zip(axes, axes[2:], ranges.items()):
        pairs = [(mark, 8e-3) if name == "r" else (0.15, mark) for mark in marks]
        measured = np.array([[averaged_curvature(*pair, rng, width) for _ in range(replicas)]
                             for pair in pairs])
        law, half, limit = (-np.array([predicted.curvature_prediction(scale, *pair, **options) for pair in pairs])
                            for options in (dict(lr=lr, mean_square_alpha=1 / 3), dict(lr=lr), {}))
        bound = np.array([predicted.curvature_bound(scale, *pair) for pair in pairs])
        mean, error = measured.mean(axis=1), measured.std(axis=1, ddof=1) / replicas**0.5
        for k, (line, label) in enumerate(((law, "slopes that answer to $g$"), (half, "slopes of ½"),
                                           (limit, "limit, $r^3/\\lambda$"), (bound, "bound, $r^2/\\lambda$"))):
            axis.loglog(marks, line, label=label, **theory(k))
            if k < 3:
                below.semilogx(marks, line / law, **theory(k))
        axis.loglog(marks, mean, label="measured", **simulation(0))
        below.errorbar(marks, mean / law, error / law, capsize=3, **simulation(0))
        for each in (axis, below):
            each.set_xticks(marks, [f"{1000 * mark:.1f}" if name == "λ" else f"{mark:.2g}" for mark in marks])
            each.xaxis.set_minor_locator(NullLocator())
            each.set(xlabel="$r$" if name == "r" else "$1000\\,\\lambda$",
                     ylabel="$-D$" if each is axis else "$D$ over the law's")
        found.append((name, marks, np.log(measured), np.log(law), np.log(half)))
        rows.append(holds("LWM19.4.2", f"largest |D| over {name}", f"below {bound.min():.3g}",
                          f"{measured.max():.3g}", "the bound", np.all(measured.mean(axis=1) < bound)))
        key = "r" if name == "r" else "weight_decay"
        data[key], data[f"D_over_{key}"] = marks, -measured
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncol=5)
    power = predicted.asymptotic_exponents()["stated condition, lambda / r^2"][0]
    rows += _curvature_rows(found, replicas)
    rows.append(holds("LWM19.conditions", "power of d in λ/r²", "> 0, so λ ≤ r²/(κ²q³p²) fails", f"{power:g}", "> 0",
                      power > 0))
    return Drawing(figure, data, tuple(rows))


def averaged_curvature(r, decay, rng, width, lr=0.25, scale=5.0, std=0.02, settled=3, whole=12):
    """−D of a run on all of Q, averaged from `settled`/(ηλ) to `whole`/(ηλ) steps."""
    model = simulated.TwoLayerReLU(2, 1, width, 1.0, scale, std)
    run = simulated.train_small(model, simulated.q_population(simulated.Distribution(2, r=r)), lr=lr, target=1e-9,
                                weight_decay=decay, noise_std=float(predicted.noise_std(lr, decay, std)),
                                decoupled=True, max_steps=round(whole / (lr * decay)), record_every=20, rng=rng)
    return -run.observed["curvature"][run.time > settled / decay].mean()


def _curvature_rows(found, replicas):
    """Powers and sizes of D beside the law's. The scatter of log D is alike at all points, so it is pooled."""
    measured, law, half = (np.concatenate([group[k] for group in found]) for k in (2, 3, 4))
    error = np.sqrt(measured.var(axis=1, ddof=1).mean() / replicas)
    limit = t_limit(len(measured) * (replicas - 1), 1e-7)
    rows = []
    for name, marks, runs, values, _ in found:
        logs = np.log(marks) - np.log(marks).mean()
        power, expected = (logs @ each / (logs @ logs) for each in (runs.mean(axis=1), values))
        asymptotic, wrong = ("3 in the limit; the bound's is 2", 2) if name == "r" else ("−1 in the limit", 0)
        reach = limit * error / np.sqrt(logs @ logs)
        rows.append(holds("LWM19.4.2-law", f"power of {name} in D", f"{expected:.3f} ({asymptotic})", f"{power:.3f}",
                          f"±{reach:.2g}, {limit:.1f} standard errors, and {wrong} excluded",
                          abs(power - expected) <= reach < abs(power - wrong)))
    away, without = (np.abs(measured.mean(axis=1) - values).max() for values in (law, half))
    rows.append(holds("LWM19.4.2-law", "largest |log(D/law)|, slopes that answer to g", "0",
                      f"{away:.3f} ({without:.3f} with slopes of ½)",
                      f"{limit * error:.2g}, {limit:.1f} standard errors, below ½ log 2",
                      away <= limit * error < np.log(2) / 2))
    return rows


def turnover(effort, rng):
    """Activation patterns on z under a large and a small rate, and the noise part's law."""
    width, steps = {"quick": (12_000, 400), "standard": (16_000, 2000), "full": (20_000, 8000)}[effort]
    rates, decay, std = (0.2, 0.002), 2.0 / steps / 0.2, 0.5
    data_set = simulated.sample(simulated.Distribution(4, 0.2, 0.2), 50, rng)
    model = simulated.TwoLayerReLU(4, 2, width, 1.0, 1.0, std)
    noise = float(predicted.noise_std(rates[0], decay, std))
    figure, axes = panels(1, 1, width=4.4, height=3.4)
    rows, data = [], {}
    for k, lr in enumerate(rates):
        start = model.init(rng)
        run = simulated.train_small(model, data_set, lr=lr, target=1e-9, weight_decay=decay, noise_std=noise,
                                    decoupled=True, max_steps=steps, record_every=steps // 10, start=start, rng=rng)
        fine = np.arange(steps + 1)
        # At a rate below the stationary one the noise is not yet stationary: correlation from its two variances.
        kept = predicted.noise_autocorrelation(lr, decay, fine)
        fresh = predicted.stationary_std(lr, decay, noise)**2 * (1 - kept**2) / std**2
        law = predicted.pattern_turnover(kept / np.sqrt(kept**2 + fresh))
        axes[0].plot(fine, law, label=f"theory, $\\eta={lr:g}$", **theory(k))
        axes[0].plot(np.linspace(0, steps, 11), run.observed["turnover"], label=f"run, $\\eta={lr:g}$", **simulation(k))
        measured, error = run.observed["turnover"][-1], 6 * (law[-1] * (1 - law[-1]) / width)**0.5
        rows.append(holds("LWM19.turnover", f"patterns changed after {steps} steps, η = {lr}", f"{law[-1]:.4g}",
                          f"{measured:.4g}", f"±{error:.2g}, six standard errors, and 0 excluded",
                          abs(measured - law[-1]) <= error < law[-1]))
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
