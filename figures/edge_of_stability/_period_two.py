"""Oscillation beside a minimum beyond 2/λ: where it is small, and how large it is."""

import numpy as np

from figures._figure import Figure, close, frozen, holds
from figures._style import GREY, guide, key, null, panels, simulation, theory
from figures.edge_of_stability import _runs
from refimpl import edge_of_stability as simulated
from theory import benign_oscillation, edge_of_stability as predicted

LINES = ((2.0, 1.0), (1.0, 0.0), (0.0, -1.0))  # third and fourth derivative on a line with f″ = 1

# `losses` in three dimensions, `steps` of their runs, `points` along each line; of the net and of the well.
Sizes = frozen("losses steps points net_points net_steps rates")
SIZES = {"quick": Sizes(12, 30_000, 4, 3, 12_000, 100), "standard": Sizes(80, 48_000, 8, 8, 16_000, 300),
         "full": Sizes(200, 80_000, 12, 16, 24_000, 600)}
DELTA = 2.5e-4  # in three dimensions
COARSE = {1: "amplitudes", 2: "amplitudes_2", 4: "amplitudes_4"}  # at so many δ
FACTOR_LR = 1.1


def simulate(effort, rng):
    """Amplitudes on three lines against δ; in three dimensions against the coefficient."""
    sizes, numbers = SIZES[effort], {}
    numbers["delta"] = marks = np.geomspace(1e-3, 0.05, sizes.points)
    numbers["delta_line"] = fine = np.geomspace(8e-4, 0.06, 60)
    stack = simulated.CubicQuartic(*(np.array(values, float).reshape(len(LINES), *(1,) * order) for values, order in (
        ([1.0] * len(LINES), 2), ([third for third, _ in LINES], 3), ([fourth for _, fourth in LINES], 4))))
    ones = _runs.single(stack)
    numbers["line_laws"] = np.array([[predicted.oscillation_amplitude(one.hessian, one.third_along, one.fourth_along,
                                                                      2 * (1 + d)) for d in fine] for one in ones])
    numbers["line_amplitudes"] = np.array([_runs.amplitudes(stack, np.ones((len(LINES), 1)), d,
                                                            int(24 / d)) for d in marks]).T
    losses, top, laws, nulls = _runs.catalogue(sizes.losses)
    numbers |= {"coefficients": laws, "nulls": nulls}
    for k, name in COARSE.items():
        numbers[name] = _runs.amplitudes(losses, top, k * DELTA, sizes.steps // k)
    return numbers | _of_net(sizes) | _of_well(sizes) | {"product_points": _runs.products(FACTOR_LR, rng)}


def _of_net(sizes):
    """Amplitudes on the net, its law, and the null's, at δ over a decade."""
    one, deltas = _runs.net_at_minimum(), np.geomspace(2e-3, 0.02, sizes.net_points)
    fine = np.linspace(0, deltas[-1], 81)
    return {"net_delta": deltas, "net_laws": one.laws(deltas), "net_fine": fine, "net_line": one.laws(fine),
            "net_nulls": one.nulls(deltas), "net_amplitudes": one.amplitudes(deltas, sizes.net_steps),
            "net_sharpness": np.array(one.sharpness), "net_parameters": np.array(len(one.w))}


def _of_well(sizes):
    """The well's iterates at rest against the rate; half the distance of the benign map's two roots, and the law."""
    rates = np.linspace(0.9, 1.59, sizes.rates)
    loss, fine = _runs.well(), np.linspace(1.0005, np.sqrt(5) - 1, 60)
    laws = [predicted.oscillation_amplitude(loss.hessian, loss.third_along, loss.fourth_along, c) for c in fine]
    low, high = (np.sqrt(f) for f in benign_oscillation.period_two_orbit(fine))
    return {"well_rates": rates, "well_path": _runs.well_path(rates, 2000)[-24:], "well_fine": fine,
            "well_laws": np.array(laws), "well_low": low, "well_high": high}


def _law(coefficients, delta):
    return np.sqrt(6 * (1 - 1 / (1 + delta)) / np.where(coefficients > 0, coefficients, np.nan))


def _small(numbers):
    """Losses that end beside the minimum, in an oscillation below 6√δ: not far away, nor nowhere."""
    return numbers["amplitudes"] < 6 * np.sqrt(DELTA)


def extrapolated(fine, middle, coarse):
    """Values at δ, 2δ and 4δ carried to 0 by Richardson's rule without terms in δ and δ², and by how much the last of
    its steps moved them."""
    first, second = 2 * middle - coarse, 2 * fine - middle
    third = (4 * second - first) / 3
    return third, third - second


def judge(numbers):
    """Sign, amplitude and order of the law; each beside what T[v, v, v]²/λ would give."""
    laws, nulls, small = numbers["coefficients"], numbers["nulls"], _small(numbers)
    clear = np.abs(laws) > 1
    agree, null_agree = ((sign > 0) == small for sign in (laws, nulls))
    chosen = small & (laws > 2)
    errors = [numbers[name][chosen] / _law(laws, k * DELTA)[chosen] - 1 for k, name in COARSE.items()]
    limit, last = (float(np.abs(part).max()) for part in extrapolated(*errors))
    wrong = np.abs(numbers["amplitudes"][chosen] / _law(np.maximum(nulls, 1e-9), DELTA)[chosen] - 1)
    at_zero = numbers["line_amplitudes"][:, 0] / np.array([np.interp(numbers["delta"][0], numbers["delta_line"], line)
                                                           for line in numbers["line_laws"]])
    return (*_judge_net(numbers), _judge_well(numbers), _judge_products(numbers),
        holds("MS26.criterion", f"losses in three dimensions with |coefficient| > 1 ({clear.sum()} of {laws.size}): "
              "sign of the coefficient against a small oscillation seen", "all agree", f"{agree[clear].sum()} agree",
              "all", agree[clear].all(), null=f"with T[v,v,v]²/λ: {null_agree[clear].sum()} agree"),
        holds("MS26.amplitude", f"amplitude over its law, {chosen.sum()} losses with a coefficient above 2: largest "
              f"relative difference, extrapolated from δ = {4 * DELTA:g}, {2 * DELTA:g}, {DELTA:g} to 0", "0",
              f"{limit:.2g}; at {DELTA:g} itself {np.abs(errors[0]).max():.2g}",
              f"≤ {last:.2g}, the last step of the extrapolation", limit <= last,
              null=f"T[v,v,v]²/λ: median {np.median(wrong):.2f}"),
        close("CB22.one-dimension", "on lines (f″, f‴, f⁗) = (1, 2, 1), (1, 1, 0), (1, 0, −1): amplitude over its law "
              f"at δ = {numbers['delta'][0]:g}, farthest from 1", 1.0, at_zero[np.argmax(np.abs(at_zero - 1))], 0.01,
              null=(np.sqrt(3), "3f‴² as f‴², where f⁗ = 0")),
        holds("CKLKT21.edge", f"smallest and largest amplitude on three lines, 2/λ exceeded by {numbers['delta'][0]:g}…"
              f"{numbers['delta'][-1]:g}", "finite and above 0",
              f"{np.nanmin(numbers['line_amplitudes']):.3f}…{np.nanmax(numbers['line_amplitudes']):.3f}",
              "all runs alternate", np.isfinite(numbers["line_amplitudes"]).all(), null="a quadratic loss: diverges"))


def _judge_net(numbers):
    """On the net: amplitude over its law, and the order of what is left."""
    deltas, errors = numbers["net_delta"], numbers["net_amplitudes"] / numbers["net_laws"] - 1
    order = np.polyfit(np.log(deltas), np.log(np.abs(errors)), 1)[0]
    wrong = float((numbers["net_nulls"] / numbers["net_amplitudes"]).min())
    where = f"tanh net with {numbers['net_parameters']} parameters and weight decay"
    return (
        close("MS26.amplitude-net", f"{where}: amplitude over its law at δ = {deltas[0]:g}", 1.0, 1 + errors[0],
              deltas[0], null=(wrong, "T[v,v,v]²/λ for T[v,v]ᵀH⁻¹T[v,v]"), note="is δ"),
        close("MS26.amplitude-net", f"{where}: power of δ in the relative error, δ = {deltas[0]:g}…{deltas[-1]:g}", 1.0,
              order, 0.05, null=(0.0, "a wrong law: an error that does not vanish")))


def _judge_well(numbers):
    """The general law on (1 − a²)²/4 against the roots of the benign map's orbit: equal, to rounding."""
    exact = (numbers["well_high"] - numbers["well_low"]) / 2
    apart = np.abs(numbers["well_laws"] - exact).max()
    first = np.abs(np.sqrt((numbers["well_fine"] - 1) / 4) - exact).max()
    return holds("MS26.benign", "a = √((c − 1)/4c) by the general law, and (√f₊ − √f₋)/2 of the benign map's orbit, "
                 "c = 1…√5 − 1: largest difference", "0", f"{apart:.1e}", "≤ 1e-10", bool(apart <= 1e-10),
                 null=f"λ − 2/η to first order in c − 1: {first:.2g}", kind="algebra")


def _judge_products(numbers):
    """½(uv − 1)² from starts that are not balanced: the difference of u and v, and by how much both alternate."""
    first, second = numbers["product_points"]
    law = np.sqrt((FACTOR_LR - 1) / (4 * FACTOR_LR))
    apart, off = np.abs(first[:, 0] - first[:, 1]).max(), np.abs(np.abs(first - second) / 2 - law).max()
    return holds("CB22.factorisation", f"½(uv − 1)² at η = {FACTOR_LR:g}, {len(first)} starts: |u − v| in the end; "
                 "amplitude less √((η − 1)/4η)", "0; 0", f"{apart:.0e}; {off:.0e}", "≤ 1e-9",
                 bool(max(apart, off) <= 1e-9), null="a minimum with u ≠ v: amplitude 0")


def draw(numbers):
    """(a) Amplitude against δ on lines; (b) against the coefficient; (c) against the rate on a net; (d) the well."""
    picture, axes = panels(2, 2, width=4.2, height=3.4)
    _draw_net(axes[2], numbers)
    _draw_well(axes[3], numbers)
    for k, (third, fourth) in enumerate(LINES):
        axes[0].loglog(numbers["delta_line"], numbers["line_laws"][k], **theory(k),
                       label=f"$f'''={third:g}$, $f''''={fourth:g}$".replace("-", "−"))
        axes[0].loglog(numbers["delta"], numbers["line_amplitudes"][k], **simulation(k))
    axes[0].loglog(numbers["delta_line"], 3**0.5 * numbers["line_laws"][1], **null(),
                   label="null: $f'''^2$ for $3f'''^2$")
    axes[0].set(xlabel="$\\delta=\\eta\\lambda/2-1$, beyond the edge", ylabel="amplitude $a$",
                title="on a line, $f''=1$")
    key(axes[0], loc="upper left")
    laws, small = numbers["coefficients"], _small(numbers)
    size = numbers["amplitudes"]
    fine = np.geomspace(0.5, laws.max() * 1.2, 100)
    line, = axes[1].plot(fine, _law(fine, DELTA), label="theory", **theory(0))
    marks, = axes[1].plot(laws[small], size[small], label="simulation, small orbit", **simulation(0, markersize=4))
    nulls = np.where(numbers["nulls"] > 0, numbers["nulls"], np.nan)
    cross, = axes[1].plot(nulls[small], size[small], label="null: $3T[v,v,v]^2/\\lambda-F$", **null("x", zorder=1))
    top = 1.5 * np.nanmax(size[small])
    far, = axes[1].plot(laws[~small], np.full((~small).sum(), top), clip_on=False,
                        label="simulation, no small orbit", **simulation(1, markersize=5))
    axes[1].axvline(0, **guide())
    axes[1].set(xscale="symlog", yscale="log", xlabel="coefficient $3\\,T[v,v]^T H^{-1} T[v,v]-F$",
                ylabel="amplitude $a$",
                title=f"three dimensions, $\\delta={DELTA:g}$", xlim=(min(laws.min(), 0) * 1.5 - 1, laws.max() * 1.5))
    axes[1].legend(handles=[line, marks, cross, far], loc="lower left")
    return picture


def _draw_net(axis, numbers):
    deltas = numbers["net_delta"]
    edge = 2 / float(numbers["net_sharpness"])
    axis.plot(edge * (1 + numbers["net_fine"]), numbers["net_line"], **theory(0))
    axis.plot(edge * (1 + deltas), numbers["net_amplitudes"], **simulation(0))
    axis.axvline(edge, label="edge $2/\\lambda$ (guide)", **guide())
    axis.set(xlabel="learning rate $\\eta$", ylabel="amplitude $a$", ylim=(0, None),
             title=f"tanh net, {numbers['net_parameters']} parameters, weight decay")
    key(axis, loc="upper left")
    inset = axis.inset_axes((0.6, 0.18, 0.37, 0.36))
    errors = numbers["net_amplitudes"] / numbers["net_laws"] - 1
    inset.loglog(deltas, np.abs(errors), **simulation(1, markersize=3.5))
    inset.loglog(deltas, np.abs(errors[0]) * deltas / deltas[0], **guide())
    inset.set_title("relative error; grey: ∝ δ", fontsize=7)
    inset.set_xlabel("$\\delta$", fontsize=7, labelpad=0)
    inset.tick_params(labelsize=6.5)
    inset.minorticks_off()


def _draw_well(axis, numbers):
    rates, path = numbers["well_rates"], numbers["well_path"]
    axis.plot(np.repeat(rates[None], len(path), 0).ravel(), path.ravel(), label="simulation, last 24 iterates",
              color=GREY, linestyle="none", marker=".", markersize=1.5, zorder=1, rasterized=True)
    fine, laws = numbers["well_fine"], numbers["well_laws"]
    for name in ("well_low", "well_high"):
        axis.plot(fine, numbers[name], label="theory: $\\sqrt{f_\\pm}$, benign map" if name == "well_low" else None,
                  **theory(0, linewidth=3, color="#9fb3c8"))
    for side in (-1, 1):
        axis.plot(fine, 1 - 1.5 * laws**2 + side * laws, **theory(1),
                  label="theory: $1-\\frac{3}{2}a^2\\pm a$, general law" if side < 0 else None)
    axis.set(xlabel="rate $c$ (edge at 1)", ylabel="iterate $\\sqrt{f}$", title="benign map $f(1+c(1-f))^2$")
    axis.legend(loc="lower left")


FIGURE = Figure(
    "edge-period-two", "Beyond 2/λ gradient descent alternates where third derivatives outweigh the fourth",
    "(a) Half the distance between the two points of the orbit against δ, for three losses on a line: lines are a² = "
    "6(λ − 2/η)/(3f‴²/f″ − f⁗), markers gradient descent. (b) Losses of degree four in three dimensions, a fixed "
    "catalogue: circles at the coefficient that decides (line: the amplitude it predicts), squares on top are runs "
    "that leave or end far away; all belong left of 0. Grey crosses are the same runs at the coefficient with "
    "T[v,v,v]²/λ in place of T[v,v]ᵀH⁻¹T[v,v]: they miss the line, and some fall left of 0. (c) A net at a minimum of "
    "its regularised loss: the line from derivatives by hand, markers gradient descent; inset: relative error against "
    "δ. (d) Last iterates √f of the map of benign oscillation against its rate, grey; its exact orbit of period two, "
    "broad, and both points by the general law, dashed: the amplitudes are equal, the middles to leading order.",
    simulate, judge, draw, ("CB22.one-dimension", "MS26.criterion", "MS26.amplitude", "MS26.amplitude-net",
                            "MS26.benign", "CB22.factorisation", "CKLKT21.edge"), (3, 6.5, 19))
