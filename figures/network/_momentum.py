"""A net at its minimum under SGD with momentum: below and above the exact critical rate."""

import numpy as np
from scipy.special import bdtr, bdtrc

from figures._figure import Figure, frozen, holds, not_judged
from figures._fitted_powers import FALSE_ALARM
from figures._style import below, bound, null, panels, simulation, theory
from figures.network._panels import empty
from figures.network._runs import (MOST_STEPS, TEACHER, cannot, ensemble, guarded, interpolated, settled, stays, task)
from refimpl import network, sgd
from refimpl.linear_stability import lyapunov_interval
from theory import linear_stability as predicted

CLAIMS = ("WME18.momentum-net", "WME18.momentum-minima")
LR, BATCH, MOMENTUM, SHARES = 0.05, 16, 0.9, (0.9, 1.1)
# (η, B) of the minima that SGD with momentum is to find: on images all rates are smaller
SETTINGS = {True: ((0.005, 4), (0.01, 4), (0.01, 16), (0.02, 16)),
            False: ((0.002, 4), (0.005, 16), (0.01, 16), (0.01, 64))}
LEAST = 3                        # minima below which nothing is said
FALLS, GROWS = 1e-5, 300.0       # of the loss at the start: what the runs below must fall to, those above exceed

# Paths at each rate and their steps, the loss at which GD hands over, batch sizes of the curve; minima: starts and
# steps.
Sizes = frozen("paths length goal batches starts steps")
SIZES = {"quick": Sizes(4, 5000, 1e-6, (4, 16, 64), 1, 1000),
         "standard": Sizes(24, 10_000, 1e-7, (1, 2, 4, 8, 16, 32, 64, 128), 8, 20_000),
         "full": Sizes(64, 10_000, 1e-7, (1, 2, 4, 8, 16, 32, 64, 128, 199), 24, 60_000)}


@guarded
def simulate(effort, rng, data):
    """GD to a minimum, then SGD with momentum from near it at two shares of η*; and η* against the batch size."""
    sizes, problem = SIZES[effort], task(data, corrupt=True)
    model, x, y = problem.model, problem.x, problem.y
    found = network.descend(model, problem.start(rng)[None], x, y, lr=LR, target=sizes.goal, max_steps=MOST_STEPS)
    base = interpolated(problem, found.w[0])
    factors = ensemble(problem, base)
    shift = found.w[0] - base
    shift *= np.sqrt(1e-10 / model.loss(base + shift, x, y))
    size = min(BATCH, len(x))
    threshold = predicted.critical_lr(factors, size, momentum=MOMENTUM)
    numbers = {"momentum": np.array(MOMENTUM), "batch_size": np.array(size), "shares": np.array(SHARES),
               "plain_critical_lr": np.array(predicted.critical_lr(factors, size)), "critical_lr": np.array(threshold),
               "data": problem.name}
    for share in SHARES:
        run = sgd.run(model, np.tile(base + shift, (sizes.paths, 1)), x, y, lr=share * threshold, steps=sizes.length,
                      batch_size=size, momentum=MOMENTUM, observe={"loss": model.loss}, record_every=50, rng=rng)
        numbers |= {f"loss_{share:g}": run.observed["loss"], "steps": run.recorded_steps,
                    f"rate_{share:g}": np.array(predicted.mean_square_rate(factors, share * threshold, size,
                                                                           momentum=MOMENTUM))}
    typical = lyapunov_interval(factors, SHARES[1] * threshold, size, momentum=MOMENTUM, replicas=16,
                                 rng=rng.spawn(1)[0])
    numbers["typical"] = 2 * np.array([typical.value, typical.low, typical.high])
    kept = [one for one in sizes.batches if one < len(x)]
    numbers |= _minima(problem, sizes, rng)
    return numbers | {"batches": np.array(kept), "sharpness": np.array(predicted.sharpness(factors)),
                      "plain": np.array([predicted.critical_lr(factors, one) for one in kept]),
                      "exact": np.array([predicted.critical_lr(factors, one, momentum=MOMENTUM) for one in kept])}


def _minima(problem, sizes, rng):
    """Minima that SGD with momentum finds from random starts: η, B, exact η*, and that without momentum; (…, 4)."""
    columns, beyond, doubled, missed = [], [], [], 0
    source = rng.spawn(1)[0]
    for lr, size in SETTINGS[problem.name == TEACHER]:
        size = min(size, len(problem.x))
        ends, lost = settled(problem, lr, size, sizes.starts, sizes.steps, rng, MOMENTUM)
        missed += lost
        found = [ensemble(problem, network.polish(problem.model, w, problem.x, problem.y)) for w in ends]
        limits = np.array([predicted.critical_lr(factors, size, momentum=MOMENTUM) for factors in found])
        columns += [(lr, size, exact, predicted.critical_lr(factors, size)) for exact, factors in zip(limits, found)]
        beyond += [_exponent(found[j], lr, size, source) for j in np.flatnonzero(limits < lr)]
        if found:
            doubled.append(_exponent(found[limits.argmin()], 2 * lr, size, source))
    return {"minima": np.array(columns, float).reshape(-1, 4), "missed": np.array(missed),
            "goal": np.array(problem.goal), "beyond": np.array(beyond), "doubled": np.array(doubled)}


def _exponent(factors, lr, size, rng):
    """Λ of the linearised map with momentum over its standard error."""
    found = lyapunov_interval(factors, lr, size, momentum=MOMENTUM, replicas=16, steps=250, rng=rng)
    return found.value / found.stderr


def judge(numbers):
    """Rows: paths below η* fall, paths above grow, and the rules of thumb would have told otherwise."""
    if "why" in numbers:
        return cannot(numbers, CLAIMS)
    low, high = (numbers[f"loss_{share:g}"] / numbers[f"loss_{share:g}"][0] for share in SHARES)
    count, threshold, mu = low.shape[1], float(numbers["critical_lr"]), float(numbers["momentum"])
    steps = int(numbers["steps"][-1])
    thumb = float((1 - mu) * numbers["plain_critical_lr"])
    full = 2 * (1 + mu) / float(numbers["sharpness"])
    falls = max(FALLS, 10 * float(numbers[f"rate_{SHARES[0]:g}"]) ** steps)     # flat directions are slow
    fallen, grown = int((low[-1] < falls).sum()), int((np.nanmax(high, axis=0) > GROWS).sum())
    claim, where = CLAIMS[0], f"B = {numbers['batch_size']}, μ = {mu:g}, {steps} steps"
    rows = [holds(claim, f"nets at {SHARES[0]:g} η*, {where}: loss below {falls:.2g} of its start", "all",
                  f"{fallen} of {count}", "all", fallen == count,
                  null=f"(1−μ)η*_SGD = {thumb / threshold:.2f} η* as the limit: they would leave")]
    value, least, most = numbers["typical"]
    if most < 0:    # rare batches carry the mean square: on almost every path the linearised loss falls
        kept = int((high[-1] < 1).sum())
        rows.append(holds(claim, f"nets at {SHARES[1]:g} η*, {where}: loss at the end below its start (2Λ = "
                          f"{value:.2g} in {least:.2g}…{most:.2g} per step: rare batches carry the mean square)",
                          "nearly all", f"{kept} of {count}; {grown} rose above {GROWS:g} × its start on the way",
                          f"more than coins, by chance {FALSE_ALARM:g}; mean log loss falls by {-value * steps:.0f}, "
                          "and scatters", _most(kept, count), null=f"leaving is as likely: {count / 2:g} of {count}"))
    else:
        first = np.median(numbers["steps"][(high > GROWS).argmax(axis=0)])
        rows.append(holds(claim, f"nets at {SHARES[1]:g} η*, {where}: loss above {GROWS:g} × its start",
                          f"all; a typical path after log {GROWS:g}/2Λ = {np.log(GROWS) / value:.0f} steps",
                          f"{grown} of {count}; half of them after {first:.0f} steps", "all",
                          grown == count if least > 0 else None,
                          null=f"the full-batch limit 2(1+μ)/a = {full / threshold:.2f} η*: they would stay"))
    return (*rows, *_minima_rows(numbers))


def _most(kept, count):
    """Whether more than half of the paths do it, or fewer; None where coins may give as many."""
    more, fewer = bdtrc(kept - 1, count, 0.5), bdtr(kept, count, 0.5)  # scipy.stats is slow to load
    return True if more < FALSE_ALARM else False if fewer < FALSE_ALARM else None


def _minima_rows(numbers):
    """The minima that SGD with momentum found, against the exact threshold and the rule of thumb."""
    claim, (lr, _, exact, plain) = CLAIMS[1], numbers["minima"].T
    count, missed, mu = len(lr), int(numbers["missed"]), float(numbers["momentum"])
    heading = f"minima that SGD with μ = {mu:g} finds (loss below {numbers['goal']:g})"
    if count < LEAST:
        return [not_judged(claim, heading, f"{count} of {count + missed} runs reached the loss: too few")]
    ratio, thumb = lr / exact, lr / ((1 - mu) * plain)
    allowed = (thumb > 1) & (ratio <= 1)     # stable in mean square by the exact operator
    return [stays(claim, heading, ratio, numbers["beyond"], numbers["doubled"],
                  "at twice the rate, the one of largest η/η* of each setting"),
            holds(claim, "those beyond the rule of thumb, (1−μ) times the limit without momentum, and within η*",
                  "some", f"{allowed.sum()} of {count}, up to {thumb.max():.2f} times the rule", "at least one",
                  True if allowed.any() else None, null="none: the rule of thumb holds them")]


def draw(numbers):
    """Loss on both sides of η*, and η* against the batch size beside the rules of thumb."""
    if "why" in numbers:
        return empty(numbers)
    figure, axes = panels(1, 3, width=3.7, height=4.2)
    steps = numbers["steps"]
    for k, share in enumerate(SHARES):
        loss = numbers[f"loss_{share:g}"]
        for j in range(min(6, loss.shape[1])):
            axes[0].semilogy(steps[::4], loss[::4, j], label=None if j else f"$\\eta={share:g}\\,\\eta^*$",
                             **simulation(k, markersize=3, markeredgewidth=0.7))
        log_mean = np.log10(loss[0, 0]) + steps * np.log10(float(numbers[f"rate_{share:g}"]))
        axes[0].semilogy(steps, 10 ** np.clip(log_mean, -300, 300),
                         label=f"theory: mean square, ${share:g}\\,\\eta^*$", **theory(k))
    axes[0].set(xlabel="step", ylabel="loss on the whole set", ylim=(1e-32, 1e12), title="either side of $\\eta^*$")
    below(axes[0], 1)
    batches, mu = numbers["batches"], float(numbers["momentum"])
    axes[1].loglog(batches, numbers["exact"], label=f"exact $\\eta^*$, $\\mu={mu:g}$", **theory(0))
    axes[1].loglog(batches, (1 - mu) * numbers["plain"], label="null, rule of thumb: $(1-\\mu)\\,\\eta^*_{SGD}$",
                   **null())
    axes[1].axhline(2 * (1 + mu) / float(numbers["sharpness"]), label="null, bound: full batch, $2(1+\\mu)/a$",
                    **bound(0))
    for k, share in enumerate(SHARES):
        axes[1].plot(numbers["batch_size"], share * numbers["critical_lr"], label=f"runs in (a), ${share:g}\\,\\eta^*$",
                     **simulation(k))
    axes[1].set(xlabel="batch size $B$", ylabel="critical learning rate")
    below(axes[1], 1)
    axes[1].set_title(str(numbers["data"]), fontsize=8.5)
    _draw_minima(axes[2], numbers)
    return figure


def _draw_minima(axis, numbers):
    """η/η* of every minimum against η over the rule of thumb."""
    lr, size, exact, plain = numbers["minima"].T
    if not len(lr):
        axis.axis("off")
        axis.set_title("no minimum reached in these steps", fontsize=8.5)
        return
    thumb = lr / ((1 - float(numbers["momentum"])) * plain)
    for k, (rate, batch) in enumerate(sorted({(*pair,) for pair in zip(lr, size)})):
        own = (lr == rate) & (size == batch)
        axis.plot(thumb[own], (lr / exact)[own], label=f"$\\eta={rate:g}$, $B={batch:g}$", **simulation(k))
    axis.axhline(1, label="theory: $\\eta=\\eta^*$", **theory(0, linewidth=1.2))
    axis.axvline(1, label="null, rule of thumb", **null())
    axis.set(xlabel="$\\eta/(1-\\mu)\\eta^*_{SGD}$", ylabel="$\\eta/\\eta^*$", xlim=(0, None), ylim=(0, 1.25))
    axis.set_title(f"{len(lr)} minima found from random starts", fontsize=8.5)
    below(axis)


FIGURE = Figure(
    "network-momentum", "SGD with momentum stays at a net's minimum below the exact critical rate, and leaves above it",
    "(a) A tanh net at a minimum of gradient descent, displaced to a loss of 1e-10, under SGD with momentum: open "
    "markers, six paths at each rate; lines, the mean square of the linearised dynamics (paths lie below it: it is "
    "carried by rare ones; those that leave settle on flatter minima later). (b) The exact critical rate against the "
    "batch size; the nulls are the rule of thumb, (1−μ) times that without momentum, and the full-batch limit, an "
    "upper bound; open markers, the rates of (a). (c) Minima that SGD with momentum reached from random starts: below "
    "the solid line they are stable in mean square, right of the dotted one the rule of thumb would forbid them. Look "
    "at the two rates in (b): the rule of thumb calls both unstable, the full-batch limit both stable.",
    simulate, judge, draw, CLAIMS, (5.5, 30, 90), reads_data=True, data_seconds=(15, 75, 220))
