"""The critical rate against batch size, both ways of sampling, and shuffled epochs beside them."""

import numpy as np

from figures._figure import Figure, close, holds
from figures._style import guide, key, panels, simulation, theory
from figures.linear_stability._runs import SIGMAS, SIX, Sizes, all_orders_rate, measured_threshold
from theory import linear_stability as predicted

SIZES = {"quick": Sizes(20_000), "standard": Sizes(100_000), "full": Sizes(400_000)}
EXAMPLES, DIM, TESTED = 16, 6, (1, 2, 4, 8, 15)
LESS_STABLE = np.array([[0.0, 3.0], [2.0, -2.0], [3.0, 0.0]])  # factors whose shuffled limit is below η*
WORDS = ("without", "with")


def simulate(effort, rng):
    factors = rng.standard_normal((EXAMPLES, DIM)) * np.linspace(0.4, 1.6, DIM)
    ensemble, sizes = predicted.GaussNewton(factors), np.arange(1, EXAMPLES + 1)
    numbers = {"sizes": sizes, "gd": predicted.critical_lr(ensemble, EXAMPLES, "gd"),
               "sufficient": np.array([predicted.critical_lr(ensemble, int(size), "sufficient") for size in sizes])}
    for k, replacement in enumerate((False, True)):
        exact = np.array([predicted.critical_lr(ensemble, int(size), replacement=replacement) for size in sizes])
        numbers |= {f"critical_{k}": exact, f"measured_{k}": np.array([
            measured_threshold(factors, size, replacement, exact[size - 1], SIZES[effort].replicas,
                               rng) for size in TESTED])}
    small = rng.standard_normal((5, 2))
    numbers |= _epochs(small, np.linspace(0.5, 2.2, 69), "")
    return numbers | _epochs(LESS_STABLE, np.linspace(0.98, 1.01, 61), "less_")


def _epochs(factors, shares, name):
    """Growth per step, shuffled and independent, at shares of η*; every twelfth by all orders through the simulator."""
    ensemble = predicted.GaussNewton(factors)
    star = predicted.critical_lr(ensemble, 1)
    shuffled = [predicted.epoch_mean_square_rate(ensemble, lr) for lr in shares * star]
    return {f"{name}star": star, f"{name}rates": shares * star, f"{name}shuffled": np.array(shuffled),
            f"{name}free": np.array([predicted.mean_square_rate(ensemble, lr, 1) for lr in shares * star]),
            f"{name}simulated": np.array([all_orders_rate(factors, lr) for lr in shares[4::12] * star]),
            f"{name}at_star": predicted.epoch_mean_square_rate(ensemble, star)}


def judge(numbers):
    rows = []
    for k, words in enumerate(WORDS):
        for size, (measured, error) in zip(TESTED, numbers[f"measured_{k}"]):
            other = numbers[f"critical_{1 - k}"][size - 1] if size > 1 else numbers["sufficient"][0]
            claim = {1: "WME18.eq4-sharp", 4: "MM24.threshold"}.get(size, "WME18.p")
            rows.append(close(claim, f"critical rate, B = {size} of {EXAMPLES}, {words} replacement",
                              numbers[f"critical_{k}"][size - 1], measured, SIGMAS * error, note=SIX,
                              null=(other, f"{WORDS[1 - k]} replacement" if size > 1 else "eq. 4")))
    rising = bool((np.diff(numbers["critical_0"]) > 0).all())
    rows.append(holds("WME18.fig2-B", "critical rate rises with B (without replacement)", "at every B",
                      "at every B" if rising else "not everywhere", "exact", rising, kind="algebra",
                      null="B and n exchanged in p: falls"))
    for name, words in (("", "random"), ("less_", "pinned")):
        star = numbers[f"{name}star"]
        for lr, law, free, measured in zip(*(numbers[name + key_][4::12] for key_ in ("rates", "shuffled", "free")),
                                           numbers[f"{name}simulated"]):
            rows.append(close("WME18.epoch", f"growth per step of shuffled epochs at η = {lr / star:.3f} η*, all "
                              f"orders, {words} ensemble", law, measured, 1e-10, null=(free, "independent batches"),
                              kind="enumerated"))
    for claim, name, words, side in (("WME18.epoch", "", "random", "below 1"),
                                     ("DS20.shuffling", "less_", "pinned", "above 1")):
        growth = float(numbers[f"{name}at_star"])
        rows.append(holds(claim, f"growth per step of shuffled epochs at η* of independent batches, {words} ensemble",
                          side, f"{growth:.4f}", "side of 1", (growth < 1) == (side == "below 1"), kind="enumerated",
                          null="independent batches: 1" if name == "" else "“always better”: below 1"))
    return tuple(rows)


def draw(numbers):
    figure, axes = panels(1, 3, width=3.6, height=3.4)
    for k, words in enumerate(WORDS):
        axes[0].plot(numbers["sizes"], numbers[f"critical_{k}"], label=f"exact, {words} replacement", **theory(k))
        measured = numbers[f"measured_{k}"]
        axes[0].errorbar(TESTED, measured[:, 0], yerr=measured[:, 1], capsize=2, **simulation(k))
    axes[0].plot(numbers["sizes"], numbers["sufficient"], label="eq. 4, without (null at $B=1$)", **theory(2))
    axes[0].axhline(numbers["gd"], label="gradient descent", **theory(3))
    axes[0].set(xlabel="batch size $B$", ylabel="critical learning rate",
                title=f"$n={EXAMPLES}$, $d={DIM}$", xticks=(1, 4, 8, 12, 16))
    key(axes[0], loc="lower right", title="null: the other sampling")
    for axis, name, title in ((axes[1], "", "random ensemble, $n=5$, $d=2$"),
                              (axes[2], "less_", "$g=(0,3),(2,-2),(3,0)$")):
        shares = numbers[f"{name}rates"] / numbers[f"{name}star"]
        axis.plot(shares, numbers[f"{name}free"], label="independent batches (null)", **theory(0))
        axis.plot(shares, numbers[f"{name}shuffled"], label="shuffled epochs", **theory(1))
        axis.plot(shares[4::12], numbers[f"{name}simulated"], **simulation(1))
        axis.axhline(1, **guide())
        axis.axvline(1, **guide())
        axis.set(xlabel="$\\eta/\\eta^*$", ylabel="growth of $E\\|x\\|^2$ per step", title=title)
        key(axis, loc="upper left")
    return figure


FIGURE = Figure(
    "batch-size", "Critical rate against batch size; shuffled epochs",
    "(a) The exact limit in mean square with both ways of sampling, eq. 4 and gradient descent; markers from "
    "simulated steps, bars one standard error (smaller than the markers). (b), (c) Growth per step at B = 1, in units "
    "of the limit of independent batches, where lines cross 1: shuffled epochs are stabler in (b) and less stable in "
    "(c); markers are all orders run through the simulator.",
    simulate, judge, draw, ("WME18.p", "WME18.eq4-sharp", "WME18.fig2-B", "WME18.epoch", "MM24.threshold",
                               "DS20.shuffling"), (3, 5, 12))
