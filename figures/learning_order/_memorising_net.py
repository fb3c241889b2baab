"""Q, the two neurons that memorise it, and how a fixed offset errs."""

import numpy as np

from figures._effects import LIMIT
from figures._figure import Figure, close, frozen, holds
from figures._style import INK, panels, simulation, theory
from refimpl import learning_order as simulated
from theory import learning_order as predicted

R, OFFSET, OFFSETS = 0.3, 0.2, np.array([0.05, 0.2, 0.4, 0.6, 0.8])

# Examples drawn.
Sizes = frozen("examples")
SIZES = {"quick": Sizes(2000), "standard": Sizes(20_000), "full": Sizes(100_000)}


def simulate(effort, rng):
    """Points of Q with their labels, errors of both nets, and what rows compare."""
    data = simulated.sample(simulated.Distribution(4, 0.2, 0.3, R), SIZES[effort].examples, rng)
    points, labels = data.x2[data.in_m2][:, :2], data.y[data.in_m2]
    errors = [[np.mean(labels * predicted.memorising_network(R, rho, homogeneous=kind).predict(points) < 0)
               for rho in OFFSETS] for kind in (False, True)]
    tilted = np.array([0.9, 0.19**0.5, 0, 0])
    return {"points": points, "labels": labels, "errors": errors, "examples": len(data.y),
            "p_examples": data.in_m1.sum(), "without_x1": 1 - data.in_m1.mean(), "with_x1": data.in_m1.mean(),
            "margin": (data.y * data.x1[:, 0])[data.in_m1].min(),
            "tilted_error": np.mean((data.y * (data.x1 @ tilted))[data.in_m1] < 0), **_network(data, rng)}


def _network(data, rng):
    """Kernel of random neurons at three angles, N_A against a plain sum over neurons, and the odd part of r."""
    cosines, weights = np.array([0.9, 0.6, 0.0]), rng.standard_normal((1_000_000, 2))
    second = weights @ np.stack([cosines, np.sqrt(1 - cosines**2)])
    products = np.maximum(weights[:, :1], 0) * np.maximum(second, 0)
    model = simulated.TwoLayerReLU(4, 6, 10, 1.0, 1.0, 1.0)
    u, pattern = model.init(rng), model.init(rng)
    x = data.x[:50]
    plain = np.array([sum(out * (other @ one > 0) * (row @ one) for out, row, other in
                          zip(model.output_weights, u, pattern)) for one in x])
    first, minus = data.part(simulated.P_ONLY)[:50], -data.part(simulated.P_ONLY)[:50]
    odd = model.predict(u, first) - model.predict(u, minus)
    linear = data.x1[:50] @ predicted.odd_part(u[:6, :4], model.output_weights[:6])
    return {"cosines": cosines, "kernel": products.mean(axis=0), "kernel_error": products.std(axis=0) / 1000,
            "pattern_gap": np.abs(model.predict(u, x, pattern) - plain).max(),
            "own_pattern_gap": np.abs(model.predict(u, x) - plain).max(),
            "odd_gap": np.abs(odd - 2 * linear).max(), "doubled_gap": np.abs(odd - 4 * linear).max()}


def judge(numbers):
    """Errors and fractions against their laws, identities to rounding."""
    n, count = len(numbers["labels"]), int(numbers["examples"])
    wrong = predicted.memorising_error(OFFSET)
    fixed, lifted = np.array(numbers["errors"])[:, 1]
    error = predicted.linear_error(0.9, 0.5, 4)
    spread = LIMIT * (error * (1 - error) / numbers["p_examples"])**0.5
    kernel, law = numbers["kernel"], predicted.arc_cosine_kernel(1, np.asarray(numbers["cosines"]))
    reach = LIMIT * np.asarray(numbers["kernel_error"])
    return (
        close("LWM19.memorise", f"error of the fixed offset ρ = {OFFSET} on Q", wrong, fixed, LIMIT * (wrong / n)**0.5,
              null=(0.0, "right on all of Q, as printed"), note=f"({LIMIT:.1f} standard errors)"),
        close("LWM19.memorise", "error with ρ⟨z, x⟩", 0.0, lifted, 0.0, null=(wrong, "that of the fixed offset")),
        close("LWM19.fractions", "q = 1 − |M₁|/N, against q₀", 0.3, numbers["without_x1"], LIMIT * (0.21 / count)**0.5,
              null=(numbers["with_x1"], "|M₁|/N, as printed"), note=f"({LIMIT:.1f} standard errors)"),
        close("LWM19.bayes", "smallest margin y⟨w*, x₁⟩", 0.5, numbers["margin"], 14 * (np.pi / 8)**0.5
              / numbers["p_examples"], null=(0.0, "no margin"), note="(14 mean excesses of a smallest draw)"),
        close("LWM19.bayes", "error of a classifier with cos φ = 0.9", error, numbers["tilted_error"], spread,
              null=(np.arccos(0.9) / np.pi, "without the margin"), note=f"({LIMIT:.1f} standard errors)"),
        holds("LWM19.network", "largest |N_A − Σ_j u_j 1(A_j x > 0) U_j x|", "0", f"{numbers['pattern_gap']:.1e}",
              "≤ 1e-12", numbers["pattern_gap"] <= 1e-12 < numbers["own_pattern_gap"],
              null=f"patterns of U itself: {numbers['own_pattern_gap']:.2g}", kind="enumerated"),
        *(close("LWM19.network", f"E[ReLU ReLU] of 10⁶ neurons at cos θ = {cosine:g}", float(wanted), found, limit,
                null=(2 * float(wanted), "the kernel without its ½"), note=f"({LIMIT:.1f} standard errors)")
          for cosine, wanted, found, limit in zip(numbers["cosines"], law, kernel, reach)),
        holds("LWM19.5.3", "largest |r(x) − r(−x) − 2⟨α, x⟩|", "0", f"{numbers['odd_gap']:.1e}", "≤ 1e-12",
              numbers["odd_gap"] <= 1e-12 < numbers["doubled_gap"],
              null=f"α without its ½: {numbers['doubled_gap']:.2g}", kind="enumerated"))


def draw(numbers):
    """The regions of both nets, and the error against ρ."""
    points, labels = np.asarray(numbers["points"]), np.asarray(numbers["labels"])
    picture, axes = panels(1, 3, width=3.4, height=3.3)
    side = np.stack(np.meshgrid(np.linspace(-0.05, 1.25, 261), np.linspace(-0.45, 0.45, 181)), axis=-1)
    for axis, homogeneous in zip(axes, (False, True)):
        net = predicted.memorising_network(R, OFFSET, homogeneous=homogeneous)
        values = net.predict(side)
        axis.contourf(side[..., 0], side[..., 1], values, [-9, 0, 9], colors=["#d8d8d8", "#ffffff"])
        axis.contour(side[..., 0], side[..., 1], values, [0], colors=INK, linewidths=1.2)
        for k, sign in enumerate((1, -1)):
            axis.plot(*points[labels == sign][:60].T, label=f"drawn, $y={sign:+d}$", **simulation(k, markersize=4))
        missed = points[:150][labels[:150] * net.predict(points[:150]) < 0]
        axis.plot(*missed.T, label="on the wrong side", color=INK, linestyle="none", marker="x", markersize=5)
        for name, y in (("$z$", 0), ("$z+\\zeta$", R), ("$z-\\zeta$", -R)):
            axis.annotate(name, (1.04, y), va="center", fontsize=8)
        axis.set(xlabel="$\\langle z, x_2\\rangle$", ylabel="$\\langle\\zeta, x_2\\rangle / r$",
                 title=f"offset $\\rho\\langle z,x\\rangle$, $\\rho={OFFSET}$" if homogeneous
                 else f"offset $\\rho={OFFSET}$")
        axis.grid(False)
    axes[0].legend(loc="upper left")
    line = np.linspace(0, 0.9, 10)
    axes[2].plot(line, line / 2, label="theory, fixed offset: $\\rho/2$", **theory(0))
    axes[2].plot(line, 0 * line, label="theory, $\\rho\\langle z,x\\rangle$: 0 (each\nthe other's null)", **theory(1))
    for k, (values, name) in enumerate(zip(np.asarray(numbers["errors"]),
                                           ("fixed offset", "$\\rho\\langle z,x\\rangle$"))):
        error = np.sqrt(values * (1 - values) / len(labels))
        axes[2].errorbar(OFFSETS, values, error, capsize=3, label=f"drawn, {name}", **simulation(k))
    axes[2].set(xlabel="$\\rho$", ylabel="share of Q that is wrong", title="error", ylim=(-0.02, 0.47))
    axes[2].legend(loc="upper left")
    return picture


FIGURE = Figure(
    "memorising-net", "Li, Wei and Ma: Q and the net that memorises it",
    "(a), (b) Examples of Q (open markers) and the regions in which the net of two neurons says −1 (grey) and +1 "
    "(white); crosses: examples on the wrong side. A fixed offset errs near the origin, an offset proportional to ⟨z, "
    "x⟩ nowhere. (c) Share of Q that is wrong against ρ: lines are theory, markers frequencies with their binomial "
    "standard errors.",
    simulate, judge, draw, ("LWM19.memorise", "LWM19.fractions", "LWM19.bayes", "LWM19.network", "LWM19.5.3"),
    (1, 1, 1))
