"""The critical rate with momentum: between two plateaus in batch size, and the full-batch rules it ends in."""

from itertools import combinations

import numpy as np
from matplotlib.lines import Line2D

from figures._figure import Figure, close, frozen, holds
from figures._style import below, bound, guide, null, panels, simulation, theory
from refimpl import linear_stability as simulated
from theory import linear_stability as predicted

# Points per curve.
Sizes = frozen("points")
SIZES = {"quick": Sizes(15), "standard": Sizes(60), "full": Sizes(200)}
FACTORS = np.array([[2.0, 0.3], [-1.5, 1.0], [0.4, 1.8], [1.2, -1.6], [-0.6, -0.9], [2.4, 1.1], [0.2, -2.2],
                    [1.0, 0.5]])
EXAMPLES, BATCHES, MOMENTA, SHOWN = len(FACTORS), (1, 2, 3, 4, 6, 8), (0.0, 0.5, 0.9), 0.9
BETAS = (0.2, 0.5, 0.9)
RULES = {"heavy ball": {}, "Nesterov": {"nesterov": True}, "dampened, as Adam": {"dampening": True}}


def enumerated_limit(factors, size, momentum, near):
    """Rate at which the enumerated operator on z zᵀ, z = (x, ηv), has radius 1, sought within 20 % of `near`."""
    from scipy.optimize import brentq  # here: it is slow to load

    count, dim = factors.shape
    hessians = factors[:, :, None] * factors[:, None, :]
    batches = np.array([hessians[list(batch)].mean(axis=0) for batch in combinations(range(count), size)])
    eye = np.eye(dim)

    def excess(lr):
        steps = [np.block([[eye - lr * mean, -momentum * eye], [lr * mean, momentum * eye]]) for mean in batches]
        operator = np.mean([np.kron(step, step) for step in steps], axis=0)
        return np.abs(np.linalg.eigvals(operator)).max() - 1

    return brentq(excess, 0.8 * near, 1.2 * near, rtol=1e-12)


def options(rule, beta):
    """Keywords of a rule at momentum β: Adam's first moment is dampened by β."""
    return {"momentum": beta} | ({"dampening": beta} if "dampening" in RULES[rule] else RULES[rule])


def simulate(effort, rng):
    ensemble = predicted.GaussNewton(FACTORS)
    betas = np.linspace(-0.9, 0.98, SIZES[effort].points)
    numbers = {"batches": np.array(BATCHES), "sharpness": predicted.sharpness(ensemble), "betas": betas}
    for k, momentum in enumerate(MOMENTA):
        exact = np.array([predicted.critical_lr(ensemble, size, momentum=momentum) for size in BATCHES])
        found = [enumerated_limit(FACTORS, size, momentum, near) for size, near in zip(BATCHES[:-1], exact)]
        numbers |= {f"critical_{k}": exact, f"enumerated_{k}": np.array(found)}
    for k, size in enumerate((1, 4, EXAMPLES)):
        numbers[f"along_{k}"] = np.array([predicted.critical_lr(ensemble, size, momentum=beta) for beta in betas])
    for k, rule in enumerate(RULES):
        numbers[f"full_{k}"] = np.array([predicted.critical_lr([[[1.0]]], 1, **options(rule, beta))
                                         for beta in betas[betas >= 0]])
        numbers[f"kept_{k}"] = np.array([[_grows(share * full_batch(rule, beta), options(rule, beta))
                                          for share in (0.99, 1.01)] for beta in BETAS])
    return numbers


def full_batch(rule, beta):
    """ηλ at the full-batch limit as its source prints it."""
    return {"heavy ball": 2 * (1 + beta), "Nesterov": 2 * (1 + beta) / (1 + 2 * beta),
            "dampened, as Adam": 2 * (1 + beta) / (1 - beta)}[rule]


def _grows(lr, keywords):
    """|x| after 3000 steps of gradient descent on x²/2 from 1."""
    return abs(simulated.simulate([[1.0]], [[1.0]], lr=lr, batch_size=None, steps=3000, **keywords).w[0, 0])


def judge(numbers):
    rows = []
    plain = numbers["critical_0"]
    for k, momentum in enumerate(MOMENTA):
        for size, exact, found, without in zip(BATCHES, numbers[f"critical_{k}"], numbers[f"enumerated_{k}"], plain):
            null = ((1 - momentum) * without, "(1 − μ) × SGD's") if momentum else (numbers["critical_1"][0],
                                                                                   "that of μ = 0.5")
            rows.append(close("AB26.plateaus", f"critical rate at μ = {momentum:g}, B = {size} of {EXAMPLES}", exact,
                              found, 1e-8 * exact, null=null, kind="enumerated"))
    for claim, k, rule in (("CKLKT21.momentum", 0, "heavy ball"), ("CKLKT21.nesterov", 1, "Nesterov"),
                           ("CGKDG22.adam", 2, "dampened, as Adam")):
        for beta, (below, above) in zip(BETAS, numbers[f"kept_{k}"]):
            rows.append(holds(claim, f"gradient descent, {rule}, β = {beta:g}: |x| after 3000 steps at .99 and 1.01 of "
                              f"ηλ = {full_batch(rule, beta):.4g}", "< 1; > 1", f"{below:.2g}; {above:.2g}",
                              "sides of 1",
                              bool(below < 1 < above), null="a limit more than 1 % away: both on one side"))
    return tuple(rows)


def draw(numbers):
    figure, axes = panels(1, 3, width=3.6, height=4.0)
    batches, sharp = numbers["batches"], numbers["sharpness"]
    for k, momentum in enumerate(MOMENTA):
        axes[0].semilogy(batches, numbers[f"critical_{k}"], label=f"$\\mu={momentum:g}$", **theory(k))
        axes[0].semilogy(batches[:-1], numbers[f"enumerated_{k}"], **simulation(k))
    for k, momentum in enumerate(MOMENTA[1:], 1):
        axes[0].semilogy(batches, (1 - momentum) * numbers["critical_0"], **null(color=theory(k)["color"]),
                         label="null: rule $(1-\\mu)\\eta^*_{SGD}$" if k == 1 else None)
    axes[0].axhline(2 * (1 + SHOWN) / sharp, label="rule: $2(1+\\mu)/\\lambda$, $\\mu=.9$", **bound(3))
    axes[0].set(xlabel="batch size $B$", ylabel="critical learning rate", xticks=batches,
                title=f"$n={EXAMPLES}$, $d=2$")
    below(axes[0], title="lines: theory, markers: enumerated")
    for k, size in enumerate((1, 4, EXAMPLES)):
        axes[1].plot(numbers["betas"], numbers[f"along_{k}"] * sharp / 2, label=f"$B={size}$", **theory(k))
    axes[1].plot([-0.9, 0.98], [0.1, 1.98], label="guide: $1+\\mu$", **guide())
    axes[1].set(xlabel="momentum $\\mu$", ylabel="critical rate, in units of $2/\\lambda$",
                title="the same, against momentum")
    below(axes[1], title="theory")
    inside = numbers["betas"][numbers["betas"] >= 0]
    for k, rule in enumerate(RULES):
        axes[2].semilogy(inside, numbers[f"full_{k}"], label=rule, **theory(k))
        for j, share in enumerate((0.99, 1.01)):
            for beta, kept in zip(BETAS, numbers[f"kept_{k}"][:, j]):
                face = "white" if kept > 1 else simulation(k)["color"]
                axes[2].semilogy(beta, share**8 * full_batch(rule, beta), **simulation(k, markerfacecolor=face))
    axes[2].set(xlabel="momentum $\\mu$ ($\\beta_1$ of Adam)", ylabel="limit of $\\eta\\lambda$", title="full batch")
    handles = axes[2].get_legend_handles_labels()[0] + [
        Line2D([], [], label=f"simulation, 1 % {side}", **simulation(0, markerfacecolor=face))
        for side, face in (("above: grows", "white"), ("below: shrinks", simulation(0)["color"]))]
    below(axes[2], handles=handles, title="lines: theory")
    return figure


FIGURE = Figure(
    "momentum-limit", "The critical rate with momentum, against batch size and momentum",
    "(a) Lines: the exact limit in mean square; markers: the rate at which the enumerated operator on place and "
    "velocity has spectral radius 1. At small B the limit nears (1 − μ) times that of plain SGD, at B = n it is 2(1 + "
    "μ)/λ; the two rules of thumb (dotted, the null for μ = .5 and .9) are its ends. (b) Against momentum, in units of "
    "2/λ: momentum raises the limit of large batches and lowers that of small ones. (c) Full batch: lines are theory, "
    "markers simulated gradient descent 1 % below (filled: shrinks) and above (open: grows), drawn 8 % apart to be "
    "told apart.",
    simulate, judge, draw, ("AB26.plateaus", "CKLKT21.momentum", "CKLKT21.nesterov", "CGKDG22.adam"), (2, 1.5, 3))
