"""Nakkiran 2020: the slides' three panels, what the ratio depends on, and what true SGD does."""

from functools import partial
from itertools import combinations
from math import comb, log, sqrt

import numpy as np

from figures._legacy import Drawing, Figure, close, holds
from figures._style import INK, panels, simulation, theory
from refimpl import convex_annealing as simulated, sgd
from theory import convex_annealing as predicted

SIGMAS = 6.0  # standard errors that a comparison may use: a false alarm once in 5e8
ROUNDING = 1e-12  # where both sides are exact
H, G = predicted.sample_hessian([2, 1]), predicted.population_hessian()
START, LOSSES = np.array([-1.0, -1.0]), (2 / 3, 1 / 3)
GREY = "#9b9b9b"


def _centred():
    """The sample of the slides moved so that the minimum is 0: rounding is then relative to the error."""
    problem = simulated.three_samples()
    return simulated.Problem(problem.x, np.zeros(3), problem.x_test, np.zeros(2))


def _large_steps(lr, target, train=H, start=START):
    """The most large steps that leave the train loss above the target."""
    return predicted.steps_to_loss(train, start, lr, target) - 1


def paths(effort, rng):
    """The slides' panels: a small rate, a large and then a small one, and the test loss where each stops."""
    target, small, large = 0.02, 0.05, 1.3
    problem = simulated.three_samples()
    figure, axes = panels(1, 3, width=3.7, height=3.7)
    steps = _large_steps(large, target)
    runs = [simulated.descend(problem, target, lr=small, record=True),
            simulated.descend(problem, target, lr=small, large_lr=large, switch_step=steps, record=True)]
    exact = [predicted.stopping_point(H, G, START, target, lr=small),
             predicted.stopping_point(H, G, START, target, lr=small, large_lr=large, large_steps=steps)]
    flows = [predicted.stopping_point(H, G, START, target),
             predicted.stopping_point(H, G, START, target, large_lr=large, large_steps=steps)]
    bounce = predicted.gradient_descent(H, START, np.full(steps, large))
    tails = [predicted.gradient_flow(H, start, np.linspace(0, flow.time, 200))
             for start, flow in zip((START, bounce[-1]), flows)]

    side = np.linspace(-0.5, 2.5, 301)
    grid = np.stack(np.meshgrid(side, side), axis=-1)
    train, test = problem.train_loss(grid), problem.test_loss(grid)
    for axis in axes:
        axis.contour(side, side, train, [target], colors=INK, linewidths=1.2)
        axis.plot(1, 1, marker="+", color=INK, markersize=8)
        axis.set(xlabel="$\\beta_1$ (sharp)", ylabel="$\\beta_2$ (flat)", aspect="equal")
        axis.grid(False)
    for axis in axes[:2]:
        axis.contour(side, side, train, [0.1, 0.3, 0.6, 1.0, 1.5], colors=GREY, linewidths=0.6)
        axis.set(xlim=(-0.15, 2.0), ylim=(-0.5, 1.65), xticks=[0, 0.5, 1, 1.5, 2], yticks=[-0.5, 0, 0.5, 1, 1.5])
    axes[0].plot(*(1 + tails[0]).T, label="gradient flow", **theory(0))
    axes[0].plot(*runs[0].path[::5].T, label=f"GD, $\\eta={small}$, every 5th step", **simulation(0, markersize=4))
    axes[1].plot(*(1 + bounce).T, label=f"exact steps, $\\eta={large}$", **theory(1, linewidth=1))
    axes[1].plot(*(1 + tails[1]).T, label="gradient flow", **theory(0))
    axes[1].plot(*runs[1].path[:steps + 1].T, label=f"GD, $\\eta={large}$", **simulation(1, markersize=4))
    axes[1].plot(*runs[1].path[steps + 1:].T, label=f"GD, then $\\eta={small}$", **simulation(0, markersize=4))
    axes[0].text(1.02, 0.63, "$\\hat L=\\varepsilon$", color=INK)
    axes[0].text(1, 1.56, "$\\hat L=0.1$", color="#6b6b6b", ha="center", fontsize=7)
    axes[0].set_title("small learning rate")
    axes[1].set_title("large, then small")
    for axis in axes[:2]:
        axis.legend(loc="lower right", frameon=True, edgecolor="none", framealpha=0.9)
    filled = axes[2].contourf(side, side, test, np.linspace(0, 0.1, 11), cmap="Greys", alpha=0.55, extend="max")
    figure.colorbar(filled, ax=axes[2], label="test loss $P$", shrink=0.8, ticks=[0, 0.05, 0.1])
    for k, (run, label) in enumerate(zip(runs, ("small", "large, then small"))):
        axes[2].plot(*run.w, label=f"{label}: $P/\\hat L={run.loss_ratio:.3f}$",
                     **simulation(k, markersize=7, markeredgewidth=1.6))
    axes[2].set(xlim=(0.6, 1.4), ylim=(0.6, 1.4), xticks=[0.6, 0.8, 1, 1.2, 1.4], yticks=[0.6, 0.8, 1, 1.2, 1.4],
                title="test-loss landscape, enlarged")
    axes[2].text(0.9, 1.08, "$\\hat L=\\varepsilon=0.02$", color=INK)
    axes[2].legend(loc="upper right", frameon=True, edgecolor="none", framealpha=0.9)

    angles = np.linspace(0, 2 * np.pi, 721)
    ellipse = 1 + sqrt(target) * np.stack([np.cos(angles) * sqrt(1.5), np.sin(angles) * sqrt(3)], axis=-1)
    around = problem.test_loss(ellipse) / problem.train_loss(ellipse)
    bounds = predicted.ratio_bounds(H, G)
    quadratics = [np.abs(measured - predicted.quadratic_loss(hessian, grid - 1)).max()
                  for measured, hessian in ((train, H), (test, G))]
    rows = [holds(f"NAK20.{name}-loss", "largest difference on the plane, loss of the examples against ½rᵀHr", "0",
                  f"{error:.1e}", "≤ 1e-14", error <= 1e-14)
            for name, error in zip(("empirical", "population"), quadratics)]
    for name, run, point, flow in zip(("small-lr", "annealed"), runs, exact, flows):
        rows += [close(f"NAK20.{name}", f"P/L at the stop, η = {small}, ε = {target}", point.loss_ratio, run.loss_ratio,
                       ROUNDING),
                 holds(f"NAK20.{name}", "flow beside it, P/ε, and steps of descent",
                       f"{flow.loss_ratio:.4f}, {point.steps} steps", f"{run.loss_ratio:.4f}, {run.nit} steps",
                       "the same steps; ±0.01 for η = 0.05",
                       run.nit == point.steps and abs(run.loss_ratio - flow.loss_ratio) < 0.01)]
    rows += [close("NAK20.landscape", f"{name} P/L on the contour", bound, value, 1e-12)
             for name, bound, value in zip(("smallest", "largest"), bounds, (around.min(), around.max()))]
    rows.append(holds("NAK20.landscape", "P/L at the two stops, between the bounds", f"{bounds[0]:g}…{bounds[1]:g}",
                      f"{runs[1].loss_ratio:.3f} and {runs[0].loss_ratio:.3f}", "within 0.1 of an end each",
                      bounds[0] <= runs[1].loss_ratio < bounds[0] + 0.1
                      and bounds[1] - 0.1 < runs[0].loss_ratio <= bounds[1]))
    data = {"small_path": runs[0].path, "annealed_path": runs[1].path, "small_flow": 1 + tails[0],
            "annealed_flow": 1 + tails[1], "contour": ellipse, "contour_ratio": around}
    return Drawing(figure, data, tuple(rows))


def target_loss(effort, rng):
    """P/L against ε: both schedules, a switch after a fixed number of steps, and the test loss itself."""
    points, curve = {"quick": (5, 60), "standard": (11, 300), "full": (21, 1000)}[effort]
    small, large, least = 0.02, 1.3, 1e-10
    figure, axes = panels(1, 3, width=3.7, height=3.3)
    fine, marks = np.geomspace(0.99, least, curve), np.geomspace(0.3, least, points)
    problem, rows = _centred(), []
    descend = partial(simulated.descend, problem, lr=small, w0=START)

    follow = [predicted.annealed_loss_ratio(*LOSSES, target, large, _large_steps(large, target)) for target in fine]
    lines = [predicted.flow_loss_ratio(*LOSSES, fine), np.array(follow)]
    counts = [_large_steps(large, target) for target in marks]
    runs = [[descend(target) for target in marks],
            [descend(target, large_lr=large, switch_step=k) if k else descend(target)
             for target, k in zip(marks, counts)]]
    exact = [[predicted.stopping_point(H, G, START, target, lr=small) for target in marks],
             [predicted.stopping_point(H, G, START, target, lr=small,
                                       **({"large_lr": large, "large_steps": k} if k else {}))
              for target, k in zip(marks, counts)]]
    names = ("small-lr", "annealed")
    labels = ("small rate", f"$\\eta={large}$ first, annealed in time")
    ratios = [np.array([run.loss_ratio for run in series]) for series in runs]
    for k in range(2):
        axes[0].semilogx(fine, lines[k], label=labels[k], **theory(k))
        axes[0].semilogx(marks, ratios[k], **simulation(k))
        axes[2].loglog(fine, fine * lines[k], label=labels[k], **theory(k))
        axes[2].loglog([run.train_loss for run in runs[k]], [run.test_loss for run in runs[k]], **simulation(k))
        error = max(abs(run.loss_ratio - point.loss_ratio) for run, point in zip(runs[k], exact[k]))
        same = all(run.nit == point.steps for run, point in zip(runs[k], exact[k]))
        rows.append(holds(f"NAK20.{names[k]}", f"P/L at {points} targets to 1e-10, η = {small}: largest difference",
                          "0, equal steps", f"{error:.1e}", f"≤ {ROUNDING:g}", error <= ROUNDING and same))
        limit = predicted.limit_ratios(H, G)[k]
        rows.append(close(f"NAK20.{names[k]}", "P/L at ε = 1e-10", limit, ratios[k][-1], 1e-3))
    for axis in axes[:2]:
        for level, text in ((1.5, "3/2"), (0.75, "3/4")):
            axis.axhline(level, color=GREY, linewidth=0.7)
            axis.text(1.02, level, text, transform=axis.get_yaxis_transform(), va="center", fontsize=8)
        axis.set(xlabel="target train loss $\\varepsilon$", ylabel="test loss / train loss, $P/\\hat L$",
                 ylim=(0.7, 1.55))
        axis.invert_xaxis()
    axes[0].legend(loc="center", title=f"line: gradient flow at the end\nmarkers: GD, $\\eta={small}$",
                   title_fontsize=7.5)

    error, data = 0.0, {"targets": fine, "small": lines[0], "annealed": lines[1], "marks": marks, "small_gd": ratios[0],
                        "annealed_gd": ratios[1]}
    descend = partial(simulated.descend, problem, lr=0.05, w0=START)
    fine, marks = np.geomspace(0.99, 1e-15, curve), np.geomspace(0.3, 1e-15, points)
    for k, steps in enumerate((1, 2, 3, 4)):
        shrunk = np.array(LOSSES) * (1 - large * np.array([4, 2]) / 3) ** (2 * steps)
        below, seen = fine[fine <= shrunk.sum()], marks[marks <= 0.9 * shrunk.sum()]
        line = predicted.annealed_loss_ratio(*LOSSES, below, large, steps)
        stops = [descend(target, large_lr=large, switch_step=steps) for target in seen]
        places = [predicted.stopping_point(H, G, START, target, lr=0.05, large_lr=large, large_steps=steps)
                  for target in seen]
        half = predicted.reversal_target(*LOSSES, large, steps)
        ratio = np.array([stop.loss_ratio for stop in stops])
        axes[1].semilogx(below, line, label=f"$K={steps}$", **theory(k))
        axes[1].semilogx(seen, ratio, **simulation(k))
        axes[1].plot(half, 9 / 8, marker="x", color=INK, markersize=6, linestyle="none", zorder=5,
                     label="$\\varepsilon=2B_K^2/A_K$" if steps == 4 else None)
        error = max(error, *(abs(stop.loss_ratio - point.loss_ratio) for stop, point in zip(stops, places)))
        stop = simulated.descend(problem, half, lr=0.01, w0=START, large_lr=large, switch_step=steps)
        halfway = [predicted.stopping_point(H, G, START, half, lr=lr, large_lr=large, large_steps=steps).loss_ratio
                   for lr in (0.01, None)]
        rows.append(close("NAK20.fixed-switch", f"P/L at ε = 2B²/A = {half:.2e}, K = {steps}, then η = 0.01",
                          halfway[0], stop.loss_ratio, ROUNDING, f"(with gradient flow {halfway[1]:.10g})"))
        data |= {f"fixed_{steps}_targets": below, f"fixed_{steps}": line, f"fixed_{steps}_marks": seen,
                 f"fixed_{steps}_gd": ratio}
        if steps == 2:
            rows.append(close("NAK20.fixed-switch", "P/L at ε = 1e-15 after K = 2 large steps: that of a small rate",
                              1.5, ratio[-1], 1e-3))
    rows.append(holds("NAK20.fixed-switch", "P/L for K = 1…4 at all targets: largest difference", "0", f"{error:.1e}",
                      f"≤ {ROUNDING:g}", error <= ROUNDING))
    axes[1].set(xlim=(1e5, 3e-16), xticks=[1, 1e-5, 1e-10, 1e-15])
    axes[1].legend(loc="upper left", bbox_to_anchor=(0, 0.92), title_fontsize=7.5, handlelength=1.6,
                   title=f"$K$ steps at\n$\\eta={large}$ first,\nthen GD at 0.05\n(line: flow)")
    axes[2].set(xlabel="train loss $\\hat L$ at the stop", ylabel="test loss $P$ at the stop")
    axes[2].invert_xaxis()
    axes[2].legend(loc="upper right", title="one minimum, $P=0$: a factor 2 on the way", title_fontsize=7.5)
    axes[0].set_title("switch follows $\\varepsilon$")
    axes[1].set_title("switch fixed")
    axes[2].set_title("both reach the minimum")
    factors, settled = ratios[0] / ratios[1], data["marks"] <= 1e-2
    nearest = max(np.linalg.norm(series[-1].w) for series in runs)
    rows += [close("NAK20.convex", "test loss at a small rate over that annealed, ε = 1e-10", 2.0, factors[-1], 1e-3),
             holds("NAK20.claim3", "distance from the unique minimum at ε = 1e-10, either schedule",
                   "≤ √(2ε/λ_min) = 1.7e-05", f"{nearest:.1e}", "bound", nearest <= sqrt(2 * least / (2 / 3))),
             holds("NAK20.claim3", "factor between the test losses, smallest over ε ≤ 1e-2", "2 (claim 3: 1)",
                   f"{factors[settled].min():.4f}", "> 1.9", factors[settled].min() > 1.9)]
    return Drawing(figure, data, tuple(rows))


def crossover(effort, rng):
    """P/L against the large rate, the factor of a step in each direction, and samples of n draws."""
    points, curve, draws, sizes = {"quick": (15, 60, 300, (2, 3, 8, 16)),
                                   "standard": (29, 400, 2000, (2, 3, 4, 8, 16, 32, 64)),
                                   "full": (57, 1500, 20_000, (2, 3, 4, 6, 8, 12, 16, 32, 64, 128))}[effort]
    small, rows, data = 0.02, [], {}
    figure, axes = panels(1, 3, width=3.7, height=3.3)
    values = np.diag(H)
    edges = (1 / values.max(), predicted.crossover_lr(H), 2 / values.max())
    fine, marks = np.linspace(0.02, 1.495, curve), np.linspace(0.06, 1.46, points)
    problem, worst = _centred(), 0.0
    for k, target in enumerate((1e-2, 1e-4, 1e-8)):
        def stop(lr, last):
            steps = _large_steps(lr, target)
            return predicted.stopping_point(H, G, START, target, lr=last,
                                            **({"large_lr": lr, "large_steps": steps} if steps else {}))

        line = [stop(lr, None).loss_ratio for lr in fine]
        exact = [stop(lr, small) for lr in marks]
        runs = [simulated.descend(problem, target, lr=small, w0=START, large_lr=lr,
                                  switch_step=_large_steps(lr, target)) for lr in marks]
        ratio = np.array([run.loss_ratio for run in runs])
        worst = max(worst, *(abs(run.loss_ratio - point.loss_ratio) for run, point in zip(runs, exact)))
        axes[0].plot(fine, line, label=f"$\\varepsilon=10^{{{round(np.log10(target))}}}$", **theory(k))
        axes[0].plot(marks, ratio, **simulation(k, markersize=4))
        data |= {f"line_{k}": line, f"gd_{k}": ratio}
    sides = [simulated.descend(problem, 1e-40, lr=small, w0=START, large_lr=lr, switch_loss=1e-38).loss_ratio
             for lr in (0.97, 1.03)]
    rows += [holds("NAK20.large", f"P/L at {3 * points} rates and targets: largest difference", "0", f"{worst:.1e}",
                   f"≤ {ROUNDING:g}", worst <= ROUNDING),
             close("NAK20.large", "P/L below the crossover, η = 0.97 (bouncing), ε = 1e-40", 1.5, sides[0], 0.05),
             close("NAK20.large", "P/L above the crossover, η = 1.03 (far below 1.5), ε = 1e-40", 0.75, sides[1], 0.05)]
    for axis in axes[:2]:
        for edge in edges:
            axis.axvline(edge, color=INK, linewidth=0.8, linestyle=(0, (1, 2)))
        axis.set(xlabel="large learning rate $\\eta$ (1/curvature)", xlim=(0, 1.55))
    for edge, text in zip(edges, ("$1/\\lambda_{max}$", "$2/(\\lambda_{min}+\\lambda_{max})$", "$2/\\lambda_{max}$")):
        axes[0].text(edge - 0.02 if edge != 1 else edge + 0.02, 1.43, text, rotation=90,
                     ha="right" if edge != 1 else "left", va="top", fontsize=8)
    axes[0].set(ylabel="test loss / train loss, $P/\\hat L$", ylim=(0.6, 1.55), title="the ratio")
    axes[0].legend(loc="lower left", title="line: flow after it\nmarkers: GD", title_fontsize=7.5)

    one = sgd.run(simulated.LeastSquares(2), np.broadcast_to(START, (points, 2)), problem.x, problem.y, lr=marks[None],
                  steps=1)
    factors = np.abs(one.w / START)
    for k, (direction, label) in enumerate(((0, "sharp"), (1, "flat"))):
        axes[1].plot(fine, np.abs(1 - fine * values[direction]),
                     label=f"{label}, $\\lambda={round(3 * values[direction])}/3$", **theory(k))
        axes[1].plot(marks, factors[:, direction], **simulation(k, markersize=4))
    axes[1].set(ylabel="$|1-\\eta\\lambda|$, factor of the error per step", ylim=(0, 1.02), title="what a step leaves")
    axes[1].legend(loc="upper center", bbox_to_anchor=(0.5, 1.0), frameon=True, edgecolor="none", framealpha=1)
    gap = factors[:, 0] - factors[:, 1]
    cross = np.interp(0.0, gap[marks > 0.8], marks[marks > 0.8])
    rows += [close("NAK20.large", "rate at which one step shrinks both directions alike, interpolated", edges[1], cross,
                   1e-12),
             holds("NAK20.mechanism", "rates above the crossover at which one step leaves most in the sharp direction",
                   "all", f"{(gap[marks > 1] > 0).mean():.0%}, below it {(gap[marks < 1] > 0).mean():.0%}",
                   "100 % and 0 %", (gap[marks > 1] > 0).all() and not (gap[marks < 1 - 1e-9] > 0).any())]
    samples_rows, samples_data = _samples(axes[2], sizes, draws, rng)
    return Drawing(figure, {"rates": fine, "marks": marks, "factors": factors, **data, **samples_data},
                   (*rows, *samples_rows))


def _samples(axis, sizes, draws, rng):
    """Benefit of annealing on random samples of n: exact means over counts, and drawn samples."""
    target, small = 1e-6, 0.1
    every = np.arange(2, sizes[-1] + 1)
    limits = np.array([predicted.mean_benefit(int(n)) for n in every])
    exact, measured, errors = [], [], []
    for n in every.tolist():
        weights = np.array([comb(n, c) / (2**n - 2) for c in range(1, n)])
        plans = {c: _sample_plan(n, c, target) for c in range(1, n // 2 + 1)}
        benefit = {c: predicted.stopping_point(hessian, G, START, target, lr=small, large_lr=large,
                                               large_steps=steps).loss_ratio
                   / predicted.stopping_point(hessian, G, START, target, lr=small).loss_ratio
                   for c, (hessian, large, steps) in plans.items()}
        each = np.array([benefit[min(c, n - c)] for c in range(1, n)])
        exact.append(weights @ each)
        if n not in sizes:
            continue
        drawn = simulated.draw_samples(n, size=(draws,), rng=rng).x[..., 0].sum(axis=1).astype(int)
        drawn = drawn[(drawn > 0) & (drawn < n)]
        counts, often = np.unique(np.minimum(drawn, n - drawn), return_counts=True)
        seen = []
        for c in counts.tolist():
            problem = simulated.Problem(np.eye(2)[np.repeat([0, 1], [n - c, c])], np.zeros(n), np.eye(2), np.zeros(2))
            descend = partial(simulated.descend, problem, target, lr=small, w0=START)
            seen.append(descend(large_lr=plans[c][1], switch_step=plans[c][2]).loss_ratio / descend().loss_ratio)
        measured.append(often @ seen / len(drawn))
        errors.append(sqrt(max(weights @ each**2 - exact[-1] ** 2, 0) / len(drawn)))
    exact, chosen = np.array(exact), np.isin(every, sizes)
    axis.semilogx(every, 1 - np.sqrt(8 / (np.pi * every)), base=2, label="$1-\\sqrt{8/\\pi n}$", color=GREY,
                  linewidth=1)
    axis.semilogx(every, limits, base=2, label="mean, $\\varepsilon\\to0$", **theory(0, linewidth=1))
    axis.semilogx(every, exact, base=2, label=f"mean, $\\varepsilon=10^{{{round(np.log10(target))}}}$",
                  **theory(1, linewidth=1))
    axis.semilogx(sizes, measured, base=2, label=f"GD, {draws} samples each", **simulation(1))
    axis.set(xlabel="examples $n$", ylabel="$P$ annealed / $P$ at a small rate", ylim=(0, 1.05), title="any sample")
    axis.legend(loc="lower right")
    worst = np.max(np.abs(measured - exact[chosen]) / (np.array(errors) + 1e-9))
    rows = (holds("NAK20.samples", f"mean benefit at ε = 1e-6 for {len(sizes)} sizes n: largest deviation in standard "
                  "errors", "exact mean", f"{worst:.2f}", f"≤ {SIGMAS:g}", worst <= SIGMAS),
            close("NAK20.samples", "mean benefit at n = 3, ε = 1e-6 (limit ½)", predicted.mean_benefit(3),
                  measured[sizes.index(3)], 1e-3))
    return rows, {"sizes": sizes, "benefit_drawn": measured, "every": every, "benefit": exact, "benefit_limit": limits}


def _sample_plan(n, count, target):
    """Train Hessian of n − c times e₁ and c times e₂, a large rate and how many steps to make at it."""
    hessian = predicted.sample_hessian([n - count, count])
    large = (1 + n / (n - count)) / 2  # between the crossover, 1, and 2 / λ_max
    return hessian, large, _large_steps(large, target, hessian)


def pairs(effort, rng):
    """Any train and test Hessian: limits against simulation, and when annealing helps."""
    count = {"quick": 6, "standard": 40, "full": 200}[effort]
    figure, axes = panels(1, 2, width=4.2, height=3.6)
    target, limits, measured = 1e-12, [], []
    rows, worst = [], 0.0
    for _ in range(count):
        dim = int(rng.integers(2, 6))
        basis, other = (np.linalg.qr(rng.standard_normal((dim, dim)))[0] for _ in range(2))
        spectrum = np.array([1.0, *rng.uniform(1.6, 3.2, dim - 2), 4.0])
        train = (basis * spectrum) @ basis.T
        test = (other * rng.uniform(0, 2, dim) ** 2) @ other.T + rng.choice([0.0, 0.5]) * train @ train
        train, test = (train + train.T) / 2, (test + test.T) / 2
        start = basis @ rng.choice([-1.0, 1.0], dim)
        problem = simulated.from_hessians(train, test, np.zeros(dim))
        large = 0.46
        steps = _large_steps(large, target, train, start)
        descend = partial(simulated.descend, problem, target, lr=0.1, w0=start)
        runs = descend(), descend(large_lr=large, switch_step=steps)
        exact = (predicted.stopping_point(train, test, start, target, lr=0.1),
                 predicted.stopping_point(train, test, start, target, lr=0.1, large_lr=large, large_steps=steps))
        worst = max(worst, *(abs(run.loss_ratio / point.loss_ratio - 1) for run, point in zip(runs, exact)))
        limits.append(predicted.limit_ratios(train, test))
        measured.append([run.loss_ratio for run in runs])
    limits, measured = np.array(limits), np.array(measured)
    span = np.array([0.5 * limits.min(), 1.5 * limits.max()])
    axes[0].loglog(span, span, label="prediction = simulation", **theory(0))
    for k, label in enumerate(("small rate", "annealed")):
        axes[0].loglog(limits[:, k], measured[:, k], label=label, **simulation(k))
    axes[0].set(xlabel="limit $v^TGv/\\lambda$, $v$ flattest or sharpest",
                ylabel="$P/\\hat L$ at $\\varepsilon=10^{-12}$, simulated", title="random pairs $H$, $G$")
    axes[0].legend(loc="upper left")
    away = np.abs(measured / limits - 1).max()
    apart = np.abs(np.log(limits[:, 1] / limits[:, 0])) > 0.01  # of a near tie the finite ε decides
    agree = np.mean(((limits[:, 1] < limits[:, 0]) == (measured[:, 1] < measured[:, 0]))[apart])
    rows += [holds("NAK20.mechanism", f"P/L of {count} random pairs against stopping_point: largest difference",
                   "0", f"{worst:.1e}", f"≤ {ROUNDING:g}", worst <= ROUNDING),
             holds("NAK20.convex", "P/L at ε = 1e-12 against the limits: largest relative distance", "→ 0",
                   f"{away:.1e}", "≤ 0.005", away <= 0.005),
             holds("NAK20.mechanism", f"of {apart.sum()} pairs the limits say whether annealing helps", "all",
                   f"{agree:.0%}", "100 %", agree == 1)]

    powers, fine, data = np.arange(-1, 3.5, 0.5), np.linspace(-1, 3, 50), {}
    for k, condition in enumerate((2.0, 4.0, 8.0)):
        train = np.diag([1.0, condition])
        ratio = []
        for power in powers:
            problem = simulated.from_hessians(train, np.diag(np.diag(train)**power), np.zeros(2))
            crossing, limit = predicted.crossover_lr(train), 2 / condition
            descend = partial(simulated.descend, problem, target, lr=0.5 / condition, w0=[1.0, 1.0])
            ratio.append(descend(large_lr=(crossing + limit) / 2,
                                 switch_loss=4 * target).loss_ratio / descend().loss_ratio)
        expected = np.array([np.divide(*predicted.limit_ratios(train, np.diag(np.diag(train)**p))[::-1]) for p in fine])
        axes[1].semilogy(fine, expected, label=f"$\\lambda_{{max}}/\\lambda_{{min}}={condition:g}$", **theory(k))
        axes[1].semilogy(powers, ratio, **simulation(k))
        data |= {f"family_{k}": ratio, f"family_{k}_limit": expected}
        for power, effect in ((0.0, "helps"), (1.0, "does nothing"), (2.0, "harms")):
            value = ratio[list(powers).index(power)]
            quantity = f"P annealed / P small for G = H^{power:g}, λ_max = {condition:g} λ_min ({effect})"
            factor = condition ** (power - 1)
            rows.append(close("NAK20.mechanism", quantity, factor, value, 1e-2 * factor))
    axes[1].axhline(1, color=INK, linewidth=0.8)
    axes[1].text(-1.1, 1.12, "above: annealing harms", va="bottom", fontsize=8)
    axes[1].text(3.1, 0.88, "below: annealing helps", ha="right", va="top", fontsize=8)
    axes[1].set(xlabel="power $m$ of the test Hessian $G=H^m$", ylabel="$P$ annealed / $P$ at a small rate",
                title="the test Hessian decides")
    axes[1].legend(loc="upper left")
    return Drawing(figure, {"limits": limits, "measured": measured, "powers": powers, "fine": fine, **data},
                   tuple(rows))


def true_sgd(effort, rng):
    """Batches of 1, 2, 3: mean-square multipliers, the mean ratio against the rate, and against the target."""
    replicas, points, curve, last = {"quick": (300, 5, 12, 1e-30), "standard": (2000, 12, 48, 1e-40),
                                     "full": (20_000, 24, 160, 1e-60)}[effort]
    figure, axes = panels(1, 3, width=3.8, height=3.5)
    parts = (_multipliers(axes[0]), _ratio_against_rate(axes[1], replicas, points, curve, rng),
             _ratio_against_target(axes[2], replicas, curve // 12, last, rng))
    for axis in axes[:2]:
        axis.axvline(1, color=INK, linewidth=0.8, linestyle=(0, (1, 2)))
        axis.set(xlim=(0, 1.55))
    return Drawing(figure, {key: value for _, data in parts for key, value in data.items()},
                   tuple(row for rows, _ in parts for row in rows))


def _multipliers(axis):
    """Mean-square growth of both directions; one simulated step averaged over every batch."""
    problem, rows, data, error = _centred(), [], {}, 0.0
    marks = np.linspace(0.1, 1.5, 8)
    for k, size in enumerate((1, 2, 3)):
        limit = predicted.mean_square_lr([2, 1], size)
        fine = np.linspace(0.01, 1.06 * limit, 150)
        growth = predicted.mean_square_multipliers([2, 1], fine, size)
        batches = list(combinations(range(3), size))
        seen = marks[marks <= 1.06 * limit]
        steps = [sgd.run(simulated.LeastSquares(2), np.broadcast_to(START, (len(batches), 2)), problem.x, problem.y,
                         lr=lr, steps=1, indices=[batches]) for lr in seen]
        means = np.array([(step.w**2).mean(axis=0) for step in steps])
        error = max(error, np.abs(means - predicted.mean_square_multipliers([2, 1], seen, size)).max())
        axis.plot(fine, growth[:, 0], label=f"$B={size}$", **theory(k))
        axis.plot(fine, growth[:, 1], **theory(k, linewidth=0.8))
        axis.plot(seen, means[:, 0], **simulation(k, markersize=4))
        axis.plot(seen, means[:, 1], **simulation(k, markersize=2.5))
        axis.plot(limit, 1, marker="|", color=INK, markersize=11, linestyle="none", zorder=5)
        data |= {f"rates_{size}": fine, f"multipliers_{size}": growth, f"marks_{size}": seen,
                 f"multipliers_{size}_enumerated": means}
        at_limit = sgd.run(simulated.LeastSquares(2), np.broadcast_to(START, (len(batches), 2)), problem.x, problem.y,
                           lr=limit, steps=1, indices=[batches]).w
        rows.append(close("NAK20.sgd", f"growth of E[r₁²] in a simulated step at the limit η = {limit:.4g}, B = {size}",
                          1.0, (at_limit[:, 0] ** 2).mean(), 1e-14))
    rows.append(holds("NAK20.sgd", "one simulated step, mean over every batch, against the multipliers: largest "
                      "difference", "0", f"{error:.1e}", "≤ 1e-14", error <= 1e-14))
    axis.set(xlabel="learning rate $\\eta$ (1/curvature)", ylabel="growth of $E[r_j^2]$ in a step", ylim=(0, 1.4),
             title="crossover 1, limits 1, 4/3, 3/2")
    axis.legend(loc="upper left", title="thick: sharp, thin: flat direction", title_fontsize=7.5, ncols=3)
    return rows, data


def _ratio_against_rate(axis, replicas, points, curve, rng):
    """Mean P/L against the large rate: exact law and runs."""
    problem, rows, data = _centred(), [], {}
    small, target = 0.05, 1e-3
    # Away from η = ½ at B = 1 and η = 1 at B = 2, where the loss can become exactly 0.
    spans = {1: ((0.02, 0.485), (0.515, 0.985)), 2: ((0.02, 0.985), (1.015, 1.33)), 3: ((0.02, 1.49),)}
    for k, size in enumerate((1, 2, 3)):
        law = partial(predicted.sgd_stopping_law, *LOSSES, target, size, lr=small, switch_loss=4 * target)
        marks = np.array([lr for lr in np.linspace(0.08, 1.44, points)
                          if any(low < lr < high for low, high in spans[size])])
        for part, span in enumerate(spans[size]):
            rates = np.linspace(*span, max(round(curve * (span[1] - span[0])), 8))
            rates = np.union1d(rates, marks[(marks > span[0]) & (marks < span[1])])
            line = [law(large_lr=lr).mean for lr in rates]
            axis.plot(rates, line, label=None if part else f"$B={size}$", **theory(k))
            data |= {f"law_{size}_{part}_rates": rates, f"law_{size}_{part}": line}
        exact = [law(large_lr=lr) for lr in marks]
        starts = np.tile(START, (replicas if size < 3 else 1, 1))
        ratio = np.array([simulated.descend(problem, target, lr=small, large_lr=lr, switch_loss=4 * target,
                                            batch_size=size, rng=rng, w0=starts).loss_ratio.mean() for lr in marks])
        share = max(abs(seen - point.mean) / _bound(point.std, replicas) for seen, point in zip(ratio, exact))
        axis.plot(marks, ratio, **simulation(k, markersize=4.5))
        data |= {f"sgd_{size}_rates": marks, f"sgd_{size}": ratio}
        rows.append(holds("NAK20.sgd", f"mean P/L at {len(marks)} rates, ε = {target:g}, B = {size}: largest deviation "
                          f"in units of its bound, {len(starts)} runs each", "exact law", f"{share:.2f}",
                          "≤ 1 (Bernstein, 1e-9)", share <= 1))
    twins = [simulated.descend(problem, target, lr=lr, w0=np.tile(START, (replicas, 1)), batch_size=1, rng=1)
             for lr in (small, 1 - small)]
    difference = np.abs(twins[0].loss_ratio - twins[1].loss_ratio).max()
    rows.append(holds("NAK20.sgd", f"P/L at η = 0.05 and 0.95 on the same single samples, {replicas} runs: largest "
                      "difference", "0, equal steps", f"{difference:.1e}", f"≤ {ROUNDING:g}",
                      difference <= ROUNDING and (twins[0].nit == twins[1].nit).all()))
    axis.set(xlabel="large learning rate $\\eta$ (1/curvature)", ylabel="mean of $P/\\hat L$ at the stop",
             ylim=(0.7, 1.55), title=f"$\\varepsilon=10^{{{round(np.log10(target))}}}$, annealed at $4\\varepsilon$")
    axis.legend(loc="lower left", title="line: exact law\nmarkers: SGD", title_fontsize=7.5)
    return rows, data


def _ratio_against_target(axis, replicas, between, last, rng):
    """Mean P/L against ε for a small rate and for large ones, and far down."""
    problem, rows = _centred(), []
    small, targets = 0.05, np.geomspace(1e-1, 1e-12, 4 * between + 1)
    marks = targets[::between]
    data = {"targets": targets, "target_marks": marks}
    axis.semilogx(targets, predicted.flow_loss_ratio(*LOSSES, targets), color=GREY, linewidth=3, label="gradient flow",
                  zorder=1)
    for k, (size, lr) in enumerate(((1, 0.95), (1, 0.6), (2, 1.3), (3, 1.3))):
        def law(target):
            return predicted.sgd_stopping_law(*LOSSES, target, size, lr=small, large_lr=lr, switch_loss=4 * target,
                                              max_steps=4000)

        def ratio(target):
            return simulated.descend(problem, target, lr=small, large_lr=lr, switch_loss=4 * target, batch_size=size,
                                     rng=rng,
                                     w0=np.tile(START, (min(replicas, 2000) if size < 3 else 1, 1))).loss_ratio.mean()

        line, seen = [law(target).mean for target in targets], [ratio(target) for target in marks]
        axis.semilogx(targets, line, label=f"$B={size}$, $\\eta={lr}$", **theory(k))
        axis.semilogx(marks, seen, **simulation(k, markersize=4.5))
        data |= {f"mean_{k}": line, f"mean_{k}_sgd": seen}
        far, limit = law(last), 1.5 if size == 1 else 0.75
        tolerance = abs(far.mean - limit) + _bound(far.std, min(replicas, 2000))
        errors = [abs(mean - law(target).mean) / _bound(law(target).std, min(replicas, 2000))
                  for mean, target in zip(seen, marks)]
        rows.append(holds("NAK20.sgd", f"mean P/L at ε = 0.1…1e-12, B = {size}, η = {lr}: largest deviation in units "
                          "of its bound", "exact law", f"{max(errors):.2f}", "≤ 1 (Bernstein, 1e-9)", max(errors) <= 1))
        rows.append(close("NAK20.sgd", f"mean P/L at ε = {last:g}, B = {size}, η = {lr}: the limit", limit, ratio(last),
                          tolerance, "(distance of the exact mean, and Bernstein's bound)"))
    axis.set(xlabel="target train loss $\\varepsilon$", ylabel="mean of $P/\\hat L$ at the stop", ylim=(0.7, 1.55),
             title="as $\\varepsilon\\to0$")
    axis.invert_xaxis()
    axis.legend(loc="center right", bbox_to_anchor=(1.0, 0.42))
    return rows, data


def _bound(deviation, count):
    """Bernstein's bound, at 1e-9, on the error of a mean of `count` values in an interval of length ¾."""
    if deviation < ROUNDING:
        return 1e-9  # nothing random: rounding of the law's many terms
    chance = log(2e9)
    return deviation * sqrt(2 * chance / count) + 0.75 * 2 * chance / (3 * count)


FIGURES = (
    Figure("annealing-paths", "The slides' three panels: paths and test-loss landscape", paths,
           ("NAK20.empirical-loss", "NAK20.population-loss", "NAK20.small-lr", "NAK20.annealed", "NAK20.landscape"),
           (1, 1, 1)),
    Figure("annealing-target", "Test over train loss against the target", target_loss,
           ("NAK20.small-lr", "NAK20.annealed", "NAK20.fixed-switch", "NAK20.convex", "NAK20.claim3"), (1.5, 2, 3)),
    Figure("annealing-crossover", "What large means; samples of any size", crossover,
           ("NAK20.large", "NAK20.mechanism", "NAK20.samples"), (1.5, 2.5, 5)),
    Figure("annealing-pairs", "Any pair of quadratics: when annealing helps", pairs,
           ("NAK20.mechanism", "NAK20.convex"), (1.5, 2, 4)),
    Figure("annealing-sgd", "True SGD: batches of 1, 2 and 3", true_sgd, ("NAK20.sgd",), (3, 5, 18)),
)
