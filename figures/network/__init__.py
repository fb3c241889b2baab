"""Wu, Ma and E 2018, on real networks: figures 1, 3 and 4 and the measured half of Table 1."""

from math import sqrt

import numpy as np
from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

from figures._legacy import Drawing, Figure, close, holds
from figures._style import INK, MARKERS, SHADES, panels, simulation, theory
from figures.network._escape import escape
from figures.network._runs import FEW, MOST_STEPS, OVER, SIGMAS, measure, task
from refimpl import network
from theory import linear_stability as predicted

EDGE = (0.02, 0.05, 0.1)   # rates at which GD ends at the edge on the synthetic set


def table_one(effort, rng, data):
    """Sharpness of GD's minima against 2/η."""
    rates, seeds = {"quick": ((0.01, 0.05, 0.1, 0.2, 0.5, 2.0), 1),
                    "standard": ((0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 2.0), 3),
                    "full": ((0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0), 8)}[effort]
    problem = task(data)
    model = problem.model
    starts = np.stack([model.init(rng) for _ in range(seeds)])
    sharp, losses = np.full((len(rates), seeds), np.nan), np.full((len(rates), seeds), np.nan)
    for row, lr in enumerate(rates):
        found = network.descend(model, starts, problem.x, problem.y, lr=lr, target=3e-5 if effort == "quick" else 1e-6,
                                max_steps=MOST_STEPS, record_every=500)
        losses[row] = found.loss
        for j in np.flatnonzero(found.status != 1):
            sharp[row, j] = float(network.sharpness(model, found.w[j], problem.x, problem.y, rng=rng))
    figure, axes = panels(1, 2, width=4.3, height=3.3)
    grid = np.geomspace(min(rates) / 1.4, max(rates) * 1.4, 50)
    axes[0].loglog(grid, predicted.sharpness_limit(grid), label="$2/\\eta$", **theory(0))
    rates_of = np.repeat(rates, seeds)
    axes[0].loglog(rates_of, sharp.ravel(), label="GD, each start", **simulation(1))
    diverged = ~np.isfinite(sharp).any(axis=1)
    for lr in np.array(rates)[diverged]:
        axes[0].text(lr, predicted.sharpness_limit(lr), "—", ha="center", va="bottom", color=SHADES[1], fontsize=12)
    axes[0].set(xlabel="learning rate $\\eta$", ylabel="sharpness $a$ at the end of GD")
    axes[0].legend(loc="upper right")
    _table(axes[1], rates, sharp)
    axes[1].set_title(f"{problem.name}, {seeds} start{'s' if seeds > 1 else ''}")
    rows = []
    ratios = sharp * np.array(rates)[:, None] / 2
    smallest = ratios[0]                                 # at η = 0.01, close to where the flow would end
    if data is None:
        for lr in EDGE:
            sharper = sharp[0] > 1.03 * predicted.sharpness_limit(lr)
            if lr not in rates or not sharper.any():
                continue
            worst = ratios[rates.index(lr), sharper]
            worst = worst[np.argmax(np.abs(worst - 1))]
            rows.append(close("WME18.tab1-gd",
                              f"aη/2 at η = {lr:g} of the {sharper.sum()} of {seeds} starts whose flow ends sharper: "
                              "the farthest from 1", 1.0, worst, 0.005))
    judged = data is None and seeds > 1
    rows.append(holds("WME18.sharpest", f"aη/2 at η = {rates[0]:g}, {seeds} starts: GD stops short of the edge",
                      "below 1",
                      f"{smallest.min():.3f}…{smallest.max():.3f}", "some < 0.95, all ≤ 1.01" if judged else "reported",
                      not judged or bool(smallest.min() < 0.95 and smallest.max() <= 1.01)))
    if data is not None:
        most = np.nanmax(ratios) if np.isfinite(ratios).any() else np.nan
        rows.append(holds("WME18.tab1-gd", "largest aη/2 at the end of GD (ends with loss above 1e-5 are not judged)",
                          "at most 1",
                          f"{most:.4f}", "≤ 1.01", not (ratios[losses < 1e-5] > 1.01).any()))
    settled = ratios[losses < 1e-5]
    rows.append(holds("WME18.sharpest", "aη/2 of every end with loss below 1e-5: no sharper than the edge", "at most 1",
                      f"{settled.min():.3f}…{settled.max():.3f}" if settled.size else "none", "≤ 1.01",
                      settled.size == 0 or settled.max() <= 1.01))
    rows.append(holds("WME18.tab1-gd", f"GD at η = {rates[-1]:g}", "blows up (dash)",
                      f"{(~np.isfinite(sharp[-1])).sum()} of {seeds} blow up", "reported" if data else "all",
                      bool(data) or bool(diverged[-1])))
    return Drawing(figure, {"rates": np.array(rates), "sharpness": sharp, "loss": losses}, tuple(rows))


def _table(axis, rates, sharp):
    """Table 1 as the poster prints it, dashes where GD blew up."""
    axis.axis("off")
    lines = []
    for lr, values in zip(rates, sharp):
        kept = values[np.isfinite(values)]
        if not kept.size:
            measured = "—"
        else:
            measured = f"{kept.mean():.1f} ± {kept.std():.1f}" if len(values) > 1 else f"{kept[0]:.1f}"
            measured += f"  ({len(values) - len(kept)} —)" if len(kept) < len(values) else ""
        lines.append([f"{lr:g}", measured, f"{predicted.sharpness_limit(lr):g}"])
    table = axis.table(lines, colLabels=["$\\eta$", "GD, measured $a$", "prediction $2/\\eta$"], loc="center",
                       cellLoc="center",
                       colWidths=[0.2, 0.45, 0.35])
    table.auto_set_font_size(False)
    table.set_fontsize(8.5)
    table.scale(1, 1.45)
    for (row, _), cell in table.get_celld().items():
        cell.set_linewidth(0)
        cell.visible_edges = "B" if row == 0 else ""
        cell.set_linewidth(0.8 if row == 0 else 0)


def sgd_minima(effort, rng, data):
    """Figs. 3 and 4: minima that SGD finds, their bounds, the exact threshold, and their test accuracy."""
    replicas, steps = {"quick": (3, 15_000), "standard": (12, 40_000), "full": (28, 100_000)}[effort]
    problem = task(data)
    settings = ((0.05, 4), (0.1, 4), (0.05, 16), (0.1, 16), (0.1, 64))
    settings = settings if effort != "quick" else ((0.05, 16), (0.1, 16))
    settings = [(lr, min(size, len(problem.x))) for lr, size in settings]
    minima, exponents, missed = _reached(problem, settings, replicas, steps, rng)
    figure, axes = panels(2, 2, width=4.3, height=3.2)
    slope = float(np.exp(np.mean(np.log(minima["non_uniformity"] / minima["sharpness"]))))
    _draw_minima(axes, settings, minima, slope, len(problem.x))
    axes[0].set_title(f"{problem.name}")
    return Drawing(figure, minima, _minima_rows(minima, exponents, missed, slope, data is None))


def _reached(problem, settings, replicas, steps, rng):
    """({quantity: array over the minima that SGD reached}, 2Λ/SE of those beyond η*, runs that reached none)."""
    model, n = problem.model, len(problem.x)
    columns, exponents, missed = [], [], 0
    for lr, size in settings:
        starts = np.stack([model.init(rng) for _ in range(replicas)])
        allowed = steps if size < FEW else min(steps, 15_000)
        found = network.descend(model, starts, problem.x, problem.y, lr=lr, batch_size=size, target=1e-7,
                                max_steps=allowed, record_every=1000, rng=rng)
        missed += int((found.status != 0).sum())
        for w in found.w[found.status == 0]:
            minimum = measure(problem, w, size, rng)
            if lr > minimum.critical_lr:
                exponents.append(_exponent(problem, w, lr, size, rng))
            columns.append((lr, size, minimum.sharpness, minimum.non_uniformity, minimum.critical_lr, minimum.accuracy,
                            predicted.non_uniformity_limit(lr, n, size)))
    if len(columns) < 3:
        raise ValueError(f"data must let SGD reach a loss of 1e-7 at η = 0.05 or 0.1, got {len(columns)} such runs; "
                         "use --effort full")
    names = ("lr", "batch_size", "sharpness", "non_uniformity", "critical_lr", "accuracy", "bound")
    return dict(zip(names, np.array(columns).T)), exponents, missed


def _draw_minima(axes, settings, minima, slope, n):
    sharp, spread = minima["sharpness"], minima["non_uniformity"]
    ratio, height = minima["lr"] / minima["critical_lr"], spread / minima["bound"]
    for k, (lr, size) in enumerate(settings):
        own = (minima["lr"] == lr) & (minima["batch_size"] == size)
        if not own.any():
            continue
        look = {"color": SHADES[k % 4], "marker": (*MARKERS, "v")[k], "markerfacecolor": "white", "linestyle": "none"}
        axes[0].plot(sharp[own], spread[own], label=f"$\\eta={lr:g}$, $B={size}$", **look)
        axes[0].plot((sharp / ratio)[own], (spread / ratio)[own], marker="+", color=SHADES[k % 4], linestyle="none",
                     markersize=7)
        edge, top = predicted.sharpness_limit(lr), predicted.non_uniformity_limit(lr, n, size)
        axes[0].plot([0, edge], [top, top], linestyle="--", linewidth=1.0, color=SHADES[k % 4])
        axes[1].plot(height[own], ratio[own], **look)
        axes[2].plot(sharp[own], spread[own], **look)
        axes[3].plot(sharp[own], 100 * minima["accuracy"][own], **look)
    axes[0].plot([], [], linestyle="--", color=INK, linewidth=1.0, label="$s=1/(\\eta\\sqrt{p})$")
    axes[0].plot([], [], linestyle="none", marker="+", color=INK, markersize=7, label="exact threshold on the ray to 0")
    axes[0].set(xlabel="sharpness $a$", ylabel="non-uniformity $s$", xlim=(0, None), ylim=(0, 1.5 * axes[0].get_ylim()[1]))
    axes[0].legend(loc="upper left", fontsize=6.5, ncols=2)
    axes[1].axhline(1, color=INK, linewidth=1.2, label="exact threshold $\\eta=\\eta^*$")
    axes[1].axvline(1, color=INK, linewidth=1.0, linestyle="--", label="poster's bound")
    axes[1].set(xlabel="$s\\,\\eta\\sqrt{p}$", ylabel="$\\eta/\\eta^*$", xlim=(0, max(1.3, 1.05 * height.max())),
                ylim=(0, 1.12 * max(1, ratio.max())))
    axes[1].legend(loc="lower left")
    grid = np.linspace(sharp.min() * 0.8, sharp.max() * 1.15, 20)
    axes[2].loglog(grid, slope * grid, label=f"$s={slope:.2f}\\,a$", **theory(0))
    axes[2].set(xlabel="sharpness $a$", ylabel="non-uniformity $s$")
    for axis in (axes[2].xaxis, axes[2].yaxis):
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_major_formatter(ScalarFormatter())
        axis.set_minor_formatter(NullFormatter())
    axes[2].legend(loc="upper left")
    axes[3].set(xlabel="sharpness $a$", ylabel="test accuracy (%)")


def _minima_rows(minima, exponents, missed, slope, synthetic):
    """Verdicts; on a set of the user's own the correlations are reported only."""
    sharp, spread, size = minima["sharpness"], minima["non_uniformity"], minima["batch_size"]
    ratio, height = minima["lr"] / minima["critical_lr"], spread / minima["bound"]
    rows = []
    for few in (False, True):
        own = (size < FEW) == few
        if own.any():
            near = ratio[own] <= 1.1
            rows.append(holds("WME18.fig3", f"minima with loss below 1e-7 and η ≤ 1.1 η*, B {'< 16' if few else '≥ 16'}",
                              "nearly all", f"{near.sum()} of {own.sum()}; η/η* up to {ratio[own].max():.3f}",
                              f"≥ {'three quarters' if few else '95 %'}, none above {OVER}",
                              near.mean() >= (0.75 if few else 0.95) and ratio[own].max() <= OVER))
    if exponents:
        rows.append(holds("WME18.fig3", f"2Λ of the {len(exponents)} minima with η > η*, in standard errors above 0",
                          "negative: almost every path converges", f"up to {max(exponents):.1f}", f"≤ {SIGMAS:g}",
                          max(exponents) <= SIGMAS))
    correlation = float(np.corrcoef(np.log(sharp), np.log(spread))[0, 1])
    scatter = float(np.std(np.log(spread / sharp)))
    generalise = float(np.corrcoef(np.log(sharp), minima["accuracy"])[0, 1])
    edge = (sharp * minima["lr"] / 2).max()
    judged = synthetic and len(sharp) >= 20
    return (*rows,
            holds("WME18.fig3", "aη/2 of the same minima", "at most 1", f"up to {edge:.4f}", "≤ 1.03", edge <= 1.03),
            holds("WME18.fig3", f"minima above the poster's bound s = 1/(η√p) ({missed} runs did not reach 1e-7)", "some",
                  f"{(height > 1).sum()} of {len(sharp)}, up to {height.max():.2f}×",
                  "at least one" if synthetic else "reported", not synthetic or bool((height > 1).any())),
            holds("WME18.fig4", f"correlation of log a and log s, {len(sharp)} minima", "near 1", f"{correlation:.3f}",
                  "≥ 0.8" if synthetic else "reported", not synthetic or correlation >= 0.8),
            holds("WME18.fig4", "s/a: geometric mean, and standard deviation of its log", "constant",
                  f"{slope:.2f}, {scatter:.2f}", "≤ 0.3" if synthetic else "reported", not synthetic or scatter <= 0.3),
            holds("WME18.fig1-test", "correlation of log a and test accuracy", "negative", f"{generalise:.2f}",
                  "< 0" if judged else "reported", not judged or generalise < 0))


def _exponent(problem, w, lr, size, rng, steps=4000, block=200):
    """2Λ of the map linearised at the minimum near w, over its standard error, from one long sequence of batches."""
    w = network.polish(problem.model, w, problem.x, problem.y)
    factors = predicted.GaussNewton(problem.model.factors(w, problem.x))
    batches = np.argsort(rng.random((steps, len(problem.x))), axis=-1)[:, :size]
    start = factors.jacobians[:, 0].T @ rng.standard_normal(len(problem.x))
    path = predicted.path_log_loss(factors, lr, batches, start)
    slopes = np.diff(path[::block])[1:]
    return float(slopes.mean() / (slopes.std(ddof=1) / sqrt(len(slopes))))


FIGURES = (
    Figure("network-sharpness", "Table 1: sharpness of the minima that gradient descent finds", table_one,
           ("WME18.tab1-gd", "WME18.sharpest"), (5, 36, 110), reads_data=True),
    Figure("network-escape", "Fig. 1: SGD escapes from gradient descent's minimum", escape,
           ("WME18.fig1", "WME18.fig1-growth", "WME18.fig1-test"), (10, 28, 90), reads_data=True),
    Figure("network-minima", "Figs. 3 and 4: the minima that SGD selects", sgd_minima,
           ("WME18.fig3", "WME18.fig4", "WME18.fig1-test"), (5, 38, 150), reads_data=True),
)
