"""The strong feature alone: where it goes at each rate, its multipliers, and what its residuals add up to."""

import numpy as np

from figures._figure import Figure, close, frozen, holds
from figures._style import bound, guide, key, null, panels, simulation, theory
from figures.benign_oscillation._runs import DOUBLING, KAPPA, LIMIT, ONSET, outputs
from refimpl import benign_oscillation as simulated
from theory import benign_oscillation as predicted

# `columns` × `dots` of the cloud, `marks` of rates, `steps` of the averages.
Sizes = frozen("columns dots marks steps")
SIZES = {"quick": Sizes(240, 80, 13, 1500), "standard": Sizes(700, 160, 25, 12_000),
         "full": Sizes(1300, 300, 41, 60_000)}
RESIDUALS = (("mean", predicted.mean_residual, "mean of $1-f$"), ("square", predicted.mean_square_residual,
                                                                  "mean of $(1-f)^2$"))


def simulate(effort, rng):
    """Outputs, stability and residuals against c, and the order of the accumulation near the onset."""
    sizes = SIZES[effort]
    numbers = _outputs(sizes, rng)
    numbers |= _stability(sizes, rng)
    numbers |= _residuals(sizes, rng)
    return numbers | _orders()


def _outputs(sizes, rng):
    fine = np.linspace(ONSET, LIMIT - 1e-9, 600)
    many = np.linspace(0.85, LIMIT - 1e-6, sizes.columns)
    settled = np.linspace(1.02, DOUBLING - 0.004, sizes.marks)
    cloud, pair = outputs(many, 0.01, 2000, sizes.dots), np.sort(outputs(settled, 0.02, 8000, 1), axis=0)
    begin = np.geomspace(1e-3, 1e-1, 500) * np.exp(rng.uniform(-0.1, 0.1, 500))
    off = [(outputs(c, begin, 6000, 0)[0] == 0).mean() for c in (1.5980, 1.6)]
    rest = [np.abs(1 - outputs(c, begin, 3000, 20)).max() for c in (0.98, 1.02)]
    return {"rates": fine, "period_two": np.stack(predicted.period_two_orbit(fine)),
            "bounds": np.stack(predicted.attractor_bounds(fine)), "settled": settled, "settled_outputs": pair,
            "settled_predicted": np.stack(predicted.period_two_orbit(settled)), "cloud_rates": many, "cloud": cloud,
            "cloud_largest": predicted.attractor_bounds(np.maximum(many, 1))[1], "turned_off": np.array(off),
            "rest": np.array(rest)}


def _stability(sizes, rng):
    rates = np.linspace(0.42, LIMIT - 0.01, sizes.marks)
    fine = np.union1d(np.linspace(0.4, LIMIT - 1e-6, 500), rates)
    f = outputs(rates, rng.uniform(0.05, 0.9, (16, 1)), 3000, sizes.steps // 10)[:-1]
    state, step = np.zeros((2, *f.shape, 4)), 1e-6
    state[..., 0] = f + step, np.maximum(f - step, 0)
    ends = simulated.descend_reduced(state, rates, KAPPA, 1)[-1, ..., 0]
    with np.errstate(divide="ignore"):
        measured = np.log(np.abs(ends[0] - ends[1]) / (state[0] - state[1])[..., 0]).mean(axis=(0, 1))
    return {"lyapunov_rates": fine, "lyapunov": predicted.lyapunov_exponent(fine), "lyapunov_marks": rates,
            "lyapunov_measured": measured, "lyapunov_predicted": predicted.lyapunov_exponent(rates),
            "lyapunov_count": f[:, :, 0].size}


def _residuals(sizes, rng):
    rates = np.linspace(0.9, LIMIT - 0.01, sizes.marks)
    fine = np.union1d(np.linspace(0.85, LIMIT - 1e-6, 400), rates)
    error = 1 - outputs(rates, rng.uniform(0.05, 0.9, (16, 1)), 3000, max(sizes.steps // 16, 400))[:-1]
    numbers = {"residual_rates": fine, "residual_marks": rates}
    for (name, law, _), values in zip(RESIDUALS, (error, error**2)):
        numbers |= {f"residual_{name}_line": law(fine), f"residual_{name}": values.mean(axis=(0, 1)),
                    f"residual_{name}_predicted": law(rates)}
    return numbers


def _orders():
    above, marks = np.geomspace(1e-3, DOUBLING - 1.001, 100), np.geomspace(4e-3, 0.2, 8)
    error = 1 - outputs(1 + marks, 0.3, 20_000, 200)[:-1]
    last = error[:, -1]
    return {"above_onset": above, "mean_residual": predicted.mean_residual(1 + above),
            "amplitude": np.abs(1 - np.array(predicted.period_two_orbit(1 + above))).min(axis=0), "order_marks": marks,
            "order_mean": error.mean(axis=0), "order_amplitude": np.abs(error).min(axis=0),
            "order_bounds": np.array(predicted.accumulation_bounds(1.2, (last**2).mean(), last.min(), last.max()))}


def judge(numbers):
    """Orbit, onset and window; stability; residuals and their order."""
    return (*_judge_outputs(numbers), *_judge_averages(numbers), *_judge_orders(numbers))


def _judge_outputs(numbers):
    error = np.abs(numbers["settled_outputs"] - numbers["settled_predicted"]).max()
    wrong = np.abs(numbers["settled_outputs"] - (numbers["settled_predicted"] - 1) / 2 - 1).max()
    many = numbers["cloud_rates"]
    inside = (numbers["cloud"] <= numbers["cloud_largest"] + 1e-9)[:, many >= 1].all()
    narrow = np.mean(numbers["cloud"] > (1 + many) ** 2 / (4 * many))
    below, above, off = *numbers["rest"], numbers["turned_off"]
    return (
        holds("LWYZ24.orbit", f"both outputs of the period-2 orbit at {len(numbers['settled'])} rates: largest "
                              f"difference", "0",
              f"{error:.1e}", "≤ 1e-10", error <= 1e-10, null=f"half the amplitude: {wrong:.2g}"),
        holds("LWYZ24.large-oscillates", "|1 − f| after 3000 steps, c = 0.98 and c = 1.02 (largest of 500 starts)",
              "0 and > 0.1", f"{below:.1e} and {above:.2f}", "≤ 1e-12 and > 0.1", below <= 1e-12 and above > 0.1,
              null="onset at c = 2: 0 and 0"),
        holds("LWYZ24.window", f"outputs within F_min…F_max at {np.sum(many >= 1)} rates up to the limit", "all",
              "all" if inside else "not all", "all", inside, null=f"bound (1 + c)²/4c: {narrow:.0%} outside"),
        holds("LWYZ24.window", "of 500 starts without the weak feature, share whose filters turn off at c = 1.5980 and "
                               "at 8/5", "0 and 1",
              f"{off[0]:.3f} and {off[1]:.3f}", "0 and ≥ 0.99", off[0] == 0 and off[1] >= 0.99,
              null="window up to 8/5: 0 and 0"))


def _judge_averages(numbers):
    law, measured, rates = numbers["lyapunov_predicted"], numbers["lyapunov_measured"], numbers["lyapunov_marks"]
    closed = rates < DOUBLING - 0.01
    errors = np.abs(np.exp(measured) - np.exp(law))[closed].max(), np.abs(measured - law)[~closed].max()
    limit, double = 0.03 + 1.5 / np.sqrt(numbers["lyapunov_count"]), np.abs(measured - 2 * law)[~closed].max()
    rows = [holds("LWYZ24.orbit", f"Lyapunov exponent at {len(rates)} rates: largest difference of its exp, closed "
                                  f"form, and of itself "
                  "beyond", "0", f"{errors[0]:.1e} and {errors[1]:.1e}", f"≤ 1e-4 and ≤ {limit:.2g}",
                  errors[0] <= 1e-4 and errors[1] <= limit, null=f"per two steps: {double:.2f}")]
    rates = numbers["residual_marks"]
    closed = rates < DOUBLING - 0.01
    for name, _, _ in RESIDUALS:
        found = numbers[f"residual_{name}"]
        off = np.abs(found - numbers[f"residual_{name}_predicted"])
        rows.append(holds("LWYZ24.negative-updates",
                          f"{name} residual at {len(rates)} rates, closed form and beyond: largest difference", "0",
                          f"{off[closed].max():.1e} and {off[~closed].max():.1e}", "≤ 1e-6 and ≤ 0.02",
                          off[closed].max() <= 1e-6 and off[~closed].max() <= 0.02, null="a symmetric swing, 0: "
                               f"{np.abs(found)[closed].max():.2f} and {np.abs(found)[~closed].max():.2f}"))
    positive = numbers["residual_mean"][rates > 1.01].min()
    rows.append(holds("LWYZ24.negative-updates", "smallest mean residual of an oscillation", "> 0", f"{positive:.4f}",
                      "> 0", positive > 0, null="a symmetric swing: 0"))
    return rows


def _judge_orders(numbers):
    lower, upper = numbers["order_bounds"]
    size, sums = numbers["order_amplitude"], numbers["order_mean"]
    slope = np.polyfit(np.log(size[:4]), np.log(sums[:4]), 1)[0]  # 2 in the limit c → 1
    return (
        close("LWYZ24.accumulation", "power of δ in the mean residual near the onset", 2.0, slope, 0.25,
              null=(1.0, "the poster's Ω(δ)")),
        holds("LWYZ24.accumulation", "mean residual at c = 1.2 between its bounds", f"{lower:.4f}…{upper:.4f}",
              f"{sums[-1]:.4f}",
              "between", lower <= sums[-1] <= upper, null=f"bounds without their ½: from {2 * lower:.4f} on"))


def draw(numbers):
    """(a) Outputs, (b) stability, (c) residuals, (d) order of the accumulation."""
    picture, axes = panels(2, 2, width=4.3, height=3.3)
    _draw_outputs(axes[0], numbers)
    axes[1].plot(numbers["lyapunov_rates"], numbers["lyapunov"], **theory(0, linewidth=1.1))
    axes[1].plot(numbers["lyapunov_marks"], numbers["lyapunov_measured"], **simulation(0, markersize=4))
    axes[1].plot(numbers["lyapunov_rates"], 2 * numbers["lyapunov"], label="null: per two steps", **null())
    axes[1].legend(loc="upper left")
    axes[1].axhline(0, **guide())
    axes[1].text(0.43, 0.06, "chaos above", fontsize=8)
    axes[1].set(ylabel="growth of a small difference,\nlog per step", ylim=(-2.2, 0.75), title="Lyapunov exponent")
    for k, (name, _, label) in enumerate(RESIDUALS):
        axes[2].plot(numbers["residual_rates"], numbers[f"residual_{name}_line"], label=label, **theory(k))
        axes[2].plot(numbers["residual_marks"], numbers[f"residual_{name}"], **simulation(k, markersize=4))
    axes[2].set(ylabel="along the oscillation", title="residuals", xlim=(0.84, 1.62))
    axes[2].axhline(0, label="null: symmetric swing", **null())
    key(axes[2], loc="upper left")
    for axis in axes[:3]:
        for edge in (ONSET, DOUBLING, LIMIT):
            axis.axvline(edge, **guide())
        axis.set(xlabel="$c=4\\eta|u|^2/m$")
    delta = numbers["amplitude"], numbers["order_amplitude"]
    for k, (power, label) in enumerate(((1, "over $\\delta$"), (2, "over $\\delta^2$"))):
        axes[3].loglog(numbers["above_onset"], numbers["mean_residual"] / delta[0]**power, label=label, **theory(k))
        axes[3].loglog(numbers["order_marks"], numbers["order_mean"] / delta[1]**power, **simulation(k, markersize=4))
    axes[3].axhline((numbers["mean_residual"] / delta[0])[-1], label="null: poster's order, over $\\delta$", **null())
    axes[3].set(xlabel="$c-1$", ylabel="mean of $1-f$, relative", ylim=(0.01, 2),
                title="order of the accumulation, $\\delta=\\min|1-f|$")
    key(axes[3], loc="lower right")
    return picture


def _draw_outputs(axis, numbers):
    fine, cloud = numbers["rates"], numbers["cloud"]
    stable, (low, high) = fine <= DOUBLING, numbers["period_two"]
    axis.plot(np.broadcast_to(numbers["cloud_rates"], cloud.shape).ravel(), cloud.ravel(), ",", color="#777777",
              alpha=0.5, rasterized=True, zorder=1, label=None)
    axis.plot([0.85, 1], [1, 1], label="$f=1$ and period 2, stable", **theory(0))
    axis.plot([1, LIMIT], [1, 1], **theory(3, linewidth=1))
    for branch, label in ((low, "the same, unstable"), (high, None)):
        axis.plot(fine[stable], branch[stable], **theory(0))
        axis.plot(fine[~stable], branch[~stable], label=label, **theory(3, linewidth=1))
    for branch, label in zip(numbers["bounds"], ("bounds $F_{min}$, $F_{max}$", None)):
        axis.plot(fine, branch, label=label, **bound(1))
    wrong = *((1 + branch[stable]) / 2 for branch in (low, high)), (1 + fine)**2 / (4 * fine)
    for k, (line, rates) in enumerate(zip(wrong, (fine[stable], fine[stable], fine))):
        axis.plot(rates, line, label=("null: half the swing", None, "null: $(1+c)^2/4c$")[k], **null())
    axis.plot(np.tile(numbers["settled"], 2), numbers["settled_outputs"].ravel(), label="simulated, period 2",
              **simulation(0, markersize=3.5))
    for edge, text in ((ONSET, "$1$"), (DOUBLING, "$\\sqrt{5}-1$"), (LIMIT, "$\\frac{3}{2}\\sqrt{3}-1$")):
        axis.text(edge - 0.008, 1.78 if edge == LIMIT else 0.0, text, ha="right", va="bottom", fontsize=8)
    axis.set(ylabel="output $f$ on the strong patch", ylim=(-0.05, 2.7), title="where the output goes",
             xlim=(0.84, 1.62))
    axis.legend(loc="upper left", ncols=2, columnspacing=1.0)


FIGURE = Figure(
    "oscillation-map", "Where the output goes at each rate, and what its residuals add up to",
    "The strong feature alone, against the rate c; grey lines at 1, √5 − 1 and 3√3/2 − 1. (a) Dots: outputs of runs "
    "after 2000 steps; lines: the point f = 1 and the orbit of period two, and (dotted) the bounds of every "
    "oscillation. (b) Growth of a small difference. (c) Mean residual and mean square residual: the first is positive "
    "wherever f oscillates. (d) Near the onset the sum of residuals is of the order of the amplitude squared.",
    simulate, judge, draw, ("LWYZ24.orbit", "LWYZ24.large-oscillates", "LWYZ24.window", "LWYZ24.negative-updates",
                            "LWYZ24.accumulation"),
    (2.5, 3, 8))
