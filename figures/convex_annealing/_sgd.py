"""Batches of 1, 2, 3: mean-square multipliers, the mean ratio against the rate, and against the target."""

from functools import partial
from itertools import combinations

import numpy as np

from figures._figure import Figure, close, frozen, holds
from figures._style import GREY, INK, below, guide, panels, simulation, theory
from figures.convex_annealing._runs import (LOSSES, ROUNDING, START, annealed_law, annealed_sgd, bernstein, centred,
                                            descend)
from refimpl import convex_annealing as simulated, sgd
from theory import convex_annealing as predicted

BATCHES, SMALL, TARGET = (1, 2, 3), 0.05, 1e-3
# Away from η = ½ at B = 1 and η = 1 at B = 2, where the loss can become exactly 0; the gaps are up to that rate.
SPANS = {1: ((0.02, 0.485), (0.515, 0.985)), 2: ((0.02, 0.985), (1.015, 1.33)), 3: ((0.02, 1.49),)}
HOLES = {1: 0.5, 2: 1.0}
SERIES = ((1, 0.95), (1, 0.6), (2, 1.3), (3, 1.3))  # batch size and large rate, against the target

# `replicas` per mark, `points` of the rate, `curve` of the lines; `last`, the smallest target.
Sizes = frozen("replicas points curve last")
SIZES = {"quick": Sizes(300, 5, 12, 1e-30), "standard": Sizes(2000, 12, 48, 1e-40),
         "full": Sizes(20_000, 24, 160, 1e-60)}


def simulate(effort, rng):
    """One step over every batch; means of many runs against the rate and against the target, beside the exact law."""
    sizes = SIZES[effort]
    numbers = _multipliers() | _against_rate(sizes, rng)
    return numbers | _against_target(sizes, rng)


def _multipliers():
    """Mean-square growth of both directions, and a simulated step averaged over every batch."""
    problem, numbers, marks = centred(), {}, np.linspace(0.1, 1.5, 8)
    for size in BATCHES:
        limit = predicted.mean_square_lr([2, 1], size)
        fine, seen = np.linspace(0.01, 1.06 * limit, 150), marks[marks <= 1.06 * limit]
        batches = list(combinations(range(3), size))

        def step(lr):
            run = sgd.run(simulated.LeastSquares(2), np.broadcast_to(START, (len(batches), 2)), problem.x, problem.y,
                          lr=lr, steps=1, indices=[batches])
            return (run.w**2).mean(axis=0)

        numbers |= {f"rates_{size}": fine, f"multipliers_{size}": predicted.mean_square_multipliers([2, 1], fine, size),
                    f"marks_{size}": seen, f"multipliers_{size}_enumerated": np.array([step(lr) for lr in seen]),
                    f"multipliers_{size}_predicted": predicted.mean_square_multipliers([2, 1], seen, size),
                    f"limit_{size}": limit, f"at_limit_{size}": step(limit)[0]}
    return numbers


def _against_rate(sizes, rng):
    """Mean P/L against the large rate: exact law and runs."""
    numbers = {}
    for size in BATCHES:
        law = partial(annealed_law, TARGET, size, small=SMALL)
        marks = np.array([lr for lr in np.linspace(0.08, 1.44, sizes.points)
                          if any(low < lr < high for low, high in SPANS[size])])
        for part, span in enumerate(SPANS[size]):
            rates = np.linspace(*span, max(round(sizes.curve * (span[1] - span[0])), 8))
            rates = np.union1d(rates, marks[(marks > span[0]) & (marks < span[1])])
            numbers |= {f"law_{size}_{part}_rates": rates, f"law_{size}_{part}": [law(lr=lr).mean for lr in rates]}
        if size in HOLES:
            away = np.geomspace(0.012, 1e-4, 5)
            rates = HOLES[size] + np.concatenate([-away, away[::-1]])
            numbers |= {f"law_{size}_hole_rates": rates, f"law_{size}_hole": [law(lr=lr).mean for lr in rates]}
        exact, runs = [law(lr=lr) for lr in marks], sizes.replicas if size < 3 else 1
        ratio = np.array([annealed_sgd(TARGET, size, lr, runs, rng, SMALL).loss_ratio.mean() for lr in marks])
        numbers |= {f"sgd_{size}_rates": marks, f"sgd_{size}": ratio, f"sgd_{size}_runs": runs,
                    f"sgd_{size}_exact": np.array([point.mean for point in exact]),
                    f"sgd_{size}_bound": np.array([bernstein(point.std, sizes.replicas) for point in exact])}
    twins = [descend(TARGET, lr, w0=np.tile(START, (sizes.replicas, 1)), batch_size=1, rng=1)
             for lr in (SMALL, 1 - SMALL)]
    return numbers | {"twins_error": np.abs(twins[0].loss_ratio - twins[1].loss_ratio).max(),
                      "twins_agree": (twins[0].nit == twins[1].nit).all(), "replicas": sizes.replicas}


def _against_target(sizes, rng):
    """Mean P/L against ε for large rates, and far down."""
    between = sizes.curve // 12
    targets = np.geomspace(1e-1, 1e-12, 4 * between + 1)
    marks, count = targets[::between], min(sizes.replicas, 2000)
    numbers = {"targets": targets, "target_marks": marks, "last": sizes.last,
               "target_flow": predicted.flow_loss_ratio(*LOSSES, targets)}
    for k, (size, lr) in enumerate(SERIES):
        def law(target):
            return annealed_law(target, size, lr, SMALL, max_steps=4000)

        def ratio(target):
            return annealed_sgd(target, size, lr, count if size < 3 else 1, rng, SMALL).loss_ratio.mean()

        line, seen = [law(target).mean for target in targets], [ratio(target) for target in marks]
        far, at_marks = law(sizes.last), [law(target) for target in marks]
        numbers |= {f"mean_{k}": line, f"mean_{k}_sgd": seen,
                    f"mean_{k}_exact": np.array([point.mean for point in at_marks]),
                    f"mean_{k}_bound": np.array([bernstein(point.std, count) for point in at_marks]),
                    f"last_{k}": ratio(sizes.last), f"last_{k}_exact": far.mean,
                    f"last_{k}_bound": bernstein(far.std, count)}
    return numbers


def judge(numbers):
    """The multipliers, the exact law against runs, its limits as ε → 0, and what they say about the reason."""
    return (*_judge_multipliers(numbers), *_judge_rate(numbers), *_judge_target(numbers))


def _judge_multipliers(numbers):
    rows, error = [], 0.0
    for size in BATCHES:
        found, expected = numbers[f"multipliers_{size}_enumerated"], numbers[f"multipliers_{size}_predicted"]
        error = max(error, np.abs(found - expected).max())
        limit = numbers[f"limit_{size}"]
        rows.append(close("NAK20.sgd", f"growth of E[r₁²] in a step, mean over every batch, at the limit η = "
                                       f"{limit:.4g}, B = {size}",
                          1.0, numbers[f"at_limit_{size}"], 1e-14, kind="enumerated",
                          null=((1 - limit * 4 / 3) ** 2 if size < 3 else (1 - 4 / 3) ** 2,
                                "gradient descent's" if size < 3 else "the limit of B = 1")))
    swapped = numbers["multipliers_1_enumerated"] - numbers["multipliers_2_predicted"][:len(numbers["marks_1"])]
    rows.append(holds("NAK20.sgd", "one step, mean over every batch, against the multipliers: largest difference", "0",
                      f"{error:.1e}", "≤ 1e-14", error <= 1e-14, kind="enumerated",
                      null=f"B = 1 and 2 swapped: {np.abs(swapped).max():.2g}"))
    return rows


def _judge_rate(numbers):
    rows = []
    for size in BATCHES:
        found, exact, bound = (numbers[f"sgd_{size}{part}"] for part in ("", "_exact", "_bound"))
        share = np.max(np.abs(found - exact) / bound)
        other = np.interp(numbers[f"sgd_{size}_rates"], numbers["law_3_0_rates"],
                          numbers["law_3_0"]) if size < 3 else 1.5 + 0 * exact
        wrong = np.max(np.abs(other - exact) / bound)
        rows.append(holds("NAK20.sgd", f"mean P/L at {len(found)} rates, ε = {TARGET:g}, B = {size}: largest deviation "
                          f"in units of its bound, {numbers[f'sgd_{size}_runs']} runs each", "0", f"{share:.2f}",
                          "≤ 1 (Bernstein, 1e-9)", share <= 1,
                          null=f"{'full batches' if size < 3 else 'a small rate'}: {wrong:.0f}",
                          margins=(share, wrong)))
    rows.append(holds("NAK20.sgd", f"P/L at η = 0.05 and 0.95 on the same single samples, {numbers['replicas']} runs: "
                      "largest difference", "0, equal steps", f"{numbers['twins_error']:.1e}", f"≤ {ROUNDING:g}",
                      numbers["twins_error"] <= ROUNDING and bool(numbers["twins_agree"]),
                      null="a benefit of the large rate: 0.75"))
    return rows


def _judge_target(numbers):
    rows = []
    for k, (size, lr) in enumerate(SERIES):
        share = np.max(np.abs(numbers[f"mean_{k}_sgd"] - numbers[f"mean_{k}_exact"]) / numbers[f"mean_{k}_bound"])
        other = numbers["mean_3_exact"] if size < 3 else numbers["target_flow"][::len(numbers["target_flow"]) // 4]
        wrong = np.max(np.abs(other - numbers[f"mean_{k}_exact"]) / numbers[f"mean_{k}_bound"])
        rows.append(holds("NAK20.sgd", f"mean P/L at ε = 0.1…1e-12, B = {size}, η = {lr}: largest deviation in units "
                                       f"of its bound", "0", f"{share:.2f}", "≤ 1 (Bernstein, 1e-9)", share <= 1,
                          null=f"{'full batches' if size < 3 else 'gradient flow'}: {wrong:.0f}",
                          margins=(share, wrong)))
        limit, tolerance = 1.5 if size == 1 else 0.75, abs(numbers[f"last_{k}_exact"] - (1.5 if size == 1 else 0.75))
        rows.append(close("NAK20.sgd" if size == 2 else "NAK20.reasons",
                          f"mean P/L at ε = {numbers['last']:g}, B = {size}, η = {lr}: the limit", limit,
                          numbers[f"last_{k}"],
                          tolerance + numbers[f"last_{k}_bound"], null=(2.25 - limit, "the other limit"),
                          note="(distance of the exact mean, and Bernstein's bound)"))
    return rows


def draw(numbers):
    """(a) Multipliers, (b) the ratio against the rate, (c) against the target."""
    picture, axes = panels(1, 3, width=3.6, height=3.9)
    for k, size in enumerate(BATCHES):
        fine, growth = numbers[f"rates_{size}"], numbers[f"multipliers_{size}"]
        seen, means = numbers[f"marks_{size}"], numbers[f"multipliers_{size}_enumerated"]
        label = f"$B={size}$" + " (null of the others)" * (size == 3)
        axes[0].plot(fine, growth[:, 0], label=label, **theory(k))
        axes[0].plot(fine, growth[:, 1], **theory(k, linewidth=0.8))
        axes[0].plot(seen, means[:, 0], **simulation(k, markersize=4))
        axes[0].plot(seen, means[:, 1], **simulation(k, markersize=2.5))
        axes[0].plot(numbers[f"limit_{size}"], 1, marker="|", color=INK, markersize=11, linestyle="none", zorder=5)
        rates, line = (np.concatenate([numbers[f"law_{size}_{part}{end}"] for part in range(len(SPANS[size]))]
                                      + ([numbers[f"law_{size}_hole{end}"]] if size in HOLES else []))
                       for end in ("_rates", ""))
        order = np.argsort(rates)
        axes[1].plot(rates[order], line[order], label=label, **theory(k))
        axes[1].plot(numbers[f"sgd_{size}_rates"], numbers[f"sgd_{size}"], **simulation(k, markersize=4.5))
    axes[0].set(xlabel="learning rate $\\eta$ (1/curvature)", ylabel="growth of $E[r_j^2]$ in a step", ylim=(0, 1.4),
                title="crossover 1, limits 1, 4/3, 3/2")
    below(axes[0], 3, title="thick: sharp direction, thin: flat one;\nlines: theory, markers: mean over every batch")
    axes[1].set(xlabel="large learning rate $\\eta$ (1/curvature)", ylabel="mean of $P/\\hat L$ at the stop",
                ylim=(0.7, 1.55), title="$\\varepsilon=10^{-3}$, annealed at $4\\varepsilon$")
    below(axes[1], 3, title="lines: theory, markers: simulation")
    for axis in axes[:2]:
        axis.axvline(1, **guide())
        axis.set(xlim=(0, 1.55))
    axes[2].semilogx(numbers["targets"], numbers["target_flow"], color=GREY, linewidth=3,
                     label="gradient flow (null of 3)", zorder=1)
    for k, (size, lr) in enumerate(SERIES):
        axes[2].semilogx(numbers["targets"], numbers[f"mean_{k}"], **theory(k),
                         label=f"$B={size}$, $\\eta={lr}$" + " (null)" * (size == 3))
        axes[2].semilogx(numbers["target_marks"], numbers[f"mean_{k}_sgd"], **simulation(k, markersize=4.5))
    axes[2].set(xlabel="target train loss $\\varepsilon$", ylabel="mean of $P/\\hat L$ at the stop", ylim=(0.7, 1.55),
                title="as $\\varepsilon\\to0$")
    axes[2].invert_xaxis()
    below(axes[2], title="lines: theory, markers: simulation")
    return picture


FIGURE = Figure(
    "annealing-sgd", "True SGD: batches of 1, 2 and 3",
    "(a) Growth of the mean-square error in one step; ticks mark the mean-square limits, the grey line the crossover "
    "of both directions. (b) Mean of P over the train loss at the stop: lines are the exact law of the stop, markers "
    "means of runs, whose bars are smaller than they are. At η = ½ with B = 1, and η = 1 with B = 2, one step can make "
    "the loss exactly 0 and P/L has no value: the line is drawn up to 1e-4 from there on both sides. (c) As ε → 0 "
    "single samples (B = 1) lose all of the gain, batches of 2 and 3 have it.",
    simulate, judge, draw, ("NAK20.sgd", "NAK20.reasons"), (3, 5, 18))
