"""One example with two patches: f, ⟨w, u⟩ and ⟨w, v⟩ at a large and a small rate."""

import numpy as np

from figures._figure import Figure, close, holds
from figures._style import guide, null, panels, simulation, theory
from figures.benign_oscillation._runs import KAPPA, SIGNS, iterate, network
from theory import benign_oscillation as predicted

RATES = (("large", 1.2), ("small", 0.1))
CURVES = (("f", "output $f$"), ("u", "$\\langle w_r,u\\rangle$"), ("v", "$\\langle w_r,v\\rangle$"))


def simulate(effort, rng):
    """The network and the map from the same start, at both rates."""
    numbers = {}
    for name, c in RATES:
        four, output, run = network(c, rng)
        exact, halved = (iterate(four[0], rate, len(output)) for rate in (c, c / 2))
        best = int(np.argmax(run.weak[0, 0]))           # the filter that sees the weak patch most
        strongest = int(np.argmax(run.strong[0, 0]))
        gains = [np.sqrt(exact[:, k] / exact[0, k]) for k in (0, 1)]
        close_by = np.abs(1 - output) < 1e-3
        numbers |= {
            f"{name}_f": exact @ SIGNS, f"{name}_f_network": np.append(output, four[-1] @ SIGNS),
            f"{name}_u": gains[0] * run.strong[0, 0, strongest], f"{name}_u_network": run.strong[:, 0, strongest],
            f"{name}_v": gains[1] * run.weak[0, 0, best], f"{name}_v_network": run.weak[:, 0, best],
            f"{name}_error": np.abs(exact - four).max(),
            f"{name}_null": np.abs(halved - four).max(), f"{name}_f_null": halved @ SIGNS,
            f"{name}_start": four[0], f"{name}_end": four[-1], f"{name}_gain": gains[1][-1],
            f"{name}_settled": int(np.argmax(close_by)) if close_by.any() else len(output),
            f"{name}_ended": close_by.any()}
    return numbers


def judge(numbers):
    """The map is the network; speed at the small rate; what is learned at either."""
    rows = [holds("LWYZ24.two-patch", f"four strengths of the network against the map, {len(numbers[f'{name}_f']) - 1} "
                  f"steps at c = {c:g}: largest difference", "0", f"{numbers[f'{name}_error']:.1e}", "≤ 1e-11",
                  numbers[f"{name}_error"] <= 1e-11,
                  null=f"a loss with its ½: {numbers[f'{name}_null']:.2g}") for name, c in RATES]
    settled = [numbers[f"{name}_settled"] for name in ("small", "large")]
    start, end = numbers["small_start"], numbers["small_end"]
    law = predicted.small_rate_limit(start[0], start[1], KAPPA) / start[1]
    c = dict(RATES)["large"]
    limit = predicted.weak_limit(c, KAPPA)
    return (
        *rows,
        holds("LWYZ24.small-smooth", "steps until |1 − f| < 1e-3, small and large rate", "fewer at the small rate",
              f"{settled[0]} and {'' if numbers['large_ended'] else '> '}{settled[1]}", "factor 10",
              10 * settled[0] < settled[1], null="steps ∝ 1/η: fewer at the large rate"),
        close("LWYZ24.small-lr", "growth of β at the small rate, β_∞/β₀", law, end[1] / start[1], 0.015 * law,
              null=(1.0, "no growth")),
        close("LWYZ24.large-lr", "β at the end at the large rate", limit, numbers["large_end"][1], 4e-4,
              null=(predicted.stable_weak_strength(c, KAPPA), "β* itself")))


def draw(numbers):
    """Large rate above, small rate below; f, ⟨w_r, u⟩ and ⟨w_r, v⟩ from left to right."""
    picture, axes = panels(2, 3, width=3.7, height=2.7)
    top = 1.1 * numbers["large_v_network"].max()
    for row, (name, c) in enumerate(RATES):
        steps = len(numbers[f"{name}_f"]) - 1
        time = np.arange(steps + 1)
        both_phases = np.linspace(0, steps - 1, 30).astype(int) // 2 * 2 + np.arange(30) % 2
        marks = both_phases if name == "large" else np.arange(0, steps + 1, 12)
        for k, (letter, label) in enumerate(CURVES):
            axis = axes[3 * row + k]
            thin = {"linewidth": 0.25} if name == "large" and k < 2 else {}
            axis.plot(time, numbers[f"{name}_{letter}"], label="theory: map of four numbers", **theory(0, **thin))
            axis.plot(marks, numbers[f"{name}_{letter}_network"][marks], label="simulation: network",
                      **simulation(1, markersize=3.5))
            axis.set(xlabel="step $t$", ylabel=label)
        axes[3 * row].axhline(1, **guide())
        axes[3 * row].plot(time, numbers[f"{name}_f_null"], label="null: a loss with its ½", **null())
        axes[3 * row + 1].set_title(f"{name} rate, $c={c:g}$")
        axes[3 * row + 2].set(ylim=(-0.03 * top, top))
    for axis in axes[:3]:
        axis.set_xticks(np.arange(0, len(numbers["large_f"]), 4000))
    zoom = axes[0].inset_axes([0.4, 0.1, 0.56, 0.27])
    zoom.plot(np.arange(41), numbers["large_f"][:41], **theory(0, linewidth=0.8))
    zoom.plot(np.arange(41), numbers["large_f_network"][:41], **simulation(1, markersize=2.2, markeredgewidth=0.7))
    zoom.set(ylim=(-0.1, 1.5))
    zoom.tick_params(labelsize=6.5)
    axes[5].text(0.97, 0.3, f"grows by {numbers['small_gain'] - 1:.0%}", transform=axes[5].transAxes, ha="right",
                 fontsize=8.5)
    flat = axes[5].axhline(numbers["small_v"][0], label="null: no growth", **null())
    axes[5].legend(handles=[flat], loc="upper right")
    axes[3].legend(loc="lower right")
    axes[0].set_ylim(-0.05, 1.5)
    return picture


FIGURE = Figure(
    "oscillation-two-patches", "One example with two patches at a large and a small rate",
    "Output, and alignment of one filter with the strong patch u and with the weak patch v, at a large rate (above; "
    "the band is an oscillation at every step, enlarged in the inset) and at a small one (below). Lines: the exact map "
    "of four numbers; markers: the network in all its dimensions. Look at the right column: v is learned only where f "
    "oscillates.",
    simulate, judge, draw, ("LWYZ24.two-patch", "LWYZ24.small-smooth", "LWYZ24.small-lr", "LWYZ24.large-lr"), (2, 2, 2))
