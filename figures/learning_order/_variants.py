"""α ~ U[0, 1] as in (2.5); at full effort in Regime A, and one run with the network's own patterns."""

from dataclasses import dataclass, replace

import numpy as np

from figures._effects import LIMIT, effect
from figures._figure import Figure, holds
from figures._style import guide, joined, null, panels, simulation
from figures.learning_order._runs import GENUINE, ORIGIN, REGIME_A, SCATTER, SMALL, Regime, traces, train

NAMES = {"large": "large, then small", "small": "small"}


@dataclass(frozen=True)
class Case:
    """A regime, its name in the picture, and seeds."""

    regime: Regime
    name: str
    seeds: int


_UNIFORM = replace(SMALL, alpha=(0.0, 1.0), stop=0.25)
SIZES = {"quick": (Case(_UNIFORM, "α ~ U[0, 1]", 2),), "standard": (Case(_UNIFORM, "α ~ U[0, 1]", 8),),
         "full": (Case(replace(REGIME_A, alpha=(0.0, 1.0), stop=0.15), "α ~ U[0, 1]", 2), Case(GENUINE, "own patterns",
                                                                                               1))}


def simulate(effort, rng):
    """Errors at the stop (seeds, 2) and every seed's error against its training loss."""
    numbers = {"names": np.array([case.name for case in SIZES[effort]]),
               "stops": np.array([case.regime.stop for case in SIZES[effort]])}
    for i, case in enumerate(SIZES[effort], 1):
        found = [train(case.regime, rng, NAMES, record_every=50) for _ in range(case.seeds)]
        numbers[f"error_{i}"] = np.array([[runs[kind].observed["test_error_p"][-1] for kind in NAMES] for runs,
                                          _ in found])
        numbers[f"loss_p_{i}"] = np.array([[runs[kind].observed["test_loss_p"][-1] for kind in NAMES] for runs,
                                           _ in found])
        numbers[f"reached_{i}"] = np.array([[runs[kind].success for kind in NAMES] for runs, _ in found])
        for kind in NAMES:
            for name, values in traces(found, kind, ("loss", "test_error_p")).items():
                numbers[f"{kind}_{name}_{i}"] = values
    return numbers


def judge(numbers):
    """L-S against S at equal training loss."""
    rows = []
    for i, (name, stop) in enumerate(zip(numbers["names"], numbers["stops"]), 1):
        errors, losses = np.asarray(numbers[f"error_{i}"]), np.asarray(numbers[f"loss_p_{i}"])
        reached = bool(np.all(numbers[f"reached_{i}"]))
        rows.append(effect("LWM19.visible", f"log of P-only test loss, S over L-S, {name}, at training loss {stop:g}",
                           np.log(losses[:, 1] / losses[:, 0]), SCATTER["loss_p"], predicted="> 0", note=ORIGIN))
        difference, mean = errors[:, 1].mean() - errors[:, 0].mean(), errors.mean(axis=0)
        spread = (mean * (1 - mean) / 2000 / len(errors)).sum()**0.5
        rows.append(holds("LWM19.visible", f"P-only error of L-S and S, {name}, at training loss {stop:g}",
                          "L-S below S",
                          f"{mean[0]:.4f}, {mean[1]:.4f}", f"{LIMIT:.1f} binomial standard errors of {spread:.2g}",
                          None if not reached or abs(difference) < LIMIT * spread else difference > 0,
                          null=f"equal, on these training sets: {difference / spread:.0f} standard errors away"))
    return tuple(rows)


def draw(numbers):
    """Errors at the stop, and error against training loss, for every seed."""
    count = len(numbers["names"])
    picture, axes = panels(1, 1 + count, width=3.9, height=3.4)
    labels = []
    for i, (name, stop, axis) in enumerate(zip(numbers["names"], numbers["stops"], axes[1:]), 1):
        for k, kind in enumerate(NAMES):
            for j, (loss, error) in enumerate(zip(numbers[f"{kind}_loss_{i}"], numbers[f"{kind}_test_error_p_{i}"])):
                joined(axis, loss, error, k, 6, label=None if j else NAMES[kind], markersize=3.5)
        axis.axvline(stop, label="guide, the stop", **guide(linewidth=1.0))
        axis.set(xlabel="training loss (falls to the right)", ylabel="test error, P only", xlim=(0.75, 0.9 * stop),
                 ylim=(-0.02, 0.65), title=str(name))
        axis.legend(loc="upper right")
        for j, pair in enumerate(np.asarray(numbers[f"error_{i}"])):
            places = len(labels) + np.array([0, 1]) + 0.02 * (j - 1)
            axes[0].plot(places[0], pair[1], label=None if labels or j else "null: as the other", **null("x"))
            axes[0].plot(places, pair, **guide(linewidth=0.6))
            for k in range(2):
                axes[0].plot(places[k], pair[k], **simulation(k))
        labels += [kind if count == 1 else f"{name}\n{kind}" for kind in NAMES.values()]
    axes[0].set(xticks=range(len(labels)), ylabel="test error, P only",
                xlim=(-0.5, len(labels) - 0.5), title="at the stop, a line per seed")
    axes[0].set_ylim(-0.003, 1.25 * axes[0].get_ylim()[1])
    axes[0].legend(loc="upper left")
    axes[0].set_xticklabels(labels, fontsize=9 if count == 1 else 7)
    return picture


FIGURE = Figure(
    "learning-order-variants", "Li, Wei and Ma: L-S learns P better also with α ~ U[0, 1], as in (2.5)",
    "P-only test error of both algorithms at equal training loss, a grey line per seed (a), and on the way there, a "
    "thin line with markers per seed (b). Patterns of V are those of its noise part. At full effort the sizes are "
    "those of Regime A and a further panel shows one run in which the patterns are the network's own. No prediction is "
    "drawn: the theorem gives an order only.",
    simulate, judge, draw, ("LWM19.visible",), (4, 9, 320))
