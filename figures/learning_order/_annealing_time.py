"""Lemma 4.1: time and signal at annealing against d, and for P alone against ε₁."""

import numpy as np
from matplotlib.ticker import NullLocator

from figures._figure import Figure, close, frozen, holds
from figures._fitted_powers import fitted_power, t_limit
from figures._style import bound, fit, null, panels, simulation, theory
from figures.learning_order._runs import annealed, fit_p
from theory import learning_order as predicted

LOSSES = np.array([0.4, 0.3, 0.2, 0.1, 0.05])
NAMES = "annealing time (4.1)", "signal norm squared (4.1)"

# Dimensions, runs at each, and dimensions of the runs on P alone.
Sizes = frozen("dims replicas alone")
SIZES = {"quick": Sizes((40, 80, 160), 4, (50,)), "standard": Sizes((50, 100, 200), 12, (50, 100)),
         "full": Sizes((50, 100, 200, 400), 16, (50, 100, 200))}


def simulate(effort, rng):
    """T and ‖Ū‖² of single runs (2, d, replicas), and their means over four runs on P alone (d, 2, losses)."""
    sizes = SIZES[effort]
    found = np.array([[annealed(d, rng) for _ in range(sizes.replicas)] for d in sizes.dims]).transpose(2, 0, 1)
    by_loss = np.array([[fit_p(d, LOSSES, rng) for _ in range(4)] for d in sizes.alone]).mean(axis=1)
    return {"dims": np.array(sizes.dims), "time_and_norm": found, "losses": LOSSES, "by_loss": by_loss,
            "alone": np.array(sizes.alone)}


def judge(numbers):
    """Powers of d with their standard errors; growth in 1/ε₁ against that of the lemma."""
    dims, powers, rows = numbers["dims"], predicted.asymptotic_exponents(), []
    for values, name in zip(numbers["time_and_norm"], NAMES):
        power, error, degrees = fitted_power(dims, values)
        what = f"power of d in {'T' if 'time' in name else '‖Ū‖²'} at ε₁ = 0.4, d = {dims[0]} to {dims[-1]}"
        rows.append(close("LWM19.4.1", what, powers[name][0], power, t_limit(degrees) * error,
                          null=(2.0, "d², and by symmetry no power at all"),
                          note=f"({t_limit(degrees):.1f} standard errors)"))
    logs = np.log(1 / np.asarray(numbers["losses"]))
    for d, (times, norms) in zip(numbers["alone"], numbers["by_loss"]):
        envelope, slopes = times / d / (logs / numbers["losses"]), np.diff(np.sqrt(norms / d)) / np.diff(logs)
        rows += [holds("LWM19.4.1", f"P alone, d = {d}: T over d log(1/ε₁)/ε₁, ε₁ = 0.4 to 0.05", "bounded, Õ(d/ε₁)",
                       ", ".join(f"{value:.2f}" for value in envelope), "last below first, none above it by a tenth",
                       envelope[-1] < envelope[0] and envelope.max() < 1.1 * envelope[0],
                       null="T of order d/ε₁²: last 2.4 times the first"),
                 close("LWM19.4.1", f"P alone, d = {d}: slope of ‖Ū‖/√d against log(1/ε₁), last over first", 1.0,
                       slopes[-1] / slopes[0], 0.1, null=(1.6, "‖Ū‖² of order log³"))]
    return tuple(rows)


def draw(numbers):
    """Two panels against d, two against ε₁."""
    picture, axes = panels(2, 2, width=3.9, height=2.9)
    dims = np.asarray(numbers["dims"])
    labels = "annealing time $T$, sum of rates", "$\\Vert\\bar U\\Vert_F^2$ at annealing"
    for axis, values, label in zip(axes, np.asarray(numbers["time_and_norm"]), labels):
        axis.loglog(dims, np.mean(values / dims[:, None]) * dims, label="theory, ∝ d", **theory(0))
        axis.loglog(dims, values[0].mean() * (dims / dims[0])**2, label="null, ∝ d²", **null())
        axis.loglog(np.repeat(dims, values.shape[1]), values.ravel(), label="one run each",
                    **simulation(0, markersize=4))
        axis.set_xticks(dims, dims)
        axis.xaxis.set_minor_locator(NullLocator())
        axis.set(xlabel="$d$", ylabel=label, title="P and Q, $\\epsilon_1=0.4$")
    losses = np.asarray(numbers["losses"])
    logs = np.log(1 / losses)
    for k, (d, (times, norms)) in enumerate(zip(numbers["alone"], np.asarray(numbers["by_loss"]))):
        axes[2].loglog(1 / losses, times / d, label=f"$d={d}$", **simulation(k))
        axes[3].plot(logs, np.sqrt(norms / d), label=f"$d={d}$", **simulation(k))
    first = numbers["by_loss"][0]
    axes[2].loglog(1 / losses, logs / losses, label="bound, $\\log(1/\\epsilon_1)/\\epsilon_1$", **bound(0))
    axes[2].loglog(1 / losses, first[0][0] / numbers["alone"][0] * (losses[0] / losses)**2,
                   label="null, ∝ $1/\\epsilon_1^2$", **null())
    axes[2].set_xticks(1 / losses, [f"{loss:g}" for loss in losses])
    axes[2].xaxis.set_minor_locator(NullLocator())
    axes[2].set(xlabel="$\\epsilon_1$", ylabel="$T/d$", title="P alone")
    roots = np.sqrt(np.asarray(numbers["by_loss"])[:, 1] / np.asarray(numbers["alone"])[:, None])
    axes[3].plot(logs, np.polyval(np.polyfit(logs, roots.mean(axis=0), 1), logs),
                 label="fit, straight: $\\Vert\\bar U\\Vert^2$ of order $\\log^2$", **fit(0))
    axes[3].plot(logs, roots[0, 0] * (logs / logs[0])**1.5, label="null: $\\Vert\\bar U\\Vert^2$ of order $\\log^3$",
                 **null())
    axes[3].set(xlabel="$\\log(1/\\epsilon_1)$", ylabel="$\\Vert\\bar U\\Vert_F/\\sqrt{d}$", title="P alone")
    for axis in axes:
        axis.legend(loc="upper left")
    return picture


FIGURE = Figure(
    "annealing-time", "Li, Wei and Ma: time and signal at annealing",
    "(a), (b) Time until the training loss is q log 2 + 0.4 and squared signal then: a marker per run, the line is "
    "theory's power of d with its size fitted. (c) On P alone the time stays below the dark dotted bound (constant "
    "1) and does not grow as 1/ε₁². (d) ‖Ū‖ is straight in log(1/ε₁), as theory says; slope and "
    "offset are fitted.",
    simulate, judge, draw, ("LWM19.4.1",), (4, 12, 90))
