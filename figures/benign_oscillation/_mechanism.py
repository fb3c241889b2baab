"""Balance of the strong updates, accumulation of residuals, growth of the weak feature and its half-time."""

import numpy as np

from figures._figure import Figure, close, frozen, holds
from figures._style import key, null, panels, simulation, theory
from figures.benign_oscillation._runs import DOUBLING, KAPPA, LIMIT, SIGNS, SMALL, outputs
from refimpl import benign_oscillation as simulated
from theory import benign_oscillation as predicted

BALANCED, STEPS = 1.4, 2000
ACCUMULATED = (1.02, 1.1, 1.2, 1.4)
GROWING = ((1.2, 0.03), (1.2, 0.01), (1.1, 0.01))   # c and κ
REACHED = (0.1, 3.0)                                # κcΣ(1 − f) at which the poster's linear sum is judged
HALVED = ((0.03, (0.02, 0.06)), (0.01, (0.01, 0.03)))   # κ and the errors allowed, closed form and beyond

# `points` rates of the half-times, `begins` starts each.
Sizes = frozen("points begins")
SIZES = {"quick": Sizes(5, 24), "standard": Sizes(11, 64), "full": Sizes(21, 200)}


def simulate(effort, rng):
    """Sums over orbits, and half-times of many starts."""
    numbers = _balance()
    for c in ACCUMULATED:
        numbers[f"accumulated_{c:g}"] = np.cumsum(1 - outputs(c, outputs(c, 0.02, 6000, 0)[0], 0, STEPS)[:-1])
        numbers[f"accumulated_{c:g}_slope"] = predicted.mean_residual(c)
    for k, (c, kappa) in enumerate(GROWING):
        numbers |= _growth(k, c, kappa)
    return numbers | _half_times(SIZES[effort], rng)


def _balance():
    steps = 400
    begin = [outputs(BALANCED, 0.02, 500, 0)[0], 0.0, 0.0, 0.0]
    path = simulated.descend_reduced(begin, BALANCED, KAPPA, steps)
    w, error = np.sqrt(path[:, 0]), 1 - path[:, 0]
    updates = error[:-1] * w[:-1]
    positive, negative = (np.cumsum(np.maximum(sign * updates, 0)) for sign in (1, -1))
    return {"balance_positive": positive, "balance_negative": negative, "balance_net": np.cumsum(updates),
            "balance_law": predicted.update_balance(w[0], w[1:], BALANCED)}


def _growth(k, c, kappa):
    begin = np.array([outputs(c, 0.02, 8000, 0)[0], 1e-6, 0.0, 0.0])
    plateau, rate = predicted.stable_weak_strength(c, kappa), kappa * (1 - kappa) * (c - 1)
    steps = int(2.2 * np.log(plateau / begin[1]) / rate)
    path = simulated.descend_reduced(begin, c, kappa, steps)
    early = steps // 16 * 2  # whole periods
    error = 1 - path[:-1] @ SIGNS
    w, reach = np.sqrt(path[:-1, 1]), kappa * c * np.cumsum(error)
    at = [int(np.argmax(reach > size)) // 2 * 2 + 1 for size in REACHED]  # whole periods
    return {f"growth_{k}": path[:, 1],
            f"logistic_{k}": plateau / (1 + (plateau / begin[1] - 1) * np.exp(-rate * np.arange(steps + 1))),
            f"growth_{k}_rate": np.log(path[early, 1] / path[0, 1]) / early,
            f"growth_{k}_gained": np.log(path[-1, 1] / path[0, 1]) - kappa * np.log(path[-1, 0] / path[0, 0]),
            f"growth_{k}_excess": predicted.weak_excess(c * error, kappa).sum(),
            f"growth_{k}_linear": np.array([(error * w)[:t + 1].sum() / (error[:t + 1].sum() * w[0]) for t in at]),
            f"growth_{k}_reach": reach[at]}


def _half_times(sizes, rng):
    rates = np.linspace(1.04, LIMIT - 0.012, sizes.points)
    numbers = {"half_rates": rates}
    for kappa, _ in HALVED:
        begin = SMALL * np.exp(rng.uniform(-0.3, 0.3, (sizes.begins, 1)))
        centre = np.exp(np.log(begin[:, :2]).mean(axis=0))
        expected, measured, errors = [], [], []
        for c in rates:
            expected.append(predicted.weak_half_time(c, kappa, *centre))
            beta = simulated.descend_reduced(begin, c, kappa, int(1.5 * expected[-1]) + 500)[..., 1]
            times = np.argmax(beta >= predicted.stable_weak_strength(c, kappa) / 2, axis=0)
            measured.append(times.mean())
            errors.append(times.std() / np.sqrt(sizes.begins))
        fine = np.union1d(np.linspace(1.02, LIMIT - 0.01, 8 if sizes.points < 8 else 40), rates)
        numbers |= {f"half_time_{kappa:g}": np.array(expected), f"half_time_{kappa:g}_measured": np.array(measured),
                    f"half_time_{kappa:g}_stderr": np.array(errors), f"half_time_{kappa:g}_rates": fine,
                    f"half_time_{kappa:g}_line": np.array([predicted.weak_half_time(c, kappa, *centre) for c in fine])}
    return numbers


def judge(numbers):
    """Balance and accumulation; growth; half-times."""
    return (*_judge_sums(numbers), *_judge_growth(numbers), *_judge_half_times(numbers))


def _judge_sums(numbers):
    net, law, positive = numbers["balance_net"], numbers["balance_law"], numbers["balance_positive"]
    worst, printed = np.abs(net - law).max(), abs(positive[-1] + numbers["balance_negative"][-1])
    rows = [holds("LWYZ24.balance", f"net sum of strong updates over 1…{len(net)} steps against (w_t − w_0)/c: largest "
                                    f"difference", "0",
                  f"{worst:.1e}", "≤ 1e-11", worst <= 1e-11, null=f"the sign as printed: {printed:.0f}"),
            holds("LWYZ24.balance", f"net over one-signed sum after {len(net)} steps", "→ 0",
                  f"{abs(net[-1]) / positive[-1]:.4f}",
                  "≤ 0.02", abs(net[-1]) <= 0.02 * positive[-1], null="the sign as printed: 2")]
    for c in ACCUMULATED:
        slope, total = numbers[f"accumulated_{c:g}_slope"], numbers[f"accumulated_{c:g}"]
        rows.append(close("LWYZ24.negative-updates", f"Σ(1 − f) over {STEPS} steps at c = {c:g}, per step", slope,
                          total[-1] / STEPS, 1.0 / STEPS if c < DOUBLING else 0.02, null=(0.0, "a symmetric swing")))
    return rows


def _judge_growth(numbers):
    rows = []
    for k, (c, kappa) in enumerate(GROWING):
        exact = predicted.weak_growth_rate(c, kappa)
        found, excess = numbers[f"growth_{k}_gained"], numbers[f"growth_{k}_excess"]
        steps = len(numbers[f"growth_{k}"]) - 1
        rows += [close("LWYZ24.weak-learning", f"growth of log β per step, c = {c:g}, κ = {kappa:g}", exact,
                       numbers[f"growth_{k}_rate"],
                       0.3 * kappa * exact, null=(np.log1p(kappa * (c - 1)), "without 1 − κ")),
                 close("LWYZ24.engine", f"log β gained beyond κ log α, c = {c:g}, κ = {kappa:g} ({steps} steps)",
                       excess, found, 1e-9 * abs(found), null=(0.0, "a smooth descent"))]
    for size, reach, ratio in zip(REACHED, numbers[f"growth_{k}_reach"], numbers[f"growth_{k}_linear"]):
        true = np.expm1((1 - kappa) * reach) / reach  # whole periods: ⟨w, v⟩ grows as β's square root
        rows.append(close("LWYZ24.weak-learning", f"weak updates over the poster's linear sum at κcΣ(1 − f) = {size:g}",
                          true, ratio, 0.1 * (true - 1), null=(1.0, "poster")))
    return rows


def _judge_half_times(numbers):
    rows, rates = [], numbers["half_rates"]
    closed = rates < DOUBLING
    for kappa, limit in HALVED:
        expected, measured = numbers[f"half_time_{kappa:g}"], numbers[f"half_time_{kappa:g}_measured"]
        off = np.abs(measured / expected - 1)
        wrong = np.abs(expected * (rates - 1) / rates / measured - 1)
        rows.append(holds("LWYZ24.longer", f"half-time at κ = {kappa:g}, {len(rates)} rates, closed form and beyond: "
                          "largest relative difference", "0", f"{off[closed].max():.2%} and {off[~closed].max():.2%}",
                          f"≤ {limit[0]:.0%} and ≤ {limit[1]:.0%}",
                          off[closed].max() <= limit[0] and off[~closed].max() <= limit[1],
                          null=f"a rate in c for c − 1: {wrong[closed].min():.0%} and {wrong[~closed].min():.0%}"))
    return rows


def draw(numbers):
    """(a) Balance, (b) accumulation, (c) growth, (d) half-time."""
    picture, axes = panels(2, 2, width=4.4, height=3.2)
    time, marks = np.arange(1, len(numbers["balance_net"]) + 1), slice(9, None, 24)
    axes[0].plot(time[marks], numbers["balance_positive"][marks], label="steps with $f<1$",
                 **simulation(2, markersize=3.5))
    axes[0].plot(time[marks], numbers["balance_negative"][marks], label="steps with $f>1$, sign changed",
                 **simulation(3, markersize=3.5))
    axes[0].plot(time, numbers["balance_law"], label="theory, $(w_t-w_0)/c$", **theory(0, linewidth=0.6))
    axes[0].plot(time[marks], numbers["balance_net"][marks], label="their difference", **simulation(1, markersize=3.5))
    axes[0].plot(time, numbers["balance_positive"] + numbers["balance_negative"], label="null: the sign as printed",
                 **null())
    axes[0].set(xlabel="step $t$", ylabel="$\\sum(1-f)\\langle w,u\\rangle$",
                title=f"strong updates balance, $c={BALANCED:g}$")
    axes[0].legend(loc="upper left")
    time, marks = np.arange(1, STEPS + 1), np.arange(99, STEPS, 200) + np.arange(10) % 2
    for k, c in enumerate(ACCUMULATED):
        axes[1].plot(time, numbers[f"accumulated_{c:g}_slope"] * time, label=f"$c={c:g}$", **theory(k))
        axes[1].plot(time[marks], numbers[f"accumulated_{c:g}"][marks], **simulation(k, markersize=4))
    axes[1].axhline(0, label="null: a symmetric swing", **null())
    axes[1].set(xlabel="step $t$", ylabel="$\\sum(1-f)$", title="residuals accumulate")
    for k, (c, kappa) in enumerate(GROWING):
        logistic = numbers[f"logistic_{k}"]
        marks = np.linspace(0, len(logistic) - 1, 16).astype(int)
        axes[2].semilogy(logistic, label=f"$c={c:g}$, $\\kappa={kappa:g}$", **theory(k))
        axes[2].semilogy(marks, numbers[f"growth_{k}"][marks], **simulation(k, markersize=4))
    axes[2].axhline(logistic[0], label="null: a smooth descent", **null())
    axes[2].set(xlabel="step $t$ since the oscillation began", ylabel="$\\beta$",
                title="the weak feature grows (logistic law)")
    for k, (kappa, _) in enumerate(HALVED):
        name = f"half_time_{kappa:g}"
        axes[3].semilogy(numbers[f"{name}_rates"], numbers[f"{name}_line"], label=f"$\\kappa={kappa:g}$", **theory(k))
        fine = numbers[f"{name}_rates"]
        axes[3].semilogy(fine, numbers[f"{name}_line"] * (fine - 1) / fine, label="null: $c$ for $c-1$" if k else None,
                         **null())
        axes[3].errorbar(numbers["half_rates"], numbers[f"{name}_measured"], numbers[f"{name}_stderr"], **simulation(k))
    axes[3].set(xlabel="$c$", ylabel="steps until $\\beta=\\beta^*/2$", title="half-time")
    for axis, place in zip(axes[1:], ("upper left", "lower right", "upper right")):
        key(axis, loc=place)
    return picture


FIGURE = Figure(
    "oscillation-mechanism", "Balance, accumulation, growth of the weak feature and its half-time",
    "(a) Updates of the strong feature in steps of either sign, and their difference: it stays at the bounded line "
    "while both sums grow. (b) Sum of the residuals: lines are the mean residual times t. (c) Strength of the weak "
    "feature on the period-2 orbit against the logistic law. (d) Time to half of β*; markers are means over starts, "
    "bars (mostly hidden) standard errors.",
    simulate, judge, draw,
    ("LWYZ24.balance", "LWYZ24.negative-updates", "LWYZ24.weak-learning", "LWYZ24.engine", "LWYZ24.longer"),
    (3.5, 5, 15))
