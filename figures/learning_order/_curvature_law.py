"""D before annealing on Q alone, against its law, the limit r³/λ and the paper's bound r²/λ."""

from dataclasses import dataclass

import numpy as np

from figures._figure import Figure, close, holds
from figures._fitted_powers import t_limit
from figures._style import bound, fit, key, null, panels, simulation, theory
from figures.learning_order._runs import averaged_curvature
from theory import learning_order as predicted

LR, SCALE, R, DECAY = 0.25, 5.0, 0.15, 8e-3


@dataclass(frozen=True)
class Sizes:
    """Neurons of V, points of each sweep, runs per point, and the length of a run in units of 1/(ηλ) steps."""

    width: int
    points: int
    replicas: int
    length: float = 12


SIZES = {"quick": Sizes(500, 2, 4, 7), "standard": Sizes(4000, 3, 5), "full": Sizes(8000, 5, 8)}


def _pairs(marks, name):
    """(r, λ) of the points of a sweep."""
    return [(mark, DECAY) if name == "r" else (R, mark) for mark in marks]


def simulate(effort, rng):
    """Time means of D, (points, runs), over r at one λ and over λ at one r."""
    sizes, numbers = SIZES[effort], {}
    for name, marks in (("r", np.geomspace(0.08, 0.2, sizes.points)),
                        ("weight_decay", np.geomspace(4e-3, 16e-3, sizes.points))):
        numbers[name] = marks
        numbers[f"D_over_{name}"] = -np.array([[averaged_curvature(*pair, rng, sizes.width, whole=sizes.length)
                                                for _ in range(sizes.replicas)] for pair in _pairs(marks, name)])
    return numbers


def _laws(marks, name):
    """−D by the law, by the law at slope ½, in the limit, and the bound."""
    pairs = _pairs(marks, name)
    return [-np.array([predicted.curvature_prediction(SCALE, *pair, **options) for pair in pairs])
            for options in (dict(lr=LR, mean_square_alpha=1 / 3), dict(lr=LR), {})] + [
            np.array([predicted.curvature_bound(SCALE, *pair) for pair in pairs])]


def judge(numbers):
    """Powers and sizes of D beside the law's; the scatter of log D is alike at all points and is pooled."""
    sweeps = {name: (np.asarray(numbers[name]), -np.asarray(numbers[f"D_over_{name}"]))
              for name in ("r", "weight_decay")}
    every = np.concatenate([np.log(values) for _, values in sweeps.values()])
    replicas = every.shape[1]
    error, limit = np.sqrt(every.var(axis=1, ddof=1).mean() / replicas), t_limit(len(every) * (replicas - 1), 1e-7)
    rows, away, without = [], [], []
    for name, (marks, values) in sweeps.items():
        law, half, _, ceiling = _laws(marks, name)
        mean, logs = np.log(values).mean(axis=1), np.log(marks) - np.log(marks).mean()
        power, expected = (logs @ each / (logs @ logs) for each in (mean, np.log(law)))
        symbol, wrong, words = ("r", 2.0, "the bound's r²") if name == "r" else ("λ", 0.0, "no dependence on λ")
        rows.append(close("LWM19.4.2-law", f"power of {symbol} in D", expected, power, limit * error
                          / np.sqrt(logs @ logs), null=(wrong, words), note=f"({limit:.1f} standard errors)"))
        worst = (values.mean(axis=1) / ceiling).max()
        rows.append(holds("LWM19.4.2", f"largest |D| over c_v² r²/λ, over {symbol}", "below 1", f"{worst:.3f}",
                          f"1, {(-np.log(worst)) / error:.0f} standard errors", worst < 1,
                          null="D of the order of the bound: 1", margins=(worst - 1, 0.0)))
        away.append(np.abs(mean - np.log(law)).max())
        without.append(np.abs(np.log(half / law)).max())
    rows.append(close("LWM19.4.2-law", "largest |log(D/law)|, slopes that fall as g grows", 0.0, max(away),
                      limit * error, null=(np.log(2), "half or twice the law"),
                      note=f"({limit:.1f} standard errors; slopes held at ½ are off by {max(without):.3f})"))
    powers = predicted.asymptotic_exponents()
    power, small = powers["stated condition, lambda / r^2"][0], [powers[name][0] for name in ("1 / (r d)", "d lambda",
                                                                                              "lambda / r")]
    rows.append(holds("LWM19.scales", "powers of d in (rd)⁻¹, dλ, λ/r", "negative: below any power of κ at large d",
                      ", ".join(f"{value:g}" for value in small), "below 0", max(small) < 0,
                      null="λ = 1/d: dλ of power 0", kind="algebra"))
    rows.append(holds("LWM19.conditions", "power of d in λ/r² at fixed κ", "positive: λ ≤ r²/(κ²q³p²) fails at large d",
                      f"{power:g}", "above 0", power > 0, null="0 or less, if the condition held for all large d",
                      kind="algebra"))
    return tuple(rows)


def draw(numbers):
    """−D against r³/λ, and over the law's in each sweep."""
    picture, axes = panels(1, 3, width=3.4, height=3.5)
    for k, (axis, name) in enumerate(zip(axes[1:], ("r", "weight_decay"))):
        marks, values = np.asarray(numbers[name]), -np.asarray(numbers[f"D_over_{name}"])
        fine = np.geomspace(marks[0], marks[-1], 12)
        law, half, limit, ceiling = _laws(fine, name)
        place, mean = (np.array([r**3 / decay for r, decay in _pairs(each, name)]) for each in (fine, marks))
        error = values.std(axis=1, ddof=1) / values.shape[1]**0.5
        swept = f"$r$, $\\lambda={DECAY:g}$" if name == "r" else f"$\\lambda$, $r={R:g}$"
        axes[0].loglog(place, law, **theory(k))
        axes[0].loglog(place, ceiling, label=None if k else "paper's bound, $c_v^2 r^2/\\lambda$ (null)", **bound(k))
        axes[0].errorbar(mean, values.mean(axis=1), error, label=f"runs over {swept}", **simulation(k))
        axis.plot(fine, half / law, label="law, slopes held at ½", **theory(2))
        axis.plot(fine, limit / law, label="thin: limit of small $r$", **fit(3))
        power, words = (2, "$r^2$") if name == "r" else (0, "no $\\lambda$")
        other = law[6] * (fine / fine[6])**power / law
        axis.plot(fine[other < 1.27], other[other < 1.27], label=f"null: {words}", **null())
        axis.axhline(1, label="law, slopes fall as $g$ grows", **theory(k))
        own = _laws(marks, name)[0]
        axis.errorbar(marks, values.mean(axis=1) / own, error / own, capsize=3, **simulation(k))
        axis.set(xlabel="$r$" if name == "r" else "$\\lambda$", ylabel="$-D$ over the law's", title=f"over {swept}",
                 ylim=(0.9, 1.48))
        ends = marks[[0, len(marks) // 2, -1]]
        axis.set_xticks(ends, [f"{mark:.2g}" for mark in ends])
    axes[0].set(xlabel="$r^3/\\lambda$", ylabel="$-D$ before annealing", title="both sweeps")
    key(axes[0], loc="center left")
    for axis in axes[1:]:
        axis.legend(loc="upper center")
    return picture


FIGURE = Figure(
    "curvature-law", "Li, Wei and Ma: the law of D before annealing",
    "D = g(z+ζ) + g(z−ζ) − 2g(z) under the large rate, on all of Q. Markers: means over runs of the time mean, bars "
    "standard errors over runs. (a) Against r³/λ, over which runs and law (lines) nearly fall together; dotted: the "
    "paper's bound, which D does not reach. (b), (c) Over the law, where the slope of the logistic loss falls as g "
    "grows: markers lie on 1; dash-dotted: the same law with the slope kept at ½ (g = 0); thin: its limit of small r.",
    simulate, judge, draw, ("LWM19.4.2", "LWM19.4.2-law", "LWM19.conditions", "LWM19.scales"), (5, 25, 145))
