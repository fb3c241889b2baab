"""The toy: functions, paths at η = 0.7, exit times and escape probabilities against their laws."""

from math import sqrt

import numpy as np

from figures._figure import Figure, close, holds
from figures._style import GREY, INK, key, null, panels, simulation, theory
from figures.linear_stability._runs import LEFT, SIGMAS, SIX, TOY, Sizes, deviation, escapes, survival
from refimpl import linear_stability as simulated
from theory import linear_stability as predicted

SIZES = {"quick": Sizes(1000), "standard": Sizes(20_000), "full": Sizes(100_000)}
LR, NEARBY = 0.7, 1.05       # the toy's rate, and the share of it whose law is the null
STARTS = (1e-2, 1e-4, 1e-6)
RATES = (0.55, predicted.two_minima()[1].mean_square_lr, 0.556)
DISTANCES = (1 - LEFT) * np.geomspace(0.7, 0.02, 30)
STEPS, LONG = 300, 1500


def simulate(effort, rng):
    replicas = SIZES[effort].replicas
    x = np.linspace(-0.7, 1.9, 521)
    record = {"x": lambda w, x, y: w[:, 0]}
    paths = [simulated.two_minima(np.full(count, 1 + 1e-3), lr=LR, steps=100, batch_size=size, rng=source,
                                  observe=record) for count, size, source in ((6, 1, rng), (1, 2, None))]
    numbers = {"x": x, "losses": simulated.TwoMinima().predict(x[:, None], simulated.TOY_CURVATURES),
               "sgd_paths": paths[0].observed["x"], "gd_path": paths[1].observed["x"], "replicas": replicas,
               "distances": DISTANCES, "tested": DISTANCES[2::5]}
    for k, distance in enumerate(STARTS):
        numbers |= {f"survival_law_{k}": predicted.exit_time(distance, LR, STEPS),
                    f"survival_null_{k}": predicted.exit_time(distance, NEARBY * LR, STEPS),
                    f"survival_{k}": survival(distance, LR, STEPS, replicas, rng)}
    for k, lr in enumerate(RATES):
        numbers |= {f"escape_law_{k}": _escape_law(lr), f"escape_null_{k}": _escape_law(1.01 * lr, DISTANCES[2::5]),
                    f"escape_{k}": escapes(DISTANCES[2::5], lr, LONG, replicas // 4, rng),
                    f"kappa_{k}": predicted.escape_exponent(TOY, lr, 1)}
    return numbers


def _escape_law(lr, distances=DISTANCES):
    return np.array([1 - predicted.exit_time(distance, lr, LONG)[-1] for distance in distances])


def judge(numbers):
    rows, replicas = [], int(numbers["replicas"])
    limit = sqrt(np.log(2 / 2e-9) / (2 * replicas))
    for k, distance in enumerate(STARTS):
        law, null, seen = (numbers[f"{name}_{k}"] for name in ("survival_law", "survival_null", "survival"))
        worst, wrong = np.abs(seen - law).max(), np.abs(seen - null).max()
        rows.append(holds("WME18.toy", f"exit times from ε = {distance:g} at η = 0.7: largest distance between "
                                       "distributions",
                          "exact law", f"{worst:.4f}", f"≤ {limit:.4f} (Dvoretzky–Kiefer–Wolfowitz)",
                          worst <= limit if wrong > limit else None, null=f"the law at η = 0.735: {wrong:.3f}"))
        rows.append(close("WME18.toy", f"mean exit time from ε = {distance:g}, steps", law.sum(), seen.sum(),
                          SIGMAS * deviation(law) / sqrt(replicas), null=(null.sum(), "at η = 0.735"), note=SIX))
    stays, leaves = abs(numbers["gd_path"][-1, 0] - 1), np.abs(numbers["sgd_paths"][-1] - 1).min()
    rows.append(holds("WME18.toy", "gradient descent from 1 + 10⁻³ at η = 0.7: |x − 1| after 100 steps", "→ 0",
                      f"{stays:.1e}", "≤ 1e-12", stays <= 1e-12, null=f"SGD from there: at least {leaves:.2g}"))
    left = 1 - numbers["survival_0"][-1]
    rows.append(
        holds("WME18.many", f"share of runs of SGD from 1.01 that left the minimum at 1 within {STEPS} steps; of "
              "gradient descent from 1.001", "1; 0", f"{left:.4f}; {float(stays > 1e-12):g}", "≥ 0.999; exactly",
              left >= 0.999 and stays <= 1e-12, null="one set of minima for both: alike")
    )
    for k, lr in enumerate(RATES):
        rows += _judge_escape(numbers, k, lr, replicas // 4)
    return tuple(rows)


def _judge_escape(numbers, k, lr, replicas):
    law, kappa = numbers[f"escape_law_{k}"], float(numbers[f"kappa_{k}"])
    expected = law[2::5]
    error = np.sqrt(expected * (1 - expected) / replicas)
    counted = expected * replicas >= 25  # below, a count is not Gaussian
    worst, wrong = (np.abs(other - expected)[counted] / error[counted]
                    for other in (numbers[f"escape_{k}"], numbers[f"escape_null_{k}"]))
    least, scaled = _overshoot(lr, kappa), law * ((1 - LEFT) / DISTANCES) ** kappa
    power = 2 if k != 1 else 1
    off = law[-1] * ((1 - LEFT) / DISTANCES[-1]) ** power
    return (holds("WME18.eq3", f"escape probabilities at η = {lr:.4g}, {counted.sum()} starts: largest deviation in "
                  "standard errors", "exact law", f"{worst.max():.2f}", f"≤ {SIGMAS:g}",
                  worst.max() <= SIGMAS if wrong.max() > 2 * SIGMAS else None,
                  null=f"the law at 1.01 η: {wrong.max():.0f}"),
            holds("WME18.eq3", f"P(escape)(b/ε)^κ of the exact law at η = {lr:.4g}, κ = {kappa:.3f}",
                  f"{least:.3f} to 1", f"{scaled.min():.3f} to {scaled.max():.3f}",
                  "bounds: |x|^κ is a martingale that leaves at 1 to |1 − ηh₂|^2κ times b^κ",
                  least <= scaled.min() <= scaled.max() <= 1,
                  null=f"κ = {power}: {off:.3g}, not in {_overshoot(lr, power):.3f} to 1", kind="algebra"))


def _overshoot(lr, power):
    """Least (b/|x|)^power at the exit: steps of f₂ alone grow, one from −b to the wide side, one from there."""
    return abs(1 - lr * TOY[1]) ** (-2 * power)


def draw(numbers):
    figure, axes = panels(2, 2, width=3.9)
    each = numbers["losses"]
    for k, (values, label) in enumerate(((each[:, 0], "$f_1$"), (each[:, 1], "$f_2$"),
                                         (each.mean(axis=1), "$(f_1+f_2)/2$"))):
        axes[0].plot(numbers["x"], values, label=label, **theory(k))
    axes[0].set(xlabel="$x$", ylabel="loss", ylim=(-0.03, 1.1), title="two examples, two minima")
    axes[0].legend(loc="upper center")
    axes[1].plot(numbers["sgd_paths"], color=GREY, linewidth=0.9)
    axes[1].plot([], [], color=GREY, linewidth=0.9, label="SGD, $B=1$ (6 runs)")
    axes[1].plot(numbers["gd_path"], color=INK, linewidth=2, linestyle="--", label="gradient descent")
    axes[1].set(xlabel="step $t$", ylabel="$x_t$", ylim=(-0.6, 2.6), title="simulated paths, $\\eta=0.7$")
    axes[1].legend(loc="upper left", ncols=2)
    marks = np.arange(0, STEPS + 1, 12)
    for k, distance in enumerate(STARTS):
        label = f"$\\varepsilon=10^{{{round(np.log10(distance))}}}$"
        axes[2].plot(numbers[f"survival_law_{k}"], label=label, **theory(k))
        axes[2].plot(numbers[f"survival_null_{k}"], label="null: at 1.05 η" if k == 2 else None, **null())
        axes[2].plot(marks, numbers[f"survival_{k}"][marks], **simulation(k))
    axes[2].set(xlabel="step $t$", ylabel="P(still in the basin of 1)", xlim=(0, 150), title="exit times, $\\eta=0.7$")
    key(axes[2])
    for k, lr in enumerate(RATES):
        seen, label = numbers[f"escape_{k}"], f"$\\eta={lr:.4g}$, $\\kappa={numbers[f'kappa_{k}']:.2f}$"
        axes[3].loglog(DISTANCES, numbers[f"escape_law_{k}"], label=label, **theory(k))
        axes[3].loglog(numbers["tested"][seen > 0], seen[seen > 0], **simulation(k))
        axes[3].loglog(numbers["tested"], numbers[f"escape_null_{k}"], **null("x", color=simulation(k)["color"]),
                       label="null: at 1.01 η" if k == 2 else None)
    axes[3].set(xlabel="start $\\varepsilon=|x_0-1|$", ylabel=f"P(escape in {LONG} steps)", ylim=(3e-6, 1),
                title="$P\\propto\\varepsilon^\\kappa$ below the almost-sure limit")
    key(axes[3], loc="lower right")
    return figure


FIGURE = Figure(
    "two-minima", "The toy with two minima: gradient descent stays where SGD leaves",
    "(a) The two examples' losses and their mean. (b) From x = 1.001, six runs of SGD leave the minimum at 1 at a "
    "rate at which gradient descent stays. (c) Share of runs still in the basin: lines are the exact law, markers "
    "runs, dotted the null: the law at 1.05 η. (d) Below the almost-sure limit few runs escape, and the fewer the "
    "closer they start: lines are exact, markers runs; the slopes are κ.",
    simulate, judge, draw, ("WME18.toy", "WME18.many", "WME18.eq3"), (4, 12, 60))
