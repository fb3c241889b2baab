"""Mean-square against almost-sure stability at the toy's minimum x = 1."""

from math import sqrt

import numpy as np

from figures._figure import Figure, close, holds
from figures._style import guide, key, panels, simulation, theory
from figures.linear_stability._runs import LEFT, SIGMAS, SIX, TOY, Sizes, escapes
from refimpl import linear_stability as simulated
from theory import linear_stability as predicted

SIZES = {"quick": Sizes(2000), "standard": Sizes(10_000), "full": Sizes(50_000)}
POINT = predicted.two_minima()[1]
LR, STEPS, EVERY = 0.556, 2000, 20
TESTED = (0.53, 0.545, POINT.almost_sure_lr, 0.575, 0.59)
ESCAPING, FROM = (0.5515, 0.5525, 0.554, 0.5555), (1 - LEFT) * np.geomspace(0.6, 0.15, 3)
FACTORS = np.sqrt(TOY)[:, None]


def simulate(effort, rng):
    replicas = SIZES[effort].replicas
    logs = simulated.simulate(FACTORS, np.ones((replicas, 1)), lr=LR, batch_size=1, steps=STEPS, rng=rng,
                              record_every=EVERY,
                              observe={"log": lambda w, x, y: np.log10(np.abs(w[:, 0]))}).observed["log"] * 2
    rates = np.linspace(0.52, 0.6, 161)
    inside = np.linspace(0.5475, POINT.almost_sure_lr, 60, endpoint=False)
    growths = [_mean_growth(lr, replicas, rng) for lr in TESTED]
    return {"times": np.arange(0, STEPS + 1, EVERY), "quantiles": np.percentile(logs, (10, 50, 90), axis=1),
            "rates": rates, "exponents": np.array([predicted.lyapunov_exponent(TOY, lr, 1) for lr in rates]),
            "half_logs": np.array([np.log(predicted.absolute_moment(TOY, lr, 1, 2)) / 2 for lr in rates]),
            "inside": inside, "kappas": np.array([predicted.escape_exponent(TOY, lr, 1) for lr in inside]),
            "growths": np.array(growths), "replicas": replicas,
            "escaped": np.array([escapes(FROM, lr, 1000, replicas, rng) for lr in ESCAPING])}


def _mean_growth(lr, replicas, rng):
    """Mean of log|x| per step over 100 simulated steps."""
    run = simulated.simulate(FACTORS, np.ones((replicas, 1)), lr=lr, batch_size=1, steps=100, rng=rng)
    return np.log(np.abs(run.w)).mean() / 100


def judge(numbers):
    replicas, last = int(numbers["replicas"]), numbers["quantiles"][1, -1]
    rate = predicted.absolute_moment(TOY, LR, 1, 2)
    rows = [holds("WME18.eq3", f"median of x² after {STEPS} steps at η = {LR}, where E x² grows by {rate:.5f} per step",
                  "< 1",
                  f"10^{last:.1f}", "below 1", last < 0, null=f"the mean square: 10^{STEPS * np.log10(rate):.1f}")]
    for lr, measured in zip(TESTED, numbers["growths"]):
        error = np.log(np.abs(1 - lr * TOY)).std() / sqrt(100 * replicas)
        null = np.log(predicted.absolute_moment(TOY, lr, 1, 2)) / 2, "½ log E(1 − ηh)²"
        rows.append(close("WME18.eq3", f"mean growth of log|x| per step at η = {lr:.5g}",
                          predicted.lyapunov_exponent(TOY, lr, 1), measured, SIGMAS * error, null=null, note=SIX))
    rows.append(close("WME18.eq3", "escape exponent at η*", 2, predicted.escape_exponent(TOY, POINT.mean_square_lr, 1),
                      1e-8, null=(predicted.escape_exponent(TOY, 1.0001 * POINT.mean_square_lr, 1), "at 1.0001 η*"),
                      kind="algebra"))
    return tuple(rows)


def draw(numbers):
    figure, axes = panels(1, 3, width=3.6, height=3.4)
    times, (low, middle, high) = numbers["times"], numbers["quantiles"]
    axes[0].fill_between(times, low, high, color="#d9d9d9", label="simulation, 10–90 %")
    axes[0].plot(times[::10], middle[::10], label="simulation, median", **simulation(0))
    typical = 2 * predicted.lyapunov_exponent(TOY, LR, 1) / np.log(10)
    mean = np.log10(predicted.absolute_moment(TOY, LR, 1, 2))
    axes[0].plot(times, typical * times, label="theory, $e^{2\\Lambda t}$", **theory(0))
    axes[0].plot(times, mean * times, label="theory, $E\\,x_t^2$ (null)", **theory(1))
    axes[0].set(xlabel="step $t$", ylabel="$\\log_{10}x_t^2$", title=f"between the limits, $\\eta={LR}$")
    axes[0].legend(loc="lower left")
    axes[1].plot(numbers["rates"], numbers["exponents"], label="$\\Lambda=E\\log|1-\\eta h|$", **theory(0))
    axes[1].plot(numbers["rates"], numbers["half_logs"], label="$\\frac{1}{2}\\log E(1-\\eta h)^2$ (null)", **theory(1))
    axes[1].plot(TESTED, numbers["growths"], **simulation(0))
    for lr, name, side in ((POINT.mean_square_lr, "$\\eta^*$ ", "right"),
                           (POINT.almost_sure_lr, " $\\eta_{as}$", "left")):
        axes[1].axvline(lr, **guide())
        axes[1].text(lr, 0.075, name, ha=side)
    axes[1].axhline(0, **guide())
    axes[1].set(xlabel="learning rate $\\eta$", ylabel="growth of $\\log|x|$ per step", title="mean and typical growth")
    key(axes[1], loc="lower right")
    axes[2].plot(numbers["inside"], numbers["kappas"], label="$E|1-\\eta h|^\\kappa=1$", **theory(0))
    for lr, escaped in zip(ESCAPING, numbers["escaped"]):
        slope = np.polyfit(np.log(FROM), np.log(escaped), 1)[0]
        error = sqrt(((1 - escaped[[0, -1]]) / (escaped[[0, -1]] * numbers["replicas"])).sum()) / np.log(4)
        axes[2].errorbar(lr, slope, yerr=error, capsize=2, **simulation(0))
    axes[2].plot([POINT.mean_square_lr] * 2, [0, 2], **guide())
    axes[2].plot([numbers["inside"][0], POINT.mean_square_lr], [2, 2], **guide())
    axes[2].text(POINT.mean_square_lr, 0.1, " $\\eta^*$", ha="left")
    axes[2].set(xlabel="learning rate $\\eta$", ylabel="escape exponent $\\kappa$",
                title="$P(\\mathrm{escape})\\propto\\varepsilon^\\kappa$")
    key(axes[2], loc="upper right")
    return figure


FIGURE = Figure(
    "almost-sure", "Mean-square against almost-sure stability",
    "The toy's minimum x = 1 at B = 1. (a) Between the two limits E x² grows while almost every run shrinks: band and "
    "circles are runs. (b) Growth of log|x|: the mean square crosses 0 at η*, almost every path at η_as; markers are "
    "runs. (c) The exponent of the probability to escape: 2 at η*, 0 at η_as; markers are slopes of log P(escape) "
    "over simulated runs, bars one standard error.",
    simulate, judge, draw, ("WME18.eq3",), (3, 5.5, 50))
