"""How far eq. 4 is from necessary: over random families, and in one ensemble step by step."""

from math import sqrt

import numpy as np

from figures._figure import Figure, close, frozen, holds
from figures._style import INK, guide, key, null, panels, simulation, theory
from figures.linear_stability._runs import SIGMAS, SIX, quadratic_growth
from refimpl import linear_stability as simulated
from theory import linear_stability as predicted

# Random ensembles per family, and simulated steps per point.
Sizes = frozen("ensembles replicas")
SIZES = {"quick": Sizes(20, 20_000), "standard": Sizes(100, 100_000), "full": Sizes(400, 400_000)}
FAMILIES = ("commuting", "equal norms", "isotropic", "Wishart", "power law", "log-normal")
FACTORS = np.array([[10.0, 1.0], [3.0, 5.0], [-4.0, 9.0]]) / 10
ENSEMBLE = predicted.GaussNewton(FACTORS)
FRACTIONS, STEPS = (0.2, 0.35), 40


def family(name, rng, n=24, dim=24):
    """A random ensemble of one of FAMILIES."""
    gaussian = rng.standard_normal((n, dim))
    if name == "commuting":
        return rng.random((n, 6))[:, :, None] * np.eye(6)
    if name == "equal norms":
        return predicted.GaussNewton(gaussian / np.linalg.norm(gaussian, axis=1, keepdims=True))
    if name == "Wishart":
        factors = rng.standard_normal((8, 6, 6))
        return factors.swapaxes(1, 2) @ factors
    scale = {"isotropic": np.ones(dim), "power law": np.arange(1, dim + 1.0) ** -1, "log-normal": 1}[name]
    if name == "log-normal":
        scale = np.exp(1.5 * rng.standard_normal((n, 1)))
    return predicted.GaussNewton(gaussian * scale)


def limits(ensemble):
    """(η_suff, η*) at B = 1."""
    return predicted.critical_lr(ensemble, 1, "sufficient"), predicted.critical_lr(ensemble, 1)


def simulate(effort, rng):
    sizes = SIZES[effort]
    ratios = np.array([[limits(family(name, rng)) for _ in range(sizes.ensembles)] for name in FAMILIES])
    sufficient, exact = limits(ENSEMBLE)
    rates = np.linspace(0.02, 1.25 * exact, 120)
    tested = np.array([0.3, 0.6, sufficient / exact, 1.0, 1.15]) * exact
    numbers = {"ratio": ratios[..., 0] / ratios[..., 1], "rates": rates, "tested": tested,
               "sufficient": sufficient, "exact": exact,
               "one_step": np.array([predicted.lambda_max(ENSEMBLE, lr, 1) for lr in rates]),
               "long_run": np.array([predicted.mean_square_rate(ENSEMBLE, lr, 1) for lr in rates]),
               "growths": np.array([_growths(lr, sizes.replicas, rng) for lr in tested])}  # (rates, 2, 3)
    for k, fraction in enumerate(FRACTIONS):
        moments = _moments(fraction * exact, sizes.replicas // 4, rng)
        numbers |= {f"{name}_{k}": value for name, value in moments.items()}
    return numbers


def _growths(lr, replicas, rng):
    """Of E‖x₊‖² from the worst direction, and of xᵀWx: simulated, its error, predicted."""
    worst_start = np.linalg.eigh(predicted.stability_matrix(ENSEMBLE, lr, 1))[1][:, -1]
    rate, weight = predicted.perron_weight(ENSEMBLE, lr, 1)
    cases = ((worst_start, np.eye(2), predicted.lambda_max(ENSEMBLE, lr, 1)), (np.array([0.6, 0.8]), weight, rate))
    return [(*quadratic_growth(FACTORS, start, form, lr, replicas, rng), law) for start, form, law in cases]


def _moments(lr, replicas, rng):
    start = np.array([1.0, 0.5])
    laws = [np.trace(predicted.second_moment(ENSEMBLE, lr, size, np.outer(start, start), STEPS), axis1=1, axis2=2)
            for size in (1, len(FACTORS))]
    run = simulated.simulate(FACTORS, np.tile(start, (replicas, 1)), lr=lr, batch_size=1, steps=STEPS, rng=rng,
                             observe={"square": lambda w, x, y: (w**2).sum(axis=1)}).observed["square"]
    return {"moment_law": laws[0], "moment_null": laws[1], "moment": run.mean(axis=1),
            "moment_error": run.std(axis=1) / sqrt(replicas)}


def judge(numbers):
    share, rows = numbers["ratio"], []
    count = share.shape[1]
    for k, name in enumerate(FAMILIES):
        if k < 2:
            rows.append(close("WME18.eq4-sharp", f"η_suff/η* at B = 1, {name}: smallest of {count}", 1, share[k].min(),
                              1e-8, null=(share[2].min(), "isotropic ensembles"), kind="algebra"))
        else:
            rows.append(holds("WME18.eq4-sharp", f"η_suff/η* at B = 1, {name}: smallest and median of {count}",
                              "below 1", f"{share[k].min():.3f}, {np.median(share[k]):.3f}", "smallest < 0.99",
                              share[k].min() < 0.99, null="eq. 4 sharp: 1", kind="algebra"))
    for lr, growths in zip(numbers["tested"], numbers["growths"]):
        for j, (claim, name) in enumerate((("WME18.eq4", "E‖x₊‖² from the worst direction"),
                                           ("WME18.eq4-sharp", "growth of xᵀWx per step"))):
            value, error, law = growths[j]
            null = (growths[1 - j][2], ("the rate in the long run", "λmax of eq. 4")[j])
            rows.append(close(claim, f"{name} at η = {lr / numbers['exact']:.2f} η*", law, value, SIGMAS * error + 1e-9,
                              null=null, note=SIX))
    for k, fraction in enumerate(FRACTIONS):
        law, null, seen, error = (numbers[f"{name}_{k}"][1:]
                                  for name in ("moment_law", "moment_null", "moment", "moment_error"))
        light = error < 0.01 * law  # beyond this, tails make the sample error meaningless
        worst, wrong = ((np.abs(seen - other) / error)[light].max() for other in (law, null))
        rows.append(holds("WME18.eq2", f"E‖x_t‖² at η = {fraction} η*, {light.sum()} steps: largest deviation in "
                                       "standard errors", "exact recursion", f"{worst:.2f}", f"≤ {SIGMAS:g}",
                          worst <= SIGMAS if wrong > SIGMAS else None, null=f"gradient descent's: {wrong:.0f}"))
    return tuple(rows)


def draw(numbers):
    figure, axes = panels(1, 3, width=3.6, height=3.4)
    share = numbers["ratio"]
    axes[0].boxplot(share.T, orientation="horizontal", whis=(0, 100), widths=0.5,
                    medianprops={"color": "#9b2226", "linewidth": 2}, boxprops={"color": INK},
                    whiskerprops={"color": INK}, capprops={"color": INK})
    axes[0].set_yticks(range(1, len(FAMILIES) + 1), FAMILIES)
    axes[0].axvline(1, label="null: eq. 4 sharp", **null())
    axes[0].set(xlabel="$\\eta_{suff}/\\eta^*$",
                xlim=(min(0.4, share.min() - 0.02), 1.03), title="random ensembles, $B=1$")
    axes[0].legend(loc="upper left")
    axes[1].plot(numbers["rates"], numbers["one_step"], label="eq. 4: one step, worst start", **theory(1))
    axes[1].plot(numbers["rates"], numbers["long_run"], label="exact: per step, $t\\to\\infty$", **theory(0))
    for j, k in ((0, 1), (1, 0)):
        axes[1].plot(numbers["tested"], numbers["growths"][:, j, 0], **simulation(k))
    for limit, name, side in ((numbers["sufficient"], "$\\eta_{suff}$ ", "right"),
                              (numbers["exact"], " $\\eta^*$", "left")):
        axes[1].axvline(limit, **guide())
        axes[1].text(limit, 0.62, name, ha=side)
    axes[1].axhline(1, **guide())
    axes[1].set(xlabel="learning rate $\\eta$", ylabel="growth of the second moment", ylim=(0.55, 1.65),
                title="one ensemble, $n=3$, $d=2$")
    key(axes[1], loc="upper left", title="each the other's null")
    marks = np.arange(0, STEPS + 1, 4)
    for k, fraction in enumerate(FRACTIONS):
        axes[2].semilogy(numbers[f"moment_law_{k}"], label=f"$\\eta={fraction}\\,\\eta^*$", **theory(k))
        axes[2].semilogy(marks, numbers[f"moment_{k}"][marks], **simulation(k))
        axes[2].semilogy(numbers[f"moment_null_{k}"], label="null: gradient descent" if k else None, **null())
    axes[2].set(xlabel="step $t$", ylabel="$E\\|x_t\\|^2$", title="the same, step by step")
    key(axes[2])
    return figure


FIGURE = Figure(
    "sufficient-condition", "How conservative eq. 4 is",
    "(a) The largest rate that meets eq. 4 over the exact limit: boxes are quartiles and whiskers all of the random "
    "ensembles. (b) In one ensemble, growth of one step from the worst start (eq. 4) and growth per step in the long "
    "run: between the two crossings of 1 eq. 4 fails and the minimum is stable. (c) The second moment step by step. "
    "Lines are theory, markers simulated steps.",
    simulate, judge, draw, ("WME18.eq2", "WME18.eq4", "WME18.eq4-sharp"), (3, 6, 20))
