"""Any train and test Hessian: limits against simulation, and when annealing helps."""

from functools import partial

import numpy as np

from figures._figure import Figure, close, holds
from figures._style import guide, key, null, panels, simulation, theory
from figures.convex_annealing._runs import ROUNDING, pair_runs, random_pair
from refimpl import convex_annealing as simulated
from theory import convex_annealing as predicted

COUNTS = {"quick": 6, "standard": 40, "full": 200}  # random pairs
TARGET, CONDITIONS = 1e-12, (2.0, 4.0, 8.0)


def simulate(effort, rng):
    """Stops of random pairs beside their limits; test Hessians G = H^m."""
    limits, measured, worst = [], [], 0.0
    for _ in range(COUNTS[effort]):
        train, test, start = random_pair(rng)
        found, exact = pair_runs(train, test, start, TARGET)
        worst = max(worst, *(abs(one / other - 1) for one, other in zip(found, exact)))
        limits.append(predicted.limit_ratios(train, test))
        measured.append(found)
    powers, fine = np.arange(-1, 3.5, 0.5), np.linspace(-1, 3, 50)
    numbers = {"limits": np.array(limits), "measured": np.array(measured), "powers": powers, "fine": fine,
               "largest_error": worst}
    for k, condition in enumerate(CONDITIONS):
        train = np.diag([1.0, condition])
        ratio = [_benefit(train, power) for power in powers]
        expected = np.array([np.divide(*predicted.limit_ratios(train, np.diag(np.diag(train)**p))[::-1]) for p in fine])
        numbers |= {f"family_{k}": ratio, f"family_{k}_limit": expected}
    return numbers


def _benefit(train, power):
    """Simulated P annealed over P at a small rate for G = H^m."""
    problem = simulated.from_hessians(train, np.diag(np.diag(train)**power), np.zeros(2))
    crossing, limit = predicted.crossover_lr(train), 2 / train[1, 1]
    descend = partial(simulated.descend, problem, TARGET, lr=0.5 / train[1, 1], w0=[1.0, 1.0])
    return descend(large_lr=(crossing + limit) / 2, anneal_loss=4 * TARGET).loss_ratio / descend().loss_ratio


def judge(numbers):
    """Stops, limits, and the sign and size of the effect."""
    limits, measured, worst = numbers["limits"], numbers["measured"], numbers["largest_error"]
    away, swapped = (np.abs(measured / other - 1).max() for other in (limits, limits[:, ::-1]))
    apart = np.abs(np.log(limits[:, 1] / limits[:, 0])) > 0.01  # of a near tie the finite ε decides
    helps = (limits[:, 1] < limits[:, 0])[apart]
    agree = np.mean(helps == (measured[:, 1] < measured[:, 0])[apart])
    rows = [holds("NAK20.mechanism", f"P/L of {len(limits)} random pairs against stopping_point: largest difference",
                  "0", f"{worst:.1e}", f"≤ {ROUNDING:g}", worst <= ROUNDING, null=f"the limits: {away:.1e}"),
            holds("NAK20.convex", "P/L at ε = 1e-12 against the limits: largest relative distance", "→ 0",
                  f"{away:.1e}", "≤ 0.005", away <= 0.005, null=f"swapped limits: {swapped:.2g}"),
            holds("NAK20.mechanism", f"of {apart.sum()} pairs the limits say whether annealing helps", "100 %",
                  f"{agree:.0%}", "all", agree == 1, null=f"always helps: {helps.mean():.0%}")]
    for k, condition in enumerate(CONDITIONS):
        for power, effect in ((0.0, "helps"), (1.0, "does nothing"), (2.0, "harms")):
            value = numbers[f"family_{k}"][list(numbers["powers"]).index(power)]
            factor = condition ** (power - 1)
            rows.append(close("NAK20.mechanism", f"P annealed / P small for G = H^{power:g}, λ_max = {condition:g} "
                                                 f"λ_min ({effect})",
                              factor, value, 1e-2 * factor, null=(condition ** -1 if power else 1.0,
                                                                  "as for G = I" if power else "no effect")))
    return tuple(rows)


def draw(numbers):
    """(a) Random pairs against their limits, (b) the effect against the test Hessian."""
    picture, axes = panels(1, 2, width=4.2, height=3.6)
    limits, measured = numbers["limits"], numbers["measured"]
    span = np.array([0.5 * limits.min(), 1.5 * limits.max()])
    axes[0].loglog(span, span, label="theory = simulation", **theory(0))
    for k, label in enumerate(("small rate", "annealed")):
        axes[0].loglog(limits[:, k], measured[:, k], label=f"simulation, {label}", **simulation(k))
        axes[0].loglog(limits[:, 1 - k], measured[:, k], label="null: limits swapped" if k else None, **null("x"))
    axes[0].set(xlabel="limit $v^TGv/\\lambda$, $v$ flattest or sharpest", title="random pairs $H$, $G$",
                ylabel="$P/\\hat L$ at $\\varepsilon=10^{-12}$, simulated")
    axes[0].set_ylim(top=100 * measured.max())
    axes[0].legend(loc="upper left")
    for k, condition in enumerate(CONDITIONS):
        axes[1].semilogy(numbers["fine"], numbers[f"family_{k}_limit"],
                         label=f"$\\lambda_{{max}}/\\lambda_{{min}}={condition:g}$", **theory(k))
        axes[1].semilogy(numbers["powers"], numbers[f"family_{k}"], **simulation(k))
        axes[1].axhline(1 / condition, label=None if k else "null: as for $G=I$", **null())
    axes[1].axhline(1, **guide())
    axes[1].text(-1.1, 1.12, "above: annealing harms", va="bottom", fontsize=8)
    axes[1].text(3.1, 0.88, "below: annealing helps", ha="right", va="top", fontsize=8)
    axes[1].set(xlabel="power $k$ of the test Hessian $G=H^k$", ylabel="$P$ annealed / $P$ at a small rate",
                title="the test Hessian decides")
    key(axes[1], loc="upper left")
    return picture


FIGURE = Figure(
    "annealing-pairs", "Any pair of quadratics: when annealing helps",
    "(a) Markers: P over the train loss at the stop of simulated descent on random pairs of Hessians in 2 to 5 "
    "dimensions, against the limit as ε → 0; on the line they agree. (b) Gain or loss by annealing where the test "
    "Hessian is a power of the train Hessian: annealing helps for G = I (k = 0), does nothing for G = H and harms for "
    "G = H².",
    simulate, judge, draw, ("NAK20.mechanism", "NAK20.convex"), (1.5, 1, 4))
