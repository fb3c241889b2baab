"""Data sets: training curves, accuracy on strong and weak data, the published setting, noise, full batches."""

from dataclasses import replace

import numpy as np
from scipy.integrate import cumulative_trapezoid

from figures._legacy import Drawing, close, holds
from figures._style import INK, MARKERS, SHADES, panels, simulation, theory
from figures.benign_oscillation._map import GREY
from refimpl import benign_oscillation as simulated
from theory import benign_oscillation as predicted

N, DIM, KAPPA = 16, 64, 0.01


def noise_std(ratio):
    """σ_p for |ξ|² = ratio·|v|², on average."""
    return np.sqrt(ratio * KAPPA / (DIM - 2))


def draw(ratio, n_weak, seeds, width, rng):
    """(model, data, starts) of independent seeds: |u| = 1, |v| = 0.1, σ₀ = 0.01, alternating labels."""
    model = simulated.TwoLayerCNN(DIM, width)
    data = simulated.sample(N, dim=DIM, noise_std=noise_std(ratio), n_weak=n_weak, size=(seeds,), rng=rng)
    return model, data, model.init_std * rng.standard_normal((seeds, *model.parameter_shape))


def test_sets(ratio, count, rng):
    """(strong, weak) test sets."""
    return [simulated.sample(count, dim=DIM, noise_std=noise_std(ratio), weak_share=share, labels="random", rng=rng)
            for share in (0.0, 1.0)]


def epochs_to(c, n_c=8):
    """Epochs by which the oscillation at c has long ended, from small filters; 600 at small rates."""
    return 600 if c <= 1 else int(3.0 * predicted.data_half_time(c, KAPPA, 5e-5, 5e-7, n_c))


def division(effort, rng):
    """Training curves, the weak feature against its prediction, accuracy on the way, and accuracy against c."""
    seeds, count, rates = {"quick": (10, 500, (0.5, 0.9, 1.1, 1.3)),
                           "standard": (20, 2000, (0.3, 0.5, 0.7, 0.9, 0.97, 1.03, 1.07, 1.12, 1.2, 1.3, 1.4, 1.5)),
                           "full": (40, 5000, (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.96, 0.99, 1.01, 1.03,
                                               1.05, 1.08,
                                               1.12, 1.16, 1.2, 1.25, 1.3, 1.35, 1.4, 1.45, 1.5, 1.55))}[effort]
    figure, axes = panels(2, 2, width=4.3, height=3.2)
    tests = test_sets(2, count, rng)
    timed = (1.4, 1.2) if effort == "quick" else (1.4, 1.2, 1.1)
    pieces = (_curves(axes, seeds, tests, rng), _timing(axes[1], seeds // 2, timed, rng),
              _against_rate(axes[3], rates, seeds, tests, rng))
    return Drawing(figure, {key: value for _, data in pieces for key, value in data.items()},
                   tuple(row for rows, _ in pieces for row in rows))


def _curves(axes, seeds, tests, rng):
    """Training curves (panel a) and accuracy on the way (panel c) at a large and a small rate."""
    rows, data, finals = [], {}, {}
    stops = np.array([0, 10, 25, 50, 75, 100, 150, 200, 300, 400, 500, 600])
    for k, (c, name) in enumerate(((1.3, "large"), (0.5, "small"))):
        model, examples, w = draw(2, 2, seeds, 16, rng)
        alive, pieces = np.arange(seeds), []
        seen = [[simulated.accuracy(model, w, test) for test in tests]]
        for first, last in zip(stops[:-1], stops[1:]):
            own = replace(examples, x=examples.x[alive], y=examples.y[alive], weak=examples.weak[alive])
            run = simulated.train(model, own, w[alive], lr=4 * c, steps=N * int(last - first), rng=rng)
            w[alive] = run.w
            residuals = np.full((N * (last - first), seeds), np.nan)
            residuals[:, alive] = run.residuals[..., 0]
            pieces.append(residuals)
            alive = alive[run.success]
            seen.append([simulated.accuracy(model, w, test) for test in tests])
        seen = np.array(seen)                                             # (stops, strong or weak, seeds)
        loss = np.nanmean((np.concatenate(pieces) ** 2).reshape(stops[-1], N, seeds), axis=(1, 2))
        one = (np.concatenate(pieces)[:, alive[0]] ** 2).reshape(stops[-1], N).mean(axis=1)
        time = np.arange(1, stops[-1] + 1)
        axes[0].loglog(time, one, color=SHADES[k], linewidth=0.4, alpha=0.7)
        axes[0].loglog(time, loss, color=SHADES[k], linewidth=1.3, linestyle=("-", "--")[k],
                       label=f"$c={c:g}$, mean of {seeds} seeds")
        for kind, (label, fill) in enumerate((("strong", "none"), ("weak", "white"))):
            mean = np.nanmean(seen[:, kind], axis=-1)
            axes[2].plot(stops, mean, label=f"$c={c:g}$, {label} data",
                         **simulation(2 * kind + k, markersize=4.5, linestyle="-", linewidth=0.7))
        finals[name] = seen[-1, 1]
        lost = seeds - len(alive)
        kept = finals[name][alive]
        good = (kept > 0.99).mean() if name == "large" else (kept < 0.75).mean()
        rows.append(holds("LWYZ24.division",
                          f"weak-only accuracy at c = {c:g}, m = 16, {seeds} seeds ({lost} diverged)",
                          "> 0.99" if name == "large" else "< 0.60", f"{kept.mean():.4f}",
                          "mean; 90 % of the seeds > 0.99" if name == "large" else "mean; 90 % of the seeds < 0.75",
                          (np.median(kept) > 0.99 if name == "large" else kept.mean() < 0.60) and good >= 0.9))
        data |= {f"loss_{name}": loss, f"accuracy_{name}": seen}
    axes[0].plot([], [], color=GREY, linewidth=0.5, label="one seed each")
    early = [data[f"loss_{name}"][4:40].mean() for name in ("large", "small")]
    rows.append(holds("LWYZ24.small-smooth",
                      "mean train loss over epochs 5…40, large and small rate (two weak examples)",
                      "small < large", f"{early[0]:.3f} and {early[1]:.3f}", "order", early[1] < early[0]))
    axes[0].set(xlabel="epoch", ylabel="train loss, $(f-y)^2$", title="training curves")
    axes[0].legend(loc="lower left")
    axes[2].set(xlabel="epoch", ylabel="test accuracy", ylim=(0.25, 1.03), title="on the way")
    axes[2].axhline(0.5, color=INK, linewidth=0.7, linestyle=(0, (1, 2)))
    axes[2].legend(loc="lower right", ncols=2)
    data["stops"] = stops
    return rows, data


def _timing(axis, seeds, rates, rng):
    rows, data = [], {}
    for k, c in enumerate(rates):
        model, examples, w0 = draw(1, 0, seeds, 16, rng)
        right = simulated.strengths(w0 @ examples.strong_vector)[0], simulated.strengths(w0 @ examples.weak_vector)[0]
        born = (right[0].min(axis=1) > 0) & (right[1].min(axis=1) > 0)   # a class may have no filter: once in 2^m
        half = np.array([predicted.data_half_time(c, KAPPA, a, b, 8)
                         for a, b in zip(*(part[born].ravel() for part in right))])
        epochs = int(1.35 * half.max())
        run = simulated.train(model, examples, w0, lr=4 * c, steps=N * epochs, record_every=8, rng=rng)
        beta = simulated.strengths(run.weak)[0][:, born].reshape(len(run.recorded_steps), -1)
        plateau = predicted.stable_weak_strength(c, KAPPA)
        time = run.recorded_steps / N
        hit = time[np.argmax(beta >= plateau / 2, axis=0)]
        ratio = (hit / half).mean()
        limit = 0.005 if c < predicted.PERIOD_DOUBLING else 0.03
        rows.append(close("LWYZ24.division",
                          f"measured over predicted half-time on data, c = {c:g}, {len(half)} classes", 1.0,
                          ratio, limit))
        middle = beta[:, 0]
        marks = np.linspace(0, len(time) - 1, 18).astype(int)
        sizes = np.geomspace(1e-4, 0.98, 800) * plateau
        moments = cumulative_trapezoid(1 / predicted.weak_drift(c, KAPPA, sizes), np.log(sizes), initial=0) / 8
        moments += half[0] - np.interp(plateau / 2, sizes, moments)
        axis.plot(moments, sizes, label=f"$c={c:g}$", **theory(k))
        axis.plot(time[marks], middle[marks], **simulation(k, markersize=4))
        axis.plot(half[0], plateau / 2, marker="x", color=INK, markersize=7, linestyle="none", zorder=5,
                  label="half-time" if k == len(rates) - 1 else None)
        data |= {f"timing_{c:g}": middle, f"timing_epochs_{c:g}": time, f"timing_ratio_{c:g}": hit / half}
    axis.set(xlabel="epoch ($n_c=8$ strong examples per class)", ylabel="weak feature $\\beta$",
             title="weak feature on data")
    axis.legend(loc="upper right", title="line: theory", title_fontsize=7.5)
    return rows, data


def _against_rate(axis, rates, seeds, tests, rng):
    """Accuracy on weak data against c, in two data sets, and full batches."""
    rows, data = [], {"accuracy_rates": np.array(rates)}
    chance = 1 / 2
    for k, (n_weak, ratio, label) in enumerate(((0, 2, "no weak examples"), (2, 2, "two weak examples of 16"))):
        mean, spread, lost = [], [], 0
        for c in rates:
            model, examples, w0 = draw(ratio, n_weak, seeds, 16, rng)
            run = simulated.train(model, examples, w0, lr=4 * c, steps=N * 800, record_every=N * 800, rng=rng)
            scores = simulated.accuracy(model, run.w[run.success], tests[1])
            lost += int((~run.success).sum())
            mean.append(scores.mean())
            spread.append(scores.std())
        mean, spread = np.array(mean), np.array(spread)
        axis.errorbar(rates, mean, spread, color=SHADES[k], marker=MARKERS[k], markerfacecolor="white",
                      linestyle="none",
                      elinewidth=0.8, label=label, markersize=4.5)
        below, above = np.array(rates) < 1, np.array(rates) > 1.25
        rows.append(holds("LWYZ24.division",
                          f"weak-only accuracy after 800 epochs, {label} ({lost} runs diverged), c < 1 and c > 1.25",
                          "chance and 1", f"≤ {mean[below].max():.3f} and ≥ {mean[above].min():.3f}",
                          "≤ 0.80 (c = 0.2 has not ended) and ≥ 0.98", mean[below].max() <= 0.80 and mean[above].min() >= 0.98))
        data |= {f"accuracy_{n_weak}": mean, f"accuracy_spread_{n_weak}": spread}
    axis.plot([min(rates), 1, 1, max(rates)], [chance, chance, 1, 1], label="theory, in the limit of long training",
              **theory(2))
    axis.set(xlabel="$c$", ylabel="accuracy on weak data", ylim=(0.2, 1.05), title="jump at the onset")
    axis.legend(loc="lower right")
    return rows, data


def published(effort, rng):
    """The published setting, 40 seeds and more: overall accuracy against the rate."""
    seeds, count, rates = {"quick": (40, 500, (0.1, 1.2)), "standard": (40, 2000, (0.1, 0.5, 1.1, 1.2, 1.3, 1.4, 1.5)),
                           "full": (120, 5000, (0.1, 0.3, 0.5, 0.9, 1.05, 1.1, 1.15, 1.2, 1.3, 1.4, 1.5, 1.58))}[effort]
    figure, axes = panels(1, 2, width=4.6, height=3.4)
    tests, rows = test_sets(4, count, rng), []
    mean, error, lost, every = [], [], [], []
    for c in rates:
        model, examples, w0 = draw(4, 2, seeds, 8, rng)
        epochs = 1000 if c < 1 else min(2 * epochs_to(c, 7), 8000)
        run = simulated.train(model, examples, w0, lr=2 * c, steps=N * epochs, record_every=N * epochs, rng=rng)
        scores = (7 * simulated.accuracy(model, run.w, tests[0]) + simulated.accuracy(model, run.w, tests[1])) / 8
        every.append(scores)
        kept = scores[run.success]
        mean.append(kept.mean())
        error.append(kept.std() / np.sqrt(len(kept)))
        lost.append(int((~run.success).sum()))
    mean, error, every = np.array(mean), np.array(error), np.array(every)
    small = predicted.accuracy_without_weak(1 / 8)
    axes[0].axhline(small, label="theory without $v$, $1-\\rho/2$ = published, small", **theory(0))
    axes[0].axhline(0.9938, label="published, large", **theory(1))
    axes[0].axvspan(1, 1.6, color="#ececec", zorder=0, label="published window")
    spread = 0.008 * (np.arange(seeds) / (seeds - 1) - 0.5) * 4
    axes[0].plot((np.array(rates)[:, None] + spread).ravel(), every.ravel(), ".", color=GREY, markersize=2.5, zorder=1,
                 label="seeds")
    axes[0].errorbar(rates, mean, error, label=f"mean of {seeds} seeds, {2 * count} test points",
                     **simulation(2, markersize=6, elinewidth=1))
    axes[0].set(xlabel="$c$", ylabel="test accuracy, $\\frac{7}{8}$ strong + $\\frac{1}{8}$ weak", ylim=(0.86, 1.02),
                title="$d=64$, $n=16$, $m=8$, $|\\xi|^2=4|v|^2$")
    axes[0].legend(loc="lower left", bbox_to_anchor=(0.0, 0.0), ncols=1)
    share = np.array(lost) / seeds
    axes[1].plot(rates, share, label=f"diverged, of {seeds}", **simulation(1, linestyle="-", linewidth=0.7))
    axes[1].set(xlabel="$c$", ylabel="share of seeds", ylim=(-0.02, max(0.3, 1.1 * share.max())),
                title="divergent seeds")
    axes[1].legend(loc="upper left")
    window = (np.array(rates) > 1.08) & (np.array(rates) < 1.45)
    rows += [close("LWYZ24.published", f"accuracy at c = 0.1, m = 8, {seeds} seeds", small, mean[0], 0.012),
             holds("LWYZ24.all-points", "accuracy at c = 0.1 against 1 − ρ/2", f"{small:.4f}",
                   f"{mean[0]:.4f} ± {error[0]:.4f}", "±0.012", abs(mean[0] - small) <= 0.012),
             holds("LWYZ24.published", f"accuracy at c in 1.1…1.4, {seeds} seeds each (published 0.9938 at one rate)",
                   "0.985…1", f"{mean[window].min():.4f}…{mean[window].max():.4f}", "range",
                   mean[window].min() > 0.985),
             holds("LWYZ24.window", "seeds that diverged, by rate", "few in the window",
                   ", ".join(f"{c:g}: {k}" for c, k in zip(rates, lost)), "≤ 25 % below c = 1.45",
                   share[np.array(rates) < 1.45].max() <= 0.25)]
    return Drawing(figure, {"rates": rates, "scores": every, "mean": mean, "diverged": lost}, tuple(rows))


def orthogonal(examples, square, rng):
    """The examples with their noise patches replaced by orthogonal ones of length² `square`."""
    x = examples.x.copy()
    basis = np.linalg.qr(rng.standard_normal((len(x), DIM - 2, N)))[0]
    x[:, :, 2] = 0
    x[:, :, 2, 2:] = basis.swapaxes(1, 2) * np.sqrt(square)
    return replace(examples, x=x)


def noise(effort, rng):
    """Powers with which noise is memorised, and where oscillation turns from benign to harmful; full batches."""
    seeds, count, powers = {"quick": (8, 500, (0.25, 0.5, 1.0, 1.6)),
                            "standard": (20, 2000, (0.1, 0.25, 0.5, 0.625, 0.75, 0.875, 1.0, 1.125, 1.25, 1.6, 2.0)),
                            "full": (40, 5000, (0.1, 0.25, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.35, 1.6, 2.0,
                                                2.5))}[effort]
    figure, axes = panels(1, 3, width=3.9, height=3.4)
    pieces = (_powers(axes[0], seeds, powers, rng), _transition(axes[1], seeds, count, powers, rng),
              _full_batch(axes[2], {"quick": 4, "standard": 10, "full": 20}[effort], effort == "quick", rng))
    return Drawing(figure, {key: value for _, data in pieces for key, value in data.items()},
                   tuple(row for rows, _ in pieces for row in rows))


def _powers(axis, seeds, powers, rng):
    c, rows, data = 1.2, [], {}
    tested = [power for power in powers if 0.2 <= power <= 1.3]
    fine = np.linspace(0.05, 1.6, 100)
    axis.plot(fine, predicted.memorisation_exponent(8 * KAPPA * fine, KAPPA, 8, 1.0), label="theory", **theory(0))
    steps = N * int(0.9 * predicted.data_half_time(c, KAPPA, 5e-5, 5e-7, 8))
    for k, kind in enumerate(("orthogonal", "random")):
        slopes = []
        for power in tested:
            model, examples, w0 = draw(8 * power if kind == "random" else 0, 0, seeds, 16, rng)
            if kind == "orthogonal":
                examples = orthogonal(examples, 8 * KAPPA * power, rng)
            run = simulated.train(model, examples, w0, lr=4 * c, steps=steps, record_every=steps // 5,
                                  record_patches=True, rng=rng)
            half = (1 - examples.y.astype(int)) // 2
            own = np.take_along_axis(run.patches[:, :, :, 2], half[None, :, :, None, None], axis=3)[..., 0, :]
            size = (np.maximum(own, 0) ** 2).mean(axis=-1)
            beta = np.take_along_axis(simulated.strengths(run.weak)[0], half[None], axis=2)
            with np.errstate(divide="ignore", invalid="ignore"):
                slope = np.log(size[4] / size[1]) / np.log(beta[4] / beta[1])
            slopes.append(np.nanmean(np.where(np.isfinite(slope), slope, np.nan)))
        slopes = np.array(slopes)
        axis.plot(tested, slopes, label=f"runs, {kind} noise", **simulation(k))
        data[f"power_{kind}"] = slopes
        law = predicted.memorisation_exponent(8 * KAPPA * np.array(tested), KAPPA, 8, 1.0)
        off = slopes / law - 1
        if kind == "orthogonal":
            rows.append(holds("LWYZ24.benign",
                              f"power p of ν ∝ β^p at c = {c:g}, orthogonal noise: largest relative difference",
                              "0", f"{np.abs(off).max():.3f}", "≤ 0.03", np.abs(off).max() <= 0.03))
        else:
            rows.append(holds("LWYZ24.benign", "the same, random noise in d = 64: mean excess", "> 0",
                              f"{off.mean():.2f}", "0…0.35", 0 < off.mean() < 0.35))
    axis.set(xlabel="$|\\xi|^2/(n_c|v|^2)$", ylabel="power $p$ in $\\nu\\propto\\beta^p$",
             title=f"noise memorised, $c={c:g}$")
    axis.legend(loc="upper left")
    data["powers"] = np.array(tested)
    return rows, data


def _transition(axis, seeds, count, powers, rng):
    rows, data = [], {"transition_powers": np.array(powers)}
    for k, c in enumerate((1.2, 1.4)):
        mean, spread, middle, lost = [], [], [], 0
        for power in powers:
            model, examples, w0 = draw(8 * power, 0, seeds, 16, rng)
            epochs = epochs_to(c) // 2
            run = simulated.train(model, examples, w0, lr=4 * c, steps=N * epochs, record_every=N * epochs, rng=rng)
            scores = simulated.accuracy(model, run.w[run.success], test_sets(8 * power, count, rng)[1])
            lost += int((~run.success).sum())
            mean.append(scores.mean())
            spread.append(scores.std())
            middle.append(np.median(scores))
        mean, middle = np.array(mean), np.array(middle)
        axis.errorbar(np.array(powers) + 0.03 * k - 0.015, mean, spread, label=f"$c={c:g}$, {seeds} seeds",
                      **simulation(k, elinewidth=0.8, markersize=4.5))
        low, high = np.array(powers) <= 0.55, np.array(powers) >= 1.55
        rows.append(holds("LWYZ24.benign", f"weak-only accuracy at c = {c:g} ({lost} runs diverged), p ≤ 0.55 "
                                           "and p ≥ 1.55",
                          "1 and chance", f"≥ {middle[low].min():.3f} and ≤ {middle[high].max():.3f}",
                          "medians ≥ 0.98 and ≤ 0.68",
                          middle[low].min() >= 0.98 and middle[high].max() <= 0.68))
        data |= {f"transition_{c:g}": mean, f"transition_spread_{c:g}": np.array(spread)}
    axis.axvline(1, label="$p=1$", **theory(2))
    axis.set(xlabel="$p=|\\xi|^2/(n_c|v|^2)$", ylabel="accuracy on weak data", ylim=(0.4, 1.05),
             title="benign to harmful")
    axis.legend(loc="lower left")
    return rows, data


def _full_batch(axis, seeds, quick, rng):
    onset = predicted.full_batch_onset(N, 8)
    rates = np.array([0.5, 0.9, 1.1, 1.2] if quick else [0.5, 0.8, 0.95, 1.03, 1.08, 1.13, 1.18, 1.22])
    fine, rows, data = np.linspace(0.4, 1.236, 200), [], {"batch_rates": rates}
    for k, (size, scale, label) in enumerate(((1, 1.0, "SGD, one example"), (None, onset, "full batch"))):
        means = []
        for c in rates:
            model, examples, w0 = draw(0.5, 0, seeds, 16, rng)
            steps = 800 if size is None else 200 * N
            run = simulated.train(model, examples, w0, lr=4 * c * scale, steps=steps, batch_size=size,
                                  record_every=steps, rng=rng)
            means.append(np.median(run.residuals[-steps // 4:].mean(axis=(0, 2))))
        axis.plot(scale * fine, predicted.mean_residual(fine), label=f"theory, onset $c={scale:g}$", **theory(k))
        axis.plot(scale * rates, means, label=label, **simulation(k))
        off = np.abs(np.array(means) - predicted.mean_residual(rates)).max()
        allowed = 2e-3
        rows.append(holds("LWYZ24.sgd", f"mean residual of {label} at {len(rates)} rates from {scale * rates[0]:g} to "
                          f"{scale * rates[-1]:g}: largest difference from the reduced map at c/{scale:g}", "0",
                          f"{off:.1e}",
                          f"≤ {allowed:g}", off <= allowed))
        data[f"batch_{label}"] = np.array(means)
    axis.set(xlabel="$c=4\\eta|u|^2/m$", ylabel="mean of $1-yf$", title="the rate, not the sampling")
    axis.legend(loc="center", bbox_to_anchor=(0.61, 0.6))
    return rows, data
