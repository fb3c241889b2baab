"""A net at its minimum under SGD with momentum: below and above the exact critical rate."""

from dataclasses import dataclass

import numpy as np

from figures._figure import Figure, holds, not_judged
from figures._style import bound, panels, simulation, theory
from figures.network._plain import empty
from figures.network._runs import MOST_STEPS, TEACHER, cannot, guarded, interpolated, task
from refimpl import network, sgd
from theory import linear_stability as predicted

CLAIMS = ("WME18.momentum-net",)
LR, BATCH, MOMENTUM, STEPS, SHARES = 0.05, 16, 0.9, 10_000, (0.9, 1.1)
FALLS, GROWS = 1e-5, 300.0       # of the loss at the start: what the runs below must fall to, those above exceed


@dataclass(frozen=True)
class Sizes:
    """Paths at each rate, the loss at which GD hands over, and the batch sizes of the curve."""

    paths: int
    goal: float
    batches: tuple


SIZES = {"quick": Sizes(6, 1e-6, (1, 4, 16, 64)), "standard": Sizes(24, 1e-7, (1, 2, 4, 8, 16, 32, 64, 128)),
         "full": Sizes(64, 1e-7, (1, 2, 4, 8, 16, 32, 64, 128, 199))}


@guarded
def simulate(effort, rng, data):
    """GD to a minimum, then SGD with momentum from near it at two shares of η*; and η* against the batch size."""
    sizes, problem = SIZES[effort], task(data)
    model, x, y = problem.model, problem.x, problem.y
    found = network.descend(model, model.init(rng)[None], x, y, lr=LR, target=sizes.goal, max_steps=MOST_STEPS)
    base = interpolated(problem, found.w[0])
    factors = predicted.GaussNewton(model.factors(base, x))
    shift = found.w[0] - base
    shift *= np.sqrt(1e-10 / model.loss(base + shift, x, y))
    size = min(BATCH, len(x))
    threshold = predicted.critical_lr(factors, size, momentum=MOMENTUM)
    numbers = {"momentum": np.array(MOMENTUM), "batch_size": np.array(size), "shares": np.array(SHARES),
               "critical_lr": np.array(threshold), "data": problem.name}
    for share in SHARES:
        run = sgd.run(model, np.tile(base + shift, (sizes.paths, 1)), x, y, lr=share * threshold, steps=STEPS,
                      batch_size=size, momentum=MOMENTUM, observe={"loss": model.loss}, record_every=50, rng=rng)
        numbers |= {f"loss_{share:g}": run.observed["loss"], "steps": run.recorded_steps,
                    f"rate_{share:g}": np.array(predicted.mean_square_rate(factors, share * threshold, size,
                                                                           momentum=MOMENTUM))}
    kept = [one for one in sizes.batches if one < len(x)]
    return numbers | {"batches": np.array(kept), "sharpness": np.array(predicted.sharpness(factors)),
                      "plain": np.array([predicted.critical_lr(factors, one) for one in kept]),
                      "exact": np.array([predicted.critical_lr(factors, one, momentum=MOMENTUM) for one in kept])}


def judge(numbers):
    """Rows: paths below η* fall, paths above grow, and the rules of thumb would have told otherwise."""
    if "why" in numbers:
        return cannot(numbers, CLAIMS)
    low, high = (numbers[f"loss_{share:g}"] / numbers[f"loss_{share:g}"][0] for share in SHARES)
    count, threshold, mu = low.shape[1], float(numbers["critical_lr"]), float(numbers["momentum"])
    thumb = float((1 - mu) * numbers["plain"][list(numbers["batches"]).index(int(numbers["batch_size"]))])
    full = 2 * (1 + mu) / float(numbers["sharpness"])
    fallen, grown = int((low[-1] < FALLS).sum()), int((np.nanmax(high, axis=0) > GROWS).sum())
    claim, where = CLAIMS[0], f"B = {numbers['batch_size']}, μ = {mu:g}, {STEPS} steps"
    rows = [holds(claim, f"nets at {SHARES[0]:g} η*, {where}: loss below {FALLS:g} of its start", "all",
                  f"{fallen} of {count}", "all", fallen == count,
                  null=f"(1−μ)η*_SGD = {thumb / threshold:.2f} η* as the limit: they would leave"),
            holds(claim, f"nets at {SHARES[1]:g} η*, {where}: loss above {GROWS:g} × its start", "all",
                  f"{grown} of {count}", "all", grown == count,
                  null=f"the full-batch limit 2(1+μ)/a = {full / threshold:.2f} η*: they would stay")]
    if str(numbers["data"]) != TEACHER:
        return (rows[0], not_judged(claim, rows[1].quantity, "growth past the linear range of this net is not known",
                                    measured=rows[1].measured)) if grown < count else tuple(rows)
    return tuple(rows)


def draw(numbers):
    """Loss on both sides of η*, and η* against the batch size beside the rules of thumb."""
    if "why" in numbers:
        return empty(numbers)
    figure, axes = panels(1, 2, width=4.6, height=3.5)
    steps = numbers["steps"]
    for k, share in enumerate(SHARES):
        loss = numbers[f"loss_{share:g}"]
        for j in range(min(6, loss.shape[1])):
            axes[0].semilogy(steps[::4], loss[::4, j], label=None if j else f"$\\eta={share:g}\\,\\eta^*$",
                             **simulation(k, markersize=3, markeredgewidth=0.7))
        log_mean = np.log10(loss[0, 0]) + steps * np.log10(float(numbers[f"rate_{share:g}"]))
        axes[0].semilogy(steps, 10 ** np.clip(log_mean, -300, 300),
                         label=f"theory: mean square, ${share:g}\\,\\eta^*$", **theory(k))
    axes[0].set(xlabel="step", ylabel="loss on the whole set", ylim=(1e-34, 1e14))
    axes[0].legend(loc="lower left")
    batches, mu = numbers["batches"], float(numbers["momentum"])
    axes[1].loglog(batches, numbers["exact"], label=f"exact $\\eta^*$, $\\mu={mu:g}$", **theory(0))
    axes[1].loglog(batches, (1 - mu) * numbers["plain"], label="rule of thumb $(1-\\mu)\\,\\eta^*_{SGD}$", **theory(1))
    axes[1].axhline(2 * (1 + mu) / float(numbers["sharpness"]), label="bound: full batch, $2(1+\\mu)/a$", **bound(0))
    for k, share in enumerate(SHARES):
        axes[1].plot(numbers["batch_size"], share * numbers["critical_lr"], label=f"runs in (a), ${share:g}\\,\\eta^*$",
                     **simulation(k))
    axes[1].set(xlabel="batch size $B$", ylabel="critical learning rate")
    axes[1].legend(loc="lower right")
    axes[1].set_title(str(numbers["data"]), fontsize=8.5)
    return figure


FIGURE = Figure(
    "network-momentum", "SGD with momentum stays at a net's minimum below the exact critical rate, and leaves above it",
    "(a) A tanh net at a minimum of gradient descent, displaced to a loss of 1e-10, under SGD with momentum: open "
    "markers, six paths at each rate; lines, the mean square of the linearised dynamics (paths lie below it: it is "
    "carried by rare ones; those that leave settle on flatter minima later). (b) The exact critical rate against the "
    "batch size; dashed, the rule of thumb (1−μ) times that without momentum; dotted, the full-batch limit, an upper "
    "bound; open markers, the rates of (a). Look at the two rates in (b): the rule of thumb calls both unstable, the "
    "full-batch limit both stable.",
    simulate, judge, draw, CLAIMS, (8, 15, 30), reads_data=True)
