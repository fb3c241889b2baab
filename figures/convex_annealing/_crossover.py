"""P/L against the large rate, the factor of a step in each direction, and samples of n draws."""

from functools import partial
from math import comb, sqrt

import numpy as np

from figures._figure import Figure, close, frozen, holds
from figures._style import GREY, guide, null, panels, simulation, theory
from figures.convex_annealing._runs import G, H, ROUNDING, START, annealed_at, centred, descend, large_steps
from refimpl import convex_annealing as simulated, sgd
from theory import convex_annealing as predicted

SMALL, TARGETS = 0.02, (1e-2, 1e-4, 1e-8)
SAMPLE_TARGET, SAMPLE_RATE = 1e-6, 0.1
SIGMAS = 6.0  # standard errors that a comparison may use: a false alarm once in 5e8

# `points` simulated rates, `curve` of the lines, `draws` of samples of each of the sizes `n`.
Sizes = frozen("points curve draws n")
SIZES = {"quick": Sizes(15, 60, 300, (2, 3, 8, 16)), "standard": Sizes(29, 400, 2000, (2, 3, 4, 8, 16, 32, 64)),
         "full": Sizes(57, 1500, 20_000, (2, 3, 4, 6, 8, 12, 16, 32, 64, 128))}


def simulate(effort, rng):
    """Stops at all large rates for three targets, one step at each rate, and drawn samples."""
    sizes = SIZES[effort]
    fine, marks = np.linspace(0.02, 1.495, sizes.curve), np.linspace(0.06, 1.46, sizes.points)
    problem, errors, numbers = centred(), [], {"rates": fine, "marks": marks}
    for k, target in enumerate(TARGETS):
        runs = [descend(target, SMALL, large_lr=lr, large_steps=large_steps(lr, target)) for lr in marks]
        errors += [abs(run.loss_ratio - annealed_at(lr, target, SMALL).loss_ratio) for run, lr in zip(runs, marks)]
        numbers |= {f"line_{k}": [annealed_at(lr, target).loss_ratio for lr in fine],
                    f"gd_{k}": np.array([run.loss_ratio for run in runs])}
    sides = [descend(1e-40, SMALL, large_lr=lr, anneal_loss=1e-38).loss_ratio for lr in (0.97, 1.03)]
    one = sgd.run(simulated.LeastSquares(2), np.broadcast_to(START, (sizes.points, 2)), problem.x, problem.y,
                  lr=marks[None], steps=1)
    numbers |= {"factors": np.abs(one.w / START), "largest_error": max(errors), "beside_crossover": np.array(sides),
                "crossover": predicted.crossover_lr(H)}
    return numbers | _samples(sizes.n, sizes.draws, rng)


def _samples(sizes, draws, rng):
    """Benefit of annealing on random samples of n: exact means over counts, and drawn samples."""
    every = np.arange(2, sizes[-1] + 1)
    exact, measured, errors = [], [], []
    for n in every.tolist():
        weights = np.array([comb(n, c) / (2**n - 2) for c in range(1, n)])
        plans = {c: _sample_plan(n, c) for c in range(1, n // 2 + 1)}
        benefit = {c: np.divide(*(predicted.stopping_point(hessian, G, START, SAMPLE_TARGET, lr=SAMPLE_RATE,
                                                           **extra).loss_ratio
                                  for extra in ({"large_lr": large, "large_steps": steps}, {})))
                   for c, (hessian, large, steps) in plans.items()}
        each = np.array([benefit[min(c, n - c)] for c in range(1, n)])
        exact.append(weights @ each)
        if n in sizes:
            mean, count = _drawn(n, draws, plans, rng)
            measured.append(mean)
            errors.append(sqrt(max(weights @ each**2 - exact[-1] ** 2, 0) / count))
    return {"sizes": sizes, "benefit_drawn": measured, "every": every, "benefit": np.array(exact),
            "benefit_limit": np.array([predicted.mean_benefit(int(n)) for n in every]),
            "benefit_stderr": np.array(errors), "draws": draws}


def _sample_plan(n, count):
    """Train Hessian of n − c times e₁ and c times e₂, a large rate and how many steps to make at it."""
    hessian = predicted.sample_hessian([n - count, count])
    large = (1 + n / (n - count)) / 2  # between the crossover, 1, and 2 / λ_max
    return hessian, large, large_steps(large, SAMPLE_TARGET, hessian)


def _drawn(n, draws, plans, rng):
    """Simulated mean benefit over drawn samples that hold both vectors, and their number."""
    drawn = simulated.draw_samples(n, size=(draws,), rng=rng).x[..., 0].sum(axis=1).astype(int)
    drawn = drawn[(drawn > 0) & (drawn < n)]
    counts, often = np.unique(np.minimum(drawn, n - drawn), return_counts=True)
    seen = []
    for c in counts.tolist():
        problem = simulated.Problem(np.eye(2)[np.repeat([0, 1], [n - c, c])], np.zeros(n), np.eye(2), np.zeros(2))
        descend = partial(simulated.descend, problem, SAMPLE_TARGET, lr=SAMPLE_RATE, w0=START)
        seen.append(descend(large_lr=plans[c][1], large_steps=plans[c][2]).loss_ratio / descend().loss_ratio)
    return often @ seen / len(drawn), len(drawn)


def judge(numbers):
    """Stops on both sides of the crossover, the factor of one step, and the mean over samples."""
    marks, factors, worst = numbers["marks"], numbers["factors"], numbers["largest_error"]
    below, above = numbers["beside_crossover"]
    flow = max(np.abs(numbers[f"gd_{k}"] - np.interp(marks, numbers["rates"], numbers[f"line_{k}"])).max()
               for k in range(3))
    gap, early = factors[:, 0] - factors[:, 1], np.mean(marks[marks < 1] > 0.75)
    cross = np.interp(0.0, gap[marks > 0.8], marks[marks > 0.8])
    exact = numbers["benefit"][np.isin(numbers["every"], numbers["sizes"])]
    away = np.max(np.abs(numbers["benefit_drawn"] - exact) / (numbers["benefit_stderr"] + 1e-9))
    null = np.max(np.abs(1 - exact) / (numbers["benefit_stderr"] + 1e-9))
    return (
        holds("NAK20.large", f"P/L at {3 * len(marks)} rates and targets: largest difference", "0", f"{worst:.1e}",
              f"≤ {ROUNDING:g}", worst <= ROUNDING, null=f"gradient flow after it: {flow:.1g}"),
        close("NAK20.large", "P/L below the crossover, η = 0.97 (bouncing), ε = 1e-40", 1.5, below, 0.05,
              null=(0.75, "large from 1/λ_max = 0.75 on")),
        close("NAK20.large", "P/L above the crossover, η = 1.03 (far below 1.5), ε = 1e-40", 0.75, above, 0.05,
              null=(1.5, "large only near 2/λ_max = 1.5")),
        close("NAK20.large", "rate at which one step shrinks both directions alike, interpolated", numbers["crossover"],
              cross, 1e-12, null=(0.75, "1/λ_max")),
        holds("NAK20.mechanism", "rates above and below the crossover at which one step leaves most in the sharp "
                                 "direction",
              "100 % and 0 %", f"{(gap[marks > 1] > 0).mean():.0%} and {(gap[marks < 1] > 0).mean():.0%}", "exact",
              (gap[marks > 1] > 0).all() and not (gap[marks < 1 - 1e-9] > 0).any(),
              null=f"a crossover at 1/λ_max: 100 % and {early:.0%}"),
        holds("NAK20.samples", f"mean benefit at ε = 1e-6 for {len(numbers['sizes'])} sizes n: largest deviation in "
                               f"standard errors",
              "0", f"{away:.2f}", f"≤ {SIGMAS:g}", away <= SIGMAS, null=f"no benefit: {null:.0f}",
              margins=(away / SIGMAS, null / SIGMAS)),
        close("NAK20.samples", "mean benefit at n = 3, ε = 1e-6 (limit ½)", predicted.mean_benefit(3),
              numbers["benefit_drawn"][list(numbers["sizes"]).index(3)], 1e-3, null=(1.0, "no benefit")))


def draw(numbers):
    """(a) The ratio against the rate, (b) what a step leaves, (c) any sample."""
    picture, axes = panels(1, 3, width=3.7, height=3.3)
    values, fine, marks = np.diag(H), numbers["rates"], numbers["marks"]
    edges = (1 / values.max(), numbers["crossover"], 2 / values.max())
    for k, target in enumerate(TARGETS):
        axes[0].plot(fine, numbers[f"line_{k}"], label=f"$\\varepsilon=10^{{{round(np.log10(target))}}}$", **theory(k))
        axes[0].plot(marks, numbers[f"gd_{k}"], **simulation(k, markersize=4))
    for axis in axes[:2]:
        for edge in edges:
            turn = edge == numbers["crossover"]
            axis.axvline(edge, label=None if turn or edge > 1 else "null: a turn there", **guide() if turn else null())
        axis.set(xlabel="large learning rate $\\eta$ (1/curvature)", xlim=(0, 1.55))
    for edge, text in zip(edges, ("$1/\\lambda_{max}$", "$2/(\\lambda_{min}+\\lambda_{max})$", "$2/\\lambda_{max}$")):
        axes[0].text(edge - 0.02 if edge != 1 else edge + 0.02, 1.43, text, rotation=90,
                     ha="right" if edge != 1 else "left", va="top", fontsize=8)
    axes[0].set(ylabel="test loss / train loss, $P/\\hat L$", ylim=(0.6, 1.55), title="the ratio")
    axes[0].legend(loc="lower left", title="line: flow after it\nmarkers: GD")
    for k, (direction, label) in enumerate(((0, "sharp"), (1, "flat"))):
        axes[1].plot(fine, np.abs(1 - fine * values[direction]),
                     label=f"{label}, $\\lambda={round(3 * values[direction])}/3$", **theory(k))
        axes[1].plot(marks, numbers["factors"][:, direction], **simulation(k, markersize=4))
    axes[1].set(ylabel="$|1-\\eta\\lambda|$, factor of the error per step", ylim=(0, 1.02), title="what a step leaves")
    axes[1].legend(loc="upper center", bbox_to_anchor=(0.5, 1.0), frameon=True, edgecolor="none", framealpha=1)
    every = numbers["every"]
    axes[2].semilogx(every, 1 - np.sqrt(8 / (np.pi * every)), base=2, label="$1-\\sqrt{8/\\pi n}$ (large $n$)",
                     color=GREY, linewidth=1)
    axes[2].semilogx(every, numbers["benefit_limit"], base=2, label="mean, $\\varepsilon\\to0$",
                     **theory(0, linewidth=1))
    axes[2].semilogx(every, numbers["benefit"], base=2, label="mean, $\\varepsilon=10^{-6}$", **theory(1, linewidth=1))
    axes[2].errorbar(numbers["sizes"], numbers["benefit_drawn"], numbers["benefit_stderr"],
                     label=f"GD, {numbers['draws']} samples each", **simulation(1))
    axes[2].axhline(1, label="null: no benefit", **null())
    axes[2].set(xlabel="examples $n$", ylabel="$P$ annealed / $P$ at a small rate", ylim=(0, 1.05), title="any sample")
    axes[2].legend(loc="lower right")
    return picture


FIGURE = Figure(
    "annealing-crossover", "What large means; samples of any size",
    "(a) P over the train loss at the stop against the large rate, annealed just in time: lines with gradient flow at "
    "the end, markers gradient descent at 0.02. The turn is at 2/(λ_min + λ_max) = 1, not where bouncing begins "
    "(1/λ_max), nor near the limit of stability. (b) What one step leaves of the error: the directions change places "
    "at 1. (c) Gain on random samples of n, its mean over all samples (lines) and over drawn ones (markers; bars, "
    "mostly hidden, are exact standard errors): it goes away as n grows.",
    simulate, judge, draw, ("NAK20.large", "NAK20.mechanism", "NAK20.samples"), (1.5, 2.5, 8))
