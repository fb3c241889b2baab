"""Oscillation beside a minimum beyond 2/λ: where it is small, and how large it is."""

from dataclasses import dataclass

import numpy as np

from figures._figure import Figure, close, holds
from figures._style import GREY, guide, key, panels, simulation, theory
from figures.edge_of_stability import _runs
from refimpl import edge_of_stability as simulated
from theory import edge_of_stability as predicted

LINES = ((2.0, 1.0), (1.0, 0.0), (0.0, -1.0))  # third and fourth derivative on a line with f″ = 1


@dataclass(frozen=True)
class Sizes:
    """`losses` in three dimensions, `steps` of their runs, `points` along each line."""

    losses: int
    steps: int
    points: int


SIZES = {"quick": Sizes(24, 30_000, 5), "standard": Sizes(80, 48_000, 8), "full": Sizes(200, 80_000, 12)}
DELTA = 2.5e-4  # in three dimensions


def simulate(effort, rng):
    """Amplitudes on three lines against δ; in three dimensions against the coefficient."""
    sizes, numbers = SIZES[effort], {}
    numbers["delta"] = marks = np.geomspace(1e-3, 0.05, sizes.points)
    numbers["delta_line"] = fine = np.geomspace(8e-4, 0.06, 60)
    stack = simulated.CubicQuartic(*(np.array(values, float).reshape(len(LINES), *(1,) * order) for values, order in (
        ([1.0] * len(LINES), 2), ([third for third, _ in LINES], 3), ([fourth for _, fourth in LINES], 4))))
    ones = _runs.single(stack)
    numbers["line_laws"] = np.array([[predicted.oscillation_amplitude(one.hessian, one.third_along, one.fourth_along,
                                                                      2 * (1 + d))
                                      for d in fine] for one in ones])
    numbers["line_amplitudes"] = np.array([_runs.amplitudes(stack, np.ones((len(LINES), 1)), d,
                                                            int(24 / d)) for d in marks]).T
    losses, top, laws, nulls = _runs.catalogue(sizes.losses)
    return numbers | {"coefficients": laws, "nulls": nulls,
                      "amplitudes": _runs.amplitudes(losses, top, DELTA, sizes.steps)}


def _law(coefficients, delta):
    return np.sqrt(6 * (1 - 1 / (1 + delta)) / np.where(coefficients > 0, coefficients, np.nan))


def _small(numbers):
    """Losses that end beside the minimum, in an oscillation below 6√δ: not far away, nor nowhere."""
    return numbers["amplitudes"] < 6 * np.sqrt(DELTA)


def judge(numbers):
    """Sign, amplitude and order of the law; each beside what T[v, v, v]²/λ would give."""
    laws, nulls, small = numbers["coefficients"], numbers["nulls"], _small(numbers)
    clear = np.abs(laws) > 1
    agree, null_agree = ((sign > 0) == small for sign in (laws, nulls))
    chosen = small & (laws > 2)
    errors = numbers["amplitudes"][chosen] / _law(laws, DELTA)[chosen] - 1
    wrong = np.abs(numbers["amplitudes"][chosen] / _law(np.maximum(nulls, 1e-9), DELTA)[chosen] - 1)
    at_zero = numbers["line_amplitudes"][:, 0] / np.array([np.interp(numbers["delta"][0], numbers["delta_line"], line)
                                                           for line in numbers["line_laws"]])
    return (
        holds("MS26.criterion", f"losses in three dimensions with |coefficient| > 1 ({clear.sum()} of {laws.size}): "
                                f"sign of the "
              "coefficient against a small oscillation seen", "all agree", f"{agree[clear].sum()} agree", "all",
              agree[clear].all(), null=f"with T[v,v,v]²/λ: {null_agree[clear].sum()} agree"),
        holds("MS26.amplitude", f"amplitude over its law at δ = {DELTA:g}, {chosen.sum()} losses with a coefficient "
                                f"above 2: "
              "largest relative difference", "0, first order in δ", f"{np.abs(errors).max():.3f}",
              f"40 δ = {40 * DELTA:g}",
              np.abs(errors).max() < 40 * DELTA, null=f"T[v,v,v]²/λ: median {np.median(wrong):.2f}"),
        close("CB22.one-dimension", "on lines (f″, f‴, f⁗) = (1, 2, 1), (1, 1, 0), (1, 0, −1): amplitude over its law "
                                    "at "
              f"δ = {numbers['delta'][0]:g}, farthest from 1", 1.0, at_zero[np.argmax(np.abs(at_zero - 1))], 0.01,
              null=(np.sqrt(3), "3f‴² as f‴², where f⁗ = 0")),
        holds("CKLKT21.edge", f"smallest and largest amplitude on three lines, 2/λ exceeded by {numbers['delta'][0]:g}…"
              f"{numbers['delta'][-1]:g}", "finite and above 0",
              f"{np.nanmin(numbers['line_amplitudes']):.3f}…{np.nanmax(numbers['line_amplitudes']):.3f}",
              "all runs alternate",
              np.isfinite(numbers["line_amplitudes"]).all(), null="a quadratic loss: diverges"))


def draw(numbers):
    """(a) Amplitude against δ on three lines; (b) amplitude against the coefficient in three dimensions."""
    picture, axes = panels(1, 2, width=4.2, height=3.5)
    for k, (third, fourth) in enumerate(LINES):
        axes[0].loglog(numbers["delta_line"], numbers["line_laws"][k], **theory(k),
                       label=f"$f'''={third:g}$, $f''''={fourth:g}$".replace("-", "−"))
        axes[0].loglog(numbers["delta"], numbers["line_amplitudes"][k], **simulation(k))
    axes[0].set(xlabel="$\\delta=\\eta\\lambda/2-1$, beyond the edge", ylabel="amplitude $a$",
                title="on a line, $f''=1$")
    key(axes[0], loc="upper left")
    laws, small = numbers["coefficients"], _small(numbers)
    size = numbers["amplitudes"]
    fine = np.geomspace(0.5, laws.max() * 1.2, 100)
    line, = axes[1].plot(fine, _law(fine, DELTA), label="theory", **theory(0))
    marks, = axes[1].plot(laws[small], size[small], label="simulation, small orbit", **simulation(0, markersize=4))
    nulls = np.where(numbers["nulls"] > 0, numbers["nulls"], np.nan)
    cross, = axes[1].plot(nulls[small], size[small], marker="x", color=GREY, linestyle="none", markersize=4, zorder=1,
                          label="same runs at $3T[v,v,v]^2/\\lambda-F$")
    top = 1.5 * np.nanmax(size[small])
    far, = axes[1].plot(laws[~small], np.full((~small).sum(), top), clip_on=False,
                        label="simulation, no small orbit", **simulation(1, markersize=5))
    axes[1].axvline(0, **guide())
    axes[1].set(xscale="symlog", yscale="log", xlabel="coefficient $3\\,T[v,v]^T H^{-1} T[v,v]-F$",
                ylabel="amplitude $a$",
                title=f"three dimensions, $\\delta={DELTA:g}$", xlim=(min(laws.min(), 0) * 1.5 - 1, laws.max() * 1.5))
    axes[1].legend(handles=[line, marks, cross, far], loc="lower left", fontsize=7)
    return picture


FIGURE = Figure(
    "edge-period-two", "Beyond 2/λ gradient descent alternates where third derivatives outweigh the fourth",
    "(a) Half the distance between the two points of the orbit against δ, for three losses on a line: lines are a² = "
    "6(λ − "
    "2/η)/(3f‴²/f″ − f⁗), markers gradient descent. (b) Losses of degree four in three dimensions, a fixed catalogue: "
    "circles at "
    "the coefficient that decides (line: the amplitude it predicts), squares on top are runs that leave or end far "
    "away; all "
    "belong left of 0. Grey crosses are the same runs at the coefficient with T[v,v,v]²/λ in place of "
    "T[v,v]ᵀH⁻¹T[v,v]: "
    "they miss the line, and some fall left of 0.",
    simulate, judge, draw, ("CB22.one-dimension", "MS26.criterion", "MS26.amplitude", "CKLKT21.edge"), (8, 20, 60))
