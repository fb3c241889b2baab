"""Wu, Ma and E 2018, on real networks: figures 1, 3 and 4 and the measured half of Table 1."""

from math import log, sqrt

import numpy as np

from figures._figure import Drawing, Figure, close, holds
from figures._network_runs import measure, task
from figures._style import INK, MARKERS, SHADES, panels, simulation, theory
from refimpl import network, sgd
from theory import linear_stability as predicted

SIGMAS = 6.0
EDGE = (0.02, 0.05, 0.1)   # rates at which GD ends at the edge on the synthetic set


def table_one(effort, rng, data):
    """Sharpness of GD's minima against 2/η."""
    rates, seeds = {"quick": ((0.01, 0.02, 0.05, 0.1, 0.5, 2.0), 1),
                    "standard": ((0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 2.0), 3),
                    "full": ((0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0), 8)}[effort]
    problem = task(data)
    model = problem.model
    starts = np.stack([model.init(rng) for _ in range(seeds)])
    sharp, losses = np.full((len(rates), seeds), np.nan), np.full((len(rates), seeds), np.nan)
    for row, lr in enumerate(rates):
        found = network.descend(model, starts, problem.x, problem.y, lr=lr, goal=1e-6, max_steps=20_000, check_every=500)
        losses[row] = found.loss
        for j in np.flatnonzero(found.status != 1):
            sharp[row, j] = float(network.sharpness(model, found.w[j], problem.x, problem.y, rng=rng))
    figure, axes = panels(1, 2, width=4.3, height=3.3)
    grid = np.geomspace(min(rates) / 1.4, max(rates) * 1.4, 50)
    axes[0].loglog(grid, predicted.sharpness_limit(grid), label="$2/\\eta$", **theory(0))
    rates_of = np.repeat(rates, seeds)
    axes[0].loglog(rates_of, sharp.ravel(), label="GD, each start", **simulation(1))
    diverged = ~np.isfinite(sharp).any(axis=1)
    axes[0].set(xlabel="learning rate $\\eta$", ylabel="sharpness $a$ at the end of GD")
    axes[0].legend(loc="upper right")
    _table(axes[1], rates, sharp)
    axes[1].set_title(f"{problem.name}, {seeds} start{'s' if seeds > 1 else ''}")
    rows = []
    ratios = sharp * np.array(rates)[:, None] / 2
    if data is None:
        for lr in EDGE:
            worst = ratios[rates.index(lr)]
            worst = worst[np.argmax(np.abs(worst - 1))]
            rows.append(close("WME18.tab1-gd", f"aη/2 at the end of GD, η = {lr:g}, {seeds} starts: the farthest from 1", 1.0, worst, 0.005))
        below = ratios[rates.index(0.01)]
        rows.append(holds("WME18.sharpest", f"aη/2 at η = 0.01, {seeds} starts: GD stops at minima less sharp than 2/η",
                          "below 1", f"{below.min():.3f}…{below.max():.3f}", "< 0.95", below.max() < 0.95))
    else:
        most = np.nanmax(ratios) if np.isfinite(ratios).any() else np.nan
        rows.append(holds("WME18.tab1-gd", "largest aη/2 at the end of GD where the loss is below 1e-5", "at most 1", f"{most:.4f}",
                          "≤ 1.01", not (ratios[losses < 1e-5] > 1.01).any()))
        lowest = ratios[0]
        rows.append(holds("WME18.sharpest", f"aη/2 at η = {rates[0]:g} (reported, not judged)", "any",
                          ", ".join(f"{value:.3f}" for value in lowest), "none", True))
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
    table = axis.table(lines, colLabels=["$\\eta$", "GD, measured $a$", "prediction $2/\\eta$"], loc="center", cellLoc="center",
                       colWidths=[0.2, 0.45, 0.35])
    table.auto_set_font_size(False)
    table.set_fontsize(8.5)
    table.scale(1, 1.45)
    for (row, _), cell in table.get_celld().items():
        cell.set_linewidth(0)
        cell.visible_edges = "B" if row == 0 else ""
        cell.set_linewidth(0.8 if row == 0 else 0)


def escape(effort, rng, data):
    """Fig. 1: GD, then SGD from the same point at the same rate."""
    settings = {"quick": (1, 6000, 32), "standard": (4, 25_000, 64), "full": (12, 60_000, 128)}
    seeds, steps, paths = settings[effort]
    lr, sizes, every, window = 0.05, (4, 16, 100), 10, 100
    problem = task(data, corrupt=True)
    model, x, y = problem.model, problem.x, problem.y
    n = len(x)
    sizes = tuple(min(size, n) for size in sizes)
    starts = np.stack([model.init(rng) for _ in range(seeds)])
    watch = {"loss": model.loss, "accuracy": lambda w, x, y: model.accuracy(w, problem.test_x, problem.test_y)}
    first = sgd.run(model, starts[:1], x, y, lr=lr, steps=3000, observe={"loss": model.loss}, observe_every=every)
    found = network.descend(model, starts, x, y, lr=lr, goal=1e-7, max_steps=20_000)
    figure, axes = panels(2, 2, width=4.3, height=3.0)
    data_out, rows = {"lr": np.array(lr)}, []
    if (found.status == 1).any():
        raise ValueError(f"data must let GD converge at η = {lr}, but it diverged; the set is too sharp at the start")
    before = [measure(problem, w, sizes[0], rng) for w in found.w]
    axes[0].semilogy(first.recorded_steps - 3000, first.observed["loss"][:, 0], color=INK, linewidth=1.2, label="GD")
    base = network.polish(model, found.w[0], x, y)
    factors = predicted.GaussNewton(model.factors(base, x))
    displaced = found.w[0] - base
    displaced *= 1e-10 / sqrt(2 * float(np.mean((model.factors(base, x) @ displaced) ** 2)) / 2) if displaced.any() else 1.0
    after = {}
    for k, size in enumerate(sizes):
        run = sgd.run(model, found.w, x, y, lr=lr, steps=2000, batch_size=size, observe=watch, observe_every=every, rng=rng)
        loss = run.observed["loss"]
        axes[0].semilogy(run.recorded_steps, loss[:, 0], color=SHADES[k + 1], linewidth=0.9, linestyle=("-", "--", ":")[k],
                         label=f"SGD, $B={size}$")
        axes[1].plot(run.recorded_steps, 100 * run.observed["accuracy"].mean(axis=1), color=SHADES[k + 1], linewidth=1.1,
                     linestyle=("-", "--", ":")[k], label=f"SGD, $B={size}$")
        data_out |= {f"loss_{size}": loss, f"accuracy_{size}": run.observed["accuracy"], "steps": run.recorded_steps}
        threshold = predicted.critical_lr(factors, size)
        top = np.nanmax(loss, axis=0)
        if data is None:
            leaves = size < 100
            rows.append(holds("WME18.fig1", f"SGD with B = {size} from GD's minimum, η/η* = {lr / threshold:.2f}: largest loss in 2000 "
                              "steps", "escapes" if leaves else "stays", f"{top.min():.1e}…{top.max():.1e}",
                              "> 1e-3" if leaves else "< 1e-4", (top > 1e-3).all() if leaves else (top < 1e-4).all()))
        rows.extend(_growth(axes[3], k, problem, base, displaced, factors, lr, size, window, paths, threshold, rng, data_out))
        if size < min(n, 100):
            settled = network.descend(model, run.w, x, y, lr=lr, batch_size=size, goal=1e-7, max_steps=steps, check_every=1000, rng=rng)
            after[size] = [measure(problem, w, size, rng) for w, status in zip(settled.w, settled.status) if status != 1]
            old = [measure(problem, w, size, rng) for w in found.w]
            new, was = (np.array([[m.sharpness, m.non_uniformity, lr / m.critical_lr, m.accuracy] for m in which])
                        for which in (after[size], old))
            data_out |= {f"before_{size}": was, f"after_{size}": new}
            if not len(new):
                continue
            rows.append(holds("WME18.fig1", f"η/η* at B = {size}, before and after ({len(new)} runs, means)", "above 1, then about 1 or less",
                              f"{was[:, 2].mean():.2f} → {new[:, 2].mean():.2f}", "> 1.05, ≤ 1.1",
                              bool(data) or bool(was[:, 2].min() > 1.05 and new[:, 2].max() <= 1.1)))
            flatter = new[:, :2].mean(axis=0) / was[:, :2].mean(axis=0)
            rows.append(holds("WME18.fig1", f"B = {size}: sharpness and non-uniformity, after over before", "both fall",
                              f"{flatter[0]:.2f}, {flatter[1]:.2f}", "< 1", bool(data) or bool((flatter < 1).all())))
            if size == sizes[0]:
                rows.append(holds("WME18.fig1-test", f"test accuracy, GD's minima and SGD's with B = {size} ({len(new)} runs, means)",
                                  "SGD better", f"{was[:, 3].mean():.3f}, {new[:, 3].mean():.3f}", "second larger",
                                  bool(data) or new[:, 3].mean() > was[:, 3].mean()))
    _before_after(axes[2], lr, before, after, n)
    axes[0].set(xlabel="step after the switch from GD to SGD", ylabel="loss on the whole set", ylim=(1e-9, 1e2))
    axes[0].legend(loc="lower left", ncols=2)
    axes[1].set(xlabel="step after the switch", ylabel="test accuracy (%)")
    axes[1].axhline(100 * np.mean([m.accuracy for m in before]), color=INK, linewidth=1, label="GD")
    axes[1].legend(loc="lower right", ncols=2)
    axes[1].set_title(f"{problem.name}, $\\eta={lr:g}$")
    axes[3].set(xlabel="step after the switch, start at loss $10^{-20}$", ylabel="loss", yscale="log")
    axes[3].legend(loc="upper left", title="lines: linearised, same batches", title_fontsize=7.5)
    return Drawing(figure, data_out, tuple(rows))


def _growth(axis, k, problem, base, displaced, factors, lr, size, window, paths, threshold, rng, data_out):
    """Loss growth from very near the minimum: the net against its linearisation on the same batches, and 2Λ."""
    model, n = problem.model, len(problem.x)
    batches = np.argsort(rng.random((window, paths, n)), axis=-1)[..., :size]
    own = 4  # paths that the net itself runs
    run = sgd.run(model, np.tile(base + displaced, (own, 1)), problem.x, problem.y, lr=lr, steps=window, indices=batches[:, :own].copy(),
                  observe={"loss": model.loss})
    linear = np.array([predicted.path_log_loss(factors, lr, batches[:, j], displaced) for j in range(paths)])
    axis.plot(np.exp(linear[0]), **theory(k + 1))
    axis.plot(np.arange(0, window + 1, 5), run.observed["loss"][::5, 0], label=f"$B={size}$, $\\eta/\\eta^*={lr / threshold:.2f}$",
              **simulation(k + 1, markersize=4))
    measured = np.log(run.observed["loss"][-1] / run.observed["loss"][0]) / window
    matched = np.abs(measured - (linear[:own, -1] - linear[:own, 0]) / window).max()
    slopes = (linear[:, -1] - linear[:, window // 5]) / (window - window // 5)
    long = np.argsort(rng.random((40 * window, n)), axis=-1)[:, :size] if size < 64 else None
    rows = [holds("WME18.fig1-growth", f"growth of log loss per step, B = {size}: net against linearisation on the same batches, "
                  f"{own} runs", "equal", f"{measured.mean():.5f}; apart by ≤ {matched:.1e}", "≤ 1e-4", matched <= 1e-4)]
    data_out |= {f"linear_{size}": linear, f"net_{size}": run.observed["loss"]}
    if long is not None:
        path = predicted.path_log_loss(factors, lr, long, displaced)
        blocks = np.diff(path[::window])[1:] / window
        rate, error = blocks.mean(), blocks.std(ddof=1) / sqrt(len(blocks))
        spread = slopes.std(ddof=1)
        rows.append(close("WME18.fig1-growth", f"mean growth per step of {paths} paths of {window} steps, B = {size}, against 2Λ",
                          rate, slopes.mean(), SIGMAS * sqrt(error**2 + spread**2 / paths) + 0.01, "(6 standard errors + 0.01 transient)"))
        bound = log(predicted.mean_square_rate(factors, lr, size))
        rows.append(holds("WME18.fig1-growth", f"2Λ below the growth of the mean square, B = {size}", f"≤ {bound:.3f}", f"{rate:.3f}",
                          "6 standard errors", rate <= bound + SIGMAS * error))
    return rows


def _before_after(axis, lr, before, after, n):
    """Sharpness and non-uniformity of GD's minima and of those that SGD went on to."""
    edge = predicted.sharpness_limit(lr)
    axis.plot([m.sharpness for m in before], [m.non_uniformity for m in before], label="GD", **simulation(0))
    axis.axvline(edge, color=INK, linewidth=0.9, linestyle=":")
    axis.text(edge, 0, "$2/\\eta$ ", ha="right", va="bottom")
    for k, (size, minima) in enumerate(after.items()):
        top = predicted.non_uniformity_limit(lr, n, size)
        axis.plot([m.sharpness for m in minima], [m.non_uniformity for m in minima], label=f"then SGD, $B={size}$", **simulation(k + 1))
        axis.plot([0, edge], [top, top], **theory(k + 1, linewidth=1.0))
        axis.text(0, top, f"$1/(\\eta\\sqrt{{p}})$, $B={size}$", ha="left", va="bottom", fontsize=7.5, color=SHADES[k + 1])
    axis.set(xlabel="sharpness $a$", ylabel="non-uniformity $s$", xlim=(0, 1.12 * edge), ylim=(0, None))
    axis.legend(loc="upper left", bbox_to_anchor=(0.0, 0.62))


def sgd_minima(effort, rng, data):
    """Figs. 3 and 4: minima that SGD finds, their bounds, the exact threshold, and their test accuracy."""
    replicas, steps = {"quick": (3, 15_000), "standard": (12, 40_000), "full": (28, 100_000)}[effort]
    problem = task(data)
    model, n = problem.model, len(problem.x)
    settings = ((0.05, 4), (0.1, 4), (0.05, 16), (0.1, 16), (0.1, 64))
    settings = settings if effort != "quick" else ((0.05, 16), (0.1, 16), (0.1, 64))
    figure, axes = panels(2, 2, width=4.3, height=3.2)
    columns, missed = [], 0
    for k, (lr, size) in enumerate(settings):
        starts = np.stack([model.init(rng) for _ in range(replicas)])
        allowed = steps if size < 10 else min(steps, 15_000)
        found = network.descend(model, starts, problem.x, problem.y, lr=lr, batch_size=min(size, n), goal=1e-7, max_steps=allowed,
                                check_every=1000, rng=rng)
        missed += int((found.status != 0).sum())
        for w in found.w[found.status == 0]:
            minimum = measure(problem, w, min(size, n), rng)
            columns.append((lr, min(size, n), minimum.sharpness, minimum.non_uniformity, minimum.critical_lr, minimum.accuracy))
    if len(columns) < 3:
        raise ValueError(f"data must let SGD reach a loss of 1e-7 at η = 0.05 or 0.1, got {len(columns)} such runs; use --effort full")
    lr, size, sharp, spread, critical, accuracy = np.array(columns).T
    bound = np.array([predicted.non_uniformity_limit(rate, n, int(batch)) for rate, batch in zip(lr, size)])
    ratio, height = lr / critical, spread / bound
    for k, (rate, batch) in enumerate(settings):
        own = (lr == rate) & (size == min(batch, n))
        if not own.any():
            continue
        look = {"color": SHADES[k % 4], "marker": (*MARKERS, "v")[k], "markerfacecolor": "white", "linestyle": "none"}
        label = f"$\\eta={rate:g}$, $B={batch}$"
        axes[0].plot(sharp[own], spread[own], label=label, **look)
        axes[0].plot((sharp / ratio)[own], (spread / ratio)[own], marker="_", color=SHADES[k % 4], linestyle="none", markersize=7)
        edge, top = predicted.sharpness_limit(rate), predicted.non_uniformity_limit(rate, n, min(batch, n))
        axes[0].plot([0.72 * edge if batch > 10 else 0, edge], [top, top], linestyle="--", linewidth=1.0, color=SHADES[k % 4])
        axes[1].plot(height[own], ratio[own], label=label, **look)
        axes[2].plot(sharp[own], spread[own], label=label, **look)
        axes[3].plot(sharp[own], 100 * accuracy[own], label=label, **look)
    axes[0].plot([], [], linestyle="--", color=INK, linewidth=1.0, label="$s=1/(\\eta\\sqrt{p})$")
    axes[0].plot([], [], linestyle="none", marker="_", color=INK, markersize=7, label="exact threshold")
    axes[0].set(xlabel="sharpness $a$", ylabel="non-uniformity $s$", xlim=(0, None), ylim=(0, None))
    axes[0].legend(loc="upper left", fontsize=6.5)
    axes[0].set_title(f"{problem.name}")
    axes[1].axhline(1, color=INK, linewidth=1.2, label="exact threshold $\\eta=\\eta^*$")
    axes[1].axvline(1, color=INK, linewidth=1.0, linestyle="--", label="poster's bound")
    axes[1].set(xlabel="$s\\,\\eta\\sqrt{p}$", ylabel="$\\eta/\\eta^*$", ylim=(0, None))
    axes[1].legend(loc="lower right", fontsize=6.5)
    mean_ratio = float(np.exp(np.mean(np.log(spread / sharp))))
    grid = np.linspace(sharp.min() * 0.8, sharp.max() * 1.15, 20)
    axes[2].loglog(grid, mean_ratio * grid, label=f"$s={mean_ratio:.2f}\\,a$", **theory(0))
    axes[2].set(xlabel="sharpness $a$", ylabel="non-uniformity $s$")
    axes[2].legend(loc="upper left", fontsize=6.5)
    axes[3].set(xlabel="sharpness $a$", ylabel="test accuracy (%)")
    axes[3].legend(loc="upper right", fontsize=6.5)
    correlation = float(np.corrcoef(np.log(sharp), np.log(spread))[0, 1])
    scatter = float(np.std(np.log(spread / sharp)))
    generalise = float(np.corrcoef(np.log(sharp), accuracy)[0, 1])
    count = len(columns)
    rows = [
        holds("WME18.fig3", f"η/η* of {count} minima with loss below 1e-7 ({missed} runs did not get there)", "at most about 1",
              f"up to {ratio.max():.3f}", "≤ 1.1", ratio.max() <= 1.1),
        holds("WME18.fig3", "aη/2 of the same minima", "at most 1", f"up to {(sharp * lr / 2).max():.4f}", "≤ 1.01",
              (sharp * lr / 2).max() <= 1.01),
        holds("WME18.fig3", "minima above the poster's bound s = 1/(η√p)", "some", f"{(height > 1).sum()} of {count}, up to {height.max():.2f}×",
              "at least one" if data is None else "reported", bool(data) or bool((height > 1).any())),
        holds("WME18.fig4", f"correlation of log a and log s, {count} minima", "near 1", f"{correlation:.3f}",
              "≥ 0.8", bool(data) or correlation >= 0.8),
        holds("WME18.fig4", "s/a: geometric mean, and standard deviation of its log", "constant", f"{mean_ratio:.2f}, {scatter:.2f}",
              "≤ 0.3", bool(data) or scatter <= 0.3),
        holds("WME18.fig1-test", "correlation of log a and test accuracy", "negative", f"{generalise:.2f}", "< 0",
              bool(data) or generalise < 0)]
    return Drawing(figure, {"lr": lr, "batch_size": size, "sharpness": sharp, "non_uniformity": spread, "critical_lr": critical,
                            "accuracy": accuracy, "bound": bound}, tuple(rows))


FIGURES = (
    Figure("network-sharpness", "Table 1: sharpness of the minima that gradient descent finds", table_one,
           ("WME18.tab1-gd", "WME18.sharpest"), (6, 30, 90), reads_data=True),
    Figure("network-escape", "Fig. 1: SGD escapes from gradient descent's minimum", escape,
           ("WME18.fig1", "WME18.fig1-growth", "WME18.fig1-test"), (6, 30, 100), reads_data=True),
    Figure("network-minima", "Figs. 3 and 4: the minima that SGD selects", sgd_minima,
           ("WME18.fig3", "WME18.fig4", "WME18.fig1-test"), (6, 50, 300), reads_data=True),
)
