"""The strong feature alone: where it goes at each rate, its multipliers, and what its residuals add up to."""

import numpy as np

from figures._legacy import Drawing, close, holds
from figures._style import INK, panels, simulation, theory
from refimpl import benign_oscillation as simulated
from theory import benign_oscillation as predicted

ONSET, DOUBLING, LIMIT = predicted.OSCILLATION_ONSET, predicted.PERIOD_DOUBLING, predicted.SIGN_STABILITY_LIMIT
GREY = "#9b9b9b"
SIGNS = np.array([1.0, 1.0, -1.0, -1.0])


def outputs(c, begin, skip, steps):
    """Simulated outputs of the strong feature after `skip` steps, (steps + 1, *S); c and starts broadcast to S."""
    state = np.zeros((*np.broadcast_shapes(np.shape(c), np.shape(begin)), 4))
    state[..., 0] = begin
    last = simulated.descend_reduced(state, c, 0.01, skip, record_every=max(skip, 1))[-1]
    return simulated.descend_reduced(last, c, 0.01, steps)[..., 0]


def bifurcation(effort, rng):
    """Outputs, stability and accumulated residuals against c, simulation on closed forms."""
    columns, dots, marks, steps = {"quick": (240, 80, 13, 1500), "standard": (700, 160, 25, 12_000),
                                   "full": (1300, 300, 41, 60_000)}[effort]
    figure, axes = panels(2, 2, width=4.3, height=3.3)
    fine = np.linspace(ONSET, LIMIT - 1e-9, 600)
    pieces = (_outputs(axes[0], fine, columns, dots, marks, rng), _stability(axes[1], marks, steps, rng),
              _residuals(axes[2], marks, steps, rng), _orders(axes[3], steps))
    for axis in axes[:3]:
        for edge in (ONSET, DOUBLING, LIMIT):
            axis.axvline(edge, color=INK, linewidth=0.7, linestyle=(0, (1, 2)), zorder=0)
        axis.set(xlabel="$c=4\\eta|u|^2/m$")
    for edge, text in ((ONSET, "$1$"), (DOUBLING, "$\\sqrt{5}-1$"), (LIMIT, "$\\frac{3}{2}\\sqrt{3}-1$")):
        axes[0].text(edge - 0.008, 1.78 if edge == LIMIT else 0.0, text, ha="right", va="bottom", fontsize=8)
    return Drawing(figure, {key: value for _, data in pieces for key, value in data.items()},
                   tuple(row for rows, _ in pieces for row in rows))


def _outputs(axis, fine, columns, dots, marks, rng):
    many = np.linspace(0.85, LIMIT - 1e-6, columns)
    cloud = outputs(many, 0.01, 2000, dots)
    axis.plot(np.broadcast_to(many, cloud.shape).ravel(), cloud.ravel(), ",", color="#777777", alpha=0.5,
              rasterized=True,
              zorder=1, label=None)
    stable = fine <= DOUBLING
    low, high = predicted.period_two_orbit(fine)
    least, largest = predicted.attractor_bounds(fine)
    axis.plot([0.85, 1], [1, 1], label="$f=1$ and period 2, stable", **theory(0))
    axis.plot([1, LIMIT], [1, 1], **theory(3, linewidth=1))
    for branch, label in ((low, "the same, unstable"), (high, None)):
        axis.plot(fine[stable], branch[stable], **theory(0))
        axis.plot(fine[~stable], branch[~stable], label=label, **theory(3, linewidth=1))
    for branch, label in ((least, "$F_{min}$, $F_{max}$"), (largest, None)):
        axis.plot(fine, branch, label=label, **theory(1))
    settled = np.linspace(1.02, DOUBLING - 0.004, marks)
    pair = np.sort(outputs(settled, 0.02, 8000, 1), axis=0)
    axis.plot(np.tile(settled, 2), pair.ravel(), label="simulated, period 2", **simulation(0, markersize=3.5))
    axis.set(ylabel="output $f$ on the strong patch", ylim=(-0.05, 2.0), title="where the output goes",
             xlim=(0.84, 1.62))
    axis.legend(loc="upper left", handlelength=1.8)

    error = np.abs(pair - np.array(predicted.period_two_orbit(settled))).max()
    inside = (cloud <= predicted.attractor_bounds(np.maximum(many, 1))[1] + 1e-9)[:, many >= 1].all()
    begin = np.geomspace(1e-3, 1e-1, 500) * np.exp(rng.uniform(-0.1, 0.1, 500))
    off = [(outputs(c, begin, 6000, 0)[0] == 0).mean() for c in (1.5980, 1.6)]
    below, above = (np.abs(1 - outputs(c, begin, 3000, 20)).max() for c in (0.98, 1.02))
    rows = [holds("LWYZ24.orbit", f"both outputs of the period-2 orbit at {marks} rates: largest difference", "0",
                  f"{error:.1e}", "≤ 1e-10", error <= 1e-10),
            holds("LWYZ24.large-oscillates", "|1 − f| after 3000 steps, c = 0.98 and c = 1.02 (largest of 500 starts)",
                  "0 and > 0.1", f"{below:.1e} and {above:.2f}", "≤ 1e-12 and > 0.1", below <= 1e-12 and above > 0.1),
            holds("LWYZ24.window", f"outputs within F_min…F_max at {np.sum(many >= 1)} rates up to the limit", "all",
                  "all" if inside else "not all", "all", inside),
            holds("LWYZ24.window", "of 500 starts, share whose filters turn off at c = 1.5980 and at the window's 8/5",
                  "0 and 1", f"{off[0]:.3f} and {off[1]:.3f}", "0 and ≥ 0.99", off[0] == 0 and off[1] >= 0.99)]
    return rows, {"rates": fine, "period_two": np.stack([low, high]), "bounds": np.stack([least, largest]),
                  "settled": settled, "settled_outputs": pair, "cloud_rates": many, "cloud": cloud}


def _stability(axis, marks, steps, rng):
    rates = np.linspace(0.42, LIMIT - 0.01, marks)
    fine = np.union1d(np.linspace(0.4, LIMIT - 1e-6, 500), rates)
    exponent = predicted.lyapunov_exponent(fine)
    axis.plot(fine, exponent, label="Lyapunov exponent", **theory(0, linewidth=1.1))
    f = outputs(rates, rng.uniform(0.05, 0.9, (16, 1)), 3000, steps // 10)[:-1]
    state, step = np.zeros((2, *f.shape, 4)), 1e-6
    state[..., 0] = f + step, np.maximum(f - step, 0)
    ends = simulated.descend_reduced(state, rates, 0.01, 1)[-1, ..., 0]
    with np.errstate(divide="ignore"):
        measured = np.log(np.abs(ends[0] - ends[1]) / (state[0] - state[1])[..., 0]).mean(axis=(0, 1))
    axis.plot(rates, measured, label="simulated", **simulation(0, markersize=4))
    axis.axhline(0, color=INK, linewidth=0.7)
    axis.text(0.43, 0.06, "chaos above", fontsize=8)
    axis.set(ylabel="growth of a small difference,\nlog per step", ylim=(-2.2, 0.75), title="how stable it is")
    axis.legend(loc="lower right")
    closed = rates < DOUBLING - 0.01
    law = predicted.lyapunov_exponent(rates)
    errors = np.abs(np.exp(measured) - np.exp(law))[closed].max(), np.abs(measured - law)[~closed].max()
    limit = 0.03 + 1.5 / np.sqrt(f[:, :, 0].size)
    rows = [holds("LWYZ24.orbit", f"Lyapunov exponent at {marks} rates: largest difference of its exp, closed form, "
                  "and of itself beyond", "0",
                  f"{errors[0]:.1e} and {errors[1]:.1e}", f"≤ 1e-4 and ≤ {limit:.2g}",
                  errors[0] <= 1e-4 and errors[1] <= limit)]
    return rows, {"lyapunov_rates": fine, "lyapunov": exponent, "lyapunov_marks": rates, "lyapunov_measured": measured}


def _residuals(axis, marks, steps, rng):
    rates = np.linspace(0.9, LIMIT - 0.01, marks)
    fine = np.union1d(np.linspace(0.85, LIMIT - 1e-6, 400), rates)
    error = 1 - outputs(rates, rng.uniform(0.05, 0.9, (16, 1)), 3000, max(steps // 16, 400))[:-1]
    data, rows = {"residual_rates": fine, "residual_marks": rates}, []
    for k, (name, law, values, label) in enumerate((
            ("mean", predicted.mean_residual, error, "mean of $1-f$"),
            ("square", predicted.mean_square_residual, error**2, "mean of $(1-f)^2$"))):
        line, measured = law(fine), values.mean(axis=(0, 1))
        axis.plot(fine, line, label=label, **theory(k))
        axis.plot(rates, measured, **simulation(k, markersize=4))
        data |= {f"residual_{name}_line": line, f"residual_{name}": measured}
        closed = rates < DOUBLING - 0.01
        off = np.abs(measured - law(rates))
        limit = 0.02
        rows.append(holds("LWYZ24.negative-updates",
                          f"{name} residual at {marks} rates, closed form and beyond: largest difference", "0",
                          f"{off[closed].max():.1e} and {off[~closed].max():.1e}",
                          f"≤ 1e-6 and ≤ {limit:g}", off[closed].max() <= 1e-6 and off[~closed].max() <= limit))
    axis.set(ylabel="along the oscillation", title="residuals", xlim=(0.84, 1.62))
    axis.legend(loc="upper left", title="line: theory, markers: runs", title_fontsize=7.5)
    positive = data["residual_mean"][rates > 1.01].min()
    rows.append(holds("LWYZ24.negative-updates", "smallest mean residual of an oscillation", "> 0", f"{positive:.4f}",
                      "> 0",
                      positive > 0))
    return rows, data


def _orders(axis, steps):
    above = np.geomspace(1e-3, DOUBLING - 1.001, 100)
    mean = predicted.mean_residual(1 + above)
    delta = np.abs(1 - np.array(predicted.period_two_orbit(1 + above))).min(axis=0)
    marks = np.geomspace(4e-3, 0.2, 8)
    error = 1 - outputs(1 + marks, 0.3, 20_000, 200)[:-1]
    size, sums = np.abs(error).min(axis=0), error.mean(axis=0)
    for k, (power, label) in enumerate(((1, "over $\\delta$ (poster: bounded below)"), (2, "over $\\delta^2$"))):
        axis.loglog(above, mean / delta**power, label=label, **theory(k))
        axis.loglog(marks, sums / size**power, **simulation(k, markersize=4))
    axis.set(xlabel="$c-1$", ylabel="mean of $1-f$, relative", ylim=(0.01, 2),
             title="order of the accumulation, $\\delta=\\min|1-f|$")
    axis.legend(loc="lower right")
    lower, upper = predicted.accumulation_bounds(1.2, (error[:, -1] ** 2).mean(), error[:, -1].min(),
                                                 error[:, -1].max())
    slope = np.polyfit(np.log(size[:4]), np.log(sums[:4]), 1)[0]  # 2 in the limit c → 1
    rows = [close("LWYZ24.accumulation", "power of δ in the mean residual near the onset (the poster's Ω(δ): 1)", 2.0,
                  slope,
                  0.25),
            holds("LWYZ24.accumulation", "mean residual at c = 1.2 between its bounds", f"{lower:.4f}…{upper:.4f}",
                  f"{sums[-1]:.4f}", "between", lower <= sums[-1] <= upper)]
    return rows, {"above_onset": above, "mean_residual": mean, "amplitude": delta, "order_marks": marks,
                  "order_mean": sums, "order_amplitude": size}
