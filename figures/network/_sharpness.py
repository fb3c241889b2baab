"""Table 1 of Wu, Ma and E 2018, its measured half: how sharp the minima are that gradient descent finds."""

from dataclasses import replace

import numpy as np

from figures._figure import AGREES, NOT_JUDGED, Figure, close, frozen, holds, not_judged
from figures._fitted_powers import t_limit
from figures._style import SHADES, null, panels, simulation, theory
from figures.network._panels import empty, published_marks, table
from figures.network._runs import (HALF_A_DIGIT, MOST_STEPS, OWN, PUBLISHED, SWINGS, TEACHER, TOLD, at_the_edge,
                                   cannot, guarded, record_spread, task)
from refimpl import network
from theory import linear_stability as predicted

EDGE = (0.02, 0.05, 0.1)   # rates at which GD ends at the edge on the synthetic set
CLAIMS = ("WME18.tab1-gd", "WME18.sharpest", "WME18.tab1-measured")

# Of the synthetic set: rates, starts, loss to reach; of images: width, examples, (η, steps, starts), records.
Sizes = frozen("rates starts goal hidden examples plan records")
SIZES = {"quick": Sizes((0.05, 0.1, 0.2, 0.5, 2.0), 1, 3e-5, 100, 100, ((0.1, 4000, 1), (0.5, 1000, 1)), 20),
         "standard": Sizes((0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 2.0), 3, 1e-6, 100, 500,
                           ((0.01, 10_000, 1), (0.05, 20_000, 3), (0.1, 8000, 5), (0.5, 2000, 16)), 40),
         "full": Sizes((0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0), 8, 1e-6, 500, 1000,
                       ((0.01, 20_000, 1), (0.05, 20_000, 1), (0.1, 10_000, 1), (0.5, 2500, 1)), 25)}


@guarded
def simulate(effort, rng, data):
    """Gradient descent on the teacher set to a small loss, or on images in the authors' setting for a given time."""
    sizes = SIZES[effort]
    if data is not None:
        return at_the_edge(data, sizes.hidden, sizes.examples, sizes.plan, sizes.records, rng)
    problem, seeds = task(None), sizes.starts
    model = problem.model
    starts = np.stack([model.init(rng) for _ in range(seeds)])
    sharp, losses = np.full((len(sizes.rates), seeds), np.nan), np.full((len(sizes.rates), seeds), np.nan)
    for row, lr in enumerate(sizes.rates):
        found = network.descend(model, starts, problem.x, problem.y, lr=lr, target=sizes.goal, max_steps=MOST_STEPS,
                                record_every=500)
        losses[row] = found.loss
        for j in np.flatnonzero(found.status != 1):
            sharp[row, j] = float(network.sharpness(model, found.w[j], problem.x, problem.y, rng=rng))
    return {"rates": np.array(sizes.rates), "sharpness": sharp, "loss": losses, "data": TEACHER}


def judge(numbers):
    """Rows of Table 1 on the set that was used."""
    if "why" in numbers:
        return cannot(numbers, CLAIMS)
    return _judge_teacher(numbers) if str(numbers["data"]) == TEACHER else _judge_images(numbers)


def _judge_teacher(numbers):
    rates, sharp, losses = numbers["rates"], numbers["sharpness"], numbers["loss"]
    seeds, ratios = sharp.shape[1], sharp * rates[:, None] / 2
    rows = []
    for lr in EDGE:
        sharper = sharp[0] > 1.03 * predicted.sharpness_limit(lr)
        if lr in rates and sharper.any():
            worst = ratios[rates == lr][0, sharper]
            worst = worst[np.argmax(np.abs(worst - 1))]
            rows.append(close("WME18.tab1-gd", f"aη/2 at η = {lr:g}, the farthest from 1 of the {sharper.sum()} of "
                              f"{seeds} starts whose flow ends sharper", 1.0, worst, 0.005,
                              null=(sharp[0, sharper].min() * lr / 2, f"as sharp as at η = {rates[0]:g}"),
                              note="(set by hand)"))
    smallest = ratios[0]                                 # at η = 0.01, close to where the flow would end
    short = bool(smallest.min() < 0.95 and smallest.max() <= 1.01) if seeds > 1 else None
    rows.append(holds("WME18.sharpest", f"aη/2 at η = {rates[0]:g}, {seeds} starts: GD stops short of the edge",
                      "below 1", f"{smallest.min():.3f}…{smallest.max():.3f}", "some < 0.95, all ≤ 1.01: by hand",
                      short, null="1: GD goes on to the sharpest minimum that its rate allows"))
    settled = ratios[losses < 1e-5]
    rows.append(holds("WME18.sharpest", "aη/2 of every end with loss below 1e-5: no sharper than the edge", "at most 1",
                      f"{settled.min():.3f}…{settled.max():.3f}" if settled.size else "none", "≤ 1.01, set by hand",
                      bool(settled.max() <= 1.01) if settled.size else None,
                      null=f"{sharp[0].max() * rates[1] / 2:.2f}: as sharp at η = {rates[1]:g} as at {rates[0]:g}"))
    rows.append(holds("WME18.tab1-gd", f"GD at η = {rates[-1]:g}", "blows up (dash)",
                      f"{(~np.isfinite(sharp[-1])).sum()} of {seeds} blow up", "all", not np.isfinite(sharp[-1]).any(),
                      null="a minimum, as at every other rate"))
    return (*rows, not_judged("WME18.tab1-measured", "sharpness on FashionMNIST",
                              "needs the images: --data with FashionMNIST", predicted=_listed("FashionMNIST")))


def _listed(name):
    return ", ".join(f"{mean:g} ± {spread:g}" for mean, spread in PUBLISHED[name].values())


def _judge_images(numbers):
    rates, path = numbers["rates"], numbers["path_sharpness"]
    own = [sharp[:count] for sharp, count in zip(numbers["sharpness"], numbers["starts"])]
    name = str(numbers["data"]).split(",")[0]
    rows = []
    for k, lr in enumerate(rates):
        rows += _rate_rows(lr, own[k], _tops(path[:k, :, :len(own[k])]), numbers["time"][k, -1], name,
                           _chance(own[k], path[k]), _tops(path[k:k + 1, :, :len(own[k])]))
    wide = [SWINGS * record_spread(of) * lr / 2 for of, lr in zip(path, rates)]
    tops = [np.nanmax(of) * lr / 2 if np.isfinite(of).any() else 0.0 for of, lr in zip(own, rates)]
    worst = int(np.argmax(np.subtract(tops, wide)))
    top, limit = float(tops[worst]), 1 + wide[worst]
    rows.append(holds("WME18.sharpest", "largest aη/2 of the last fifths: no sharper than the edge", "at most 1",
                      f"{top:.3f} at η = {rates[worst]:g}",
                      f"≤ {limit:.3g}: {SWINGS:g} standard deviations of a record", top <= limit,
                      null=f"{np.nanmax(path) * rates[-1] / 2:.1f}: as sharp at η = {rates[-1]:g} as at smaller ones"))
    if name not in PUBLISHED:
        rows.append(not_judged("WME18.tab1-measured", "sharpness", "the source has no numbers for this set"))
    return tuple(rows)


def _tops(path):
    """How sharp each start has become at these rates (rates, records, starts); 0 where it was not run."""
    return np.nan_to_num(path, nan=0.0).max(axis=(0, 1), initial=0.0)


def _chance(own, path):
    """How far the mean sharpness of the starts at one rate may be off by chance, and words on that."""
    if len(own) >= OWN:
        limit = t_limit(len(own) - 1, TOLD)
        return limit * own.std(ddof=1) / len(own)**0.5, f"{limit:.1f} standard errors of the starts"
    return SWINGS * record_spread(path), f"{SWINGS:g} standard deviations of a record"


def _within(claim, quantity, expected, mean, near, off, *, null, note):
    """Row of a mean that may be `near`, and off by chance: not judged where only chance brings it that near."""
    row = close(claim, quantity, expected, mean, near + off, null=null, note=f"= {near:.2g} + {off:.2g} {note}")
    chance = row.verdict == AGREES and abs(mean - expected) > near * (1 + 1e-9)
    return replace(row, verdict=NOT_JUDGED) if chance else row


def _rate_rows(lr, own, slower, time, name, chance, tops):
    """Rows on one rate: as near its edge as Table 1 is, and as published, if every start's flow would pass the edge:
    it did so in this run, or at a smaller rate."""
    edge, mean, (off, words) = float(predicted.sharpness_limit(lr)), float(own.mean()), chance
    heading = f"at η = {lr:g}, last fifth of {len(own)} run{'s' if len(own) > 1 else ''} to η·steps = {time:g}"
    known = PUBLISHED.get(name, {}).get(lr)
    if not np.isfinite(mean):
        return [holds("WME18.tab1-gd", f"GD {heading}", "ends at the edge", "blows up", "–", False, null="a minimum")]
    table, spread = known or PUBLISHED["FashionMNIST"][lr]
    near = abs(edge - table) + spread + HALF_A_DIGIT
    flow = slower[slower > 0].min() if slower.any() else np.nan      # of the starts that were run at smaller rates
    if flow > edge + near + off and ((slower > edge) | (tops > edge)).all():
        null, flatter = "as sharp as smaller rates become", mean + near + off < edge and tops.max() > edge
        note = f"; it swung up to {tops.max() / edge:.2f} and came to rest at a flatter place" if flatter else ""
        rows = [_within("WME18.tab1-gd", f"aη/2 {heading}", 1.0, mean / edge, near / edge, off / edge,
                        null=(flow / edge, null), note=f"(as far as Table 1's own is from it, and {words}){note}")]
        if known:
            rows.append(_within("WME18.tab1-measured", f"sharpness {heading}", table, mean, spread + HALF_A_DIGIT, off,
                                null=(flow, null), note=f"(its ± and half a digit, and {words})"))
        return rows
    why = (f"smaller rates have come to {flow:.1f} only" if np.isfinite(flow) else "no smaller rate was run") + (
        ": not known whether the flow of every start would pass the edge")
    rows = [not_judged("WME18.tab1-gd", f"sharpness {heading}", why, predicted=f"≤ {edge:g}", measured=_cell(own))]
    return rows + ([not_judged("WME18.tab1-measured", f"sharpness {heading}", why,
                               predicted="{:g} ± {:g}".format(*known), measured=_cell(own))] if known else [])


def draw(numbers):
    """Sharpness against η on the teacher set, against η·steps on images; the table beside it."""
    if "why" in numbers:
        return empty(numbers)
    figure, axes = panels(1, 2, width=4.2, height=3.9)
    rates, sharp = numbers["rates"], numbers["sharpness"]
    images = str(numbers["data"]) != TEACHER
    (_draw_images if images else _draw_teacher)(axes[0], numbers)
    name = str(numbers["data"]).split(",")[0]
    name = name if name in PUBLISHED else "FashionMNIST"
    columns = ["$\\eta$", "starts", "GD, here", f"published,\n{name}", "theory\n$2/\\eta$"]
    counts, known = numbers.get("starts", np.full(len(rates), sharp.shape[1])), PUBLISHED[name]
    lines = [[f"{lr:g}", count, _cell(own[:count]), "{:g} ± {:g}".format(*known[lr]) if lr in known else "",
              f"{predicted.sharpness_limit(lr):g}"] for lr, own, count in zip(rates, sharp, counts)]
    table(axes[1], columns, lines, (0.12, 0.13, 0.31, 0.26, 0.18))
    axes[1].set_title(str(numbers["data"]), fontsize=8.5)
    return figure


def _draw_teacher(axis, numbers):
    rates, sharp = numbers["rates"], numbers["sharpness"]
    grid = np.geomspace(rates.min() / 1.4, rates.max() * 1.4, 50)
    axis.loglog(grid, predicted.sharpness_limit(grid), label="theory: $2/\\eta$", **theory(0))
    for j, flow in enumerate(sharp[0]):
        axis.axhline(flow, label=None if j else "null: as at the smallest rate", **null())
    axis.loglog(np.repeat(rates, sharp.shape[1]), sharp.ravel(), label="simulation: each start", **simulation(1))
    for k, (name, values) in enumerate(PUBLISHED.items()):
        published_marks(axis, list(values), *zip(*values.values()), k, f"published, {name}")
    for lr in rates[~np.isfinite(sharp).any(axis=1)]:
        axis.annotate("blows up", (lr, 1.4 * predicted.sharpness_limit(lr)), ha="center", va="bottom", color=SHADES[1],
                      fontsize=7.5)
    axis.set(xlabel="learning rate $\\eta$", ylabel="sharpness $a$", title="at the end of gradient descent")
    axis.legend(loc="lower left")


def _draw_images(axis, numbers):
    times, path, rates = numbers["time"], numbers["path_sharpness"], numbers["rates"]
    known = PUBLISHED.get(str(numbers["data"]).split(",")[0], {})
    last = 1.08 * times.max()
    for k, lr in enumerate(rates):
        axis.axhline(predicted.sharpness_limit(lr), **theory(k, linewidth=1.1))
        for j in range(path.shape[2]):
            axis.plot(times[k], path[k, :, j], label=None if j else f"$\\eta={lr:g}$", **simulation(k, markersize=3.5))
        if lr in known:
            published_marks(axis, [last], [known[lr][0]], [known[lr][1]], 0, "published" if k == 0 else None)
    axis.set(xlabel="time $\\eta\\cdot$steps", ylabel="sharpness $a$", yscale="log", xlim=(0, None), ylim=(0.2, None),
             title="along gradient descent")
    axis.legend(loc="lower right", ncols=2, title="lines, theory: $2/\\eta$; open markers, simulation: each start")


def _cell(values):
    """Mean ± standard deviation over the starts that did not blow up; a dash where all did."""
    kept = values[np.isfinite(values)]
    if not kept.size:
        return "—"
    text = f"{kept.mean():.1f} ± {kept.std(ddof=1):.1f}" if kept.size > 1 else f"{kept[0]:.1f}"
    return text + (f" ({len(values) - kept.size} —)" if kept.size < len(values) else "")


FIGURE = Figure(
    "network-sharpness", "Table 1: gradient descent ends at sharpness 2/η where its flow would end sharper",
    "(a) On the teacher set: sharpness at the end of gradient descent against the learning rate, one marker per start, "
    "over the line 2/η; dotted, where each start ends at the smallest rate; crosses are the published means "
    "of Table 1 (bars: their ± values), of other nets and sets. On "
    "images, in the authors' setting: sharpness along each run against η·steps, over the line 2/η of its rate; grey "
    "crosses are published. (b) The table: mean ± standard deviation over starts; a dash: blows up. Look at the rates "
    "whose line lies below where the smallest rate goes: those end at their line, the smallest stops short of its own.",
    simulate, judge, draw, CLAIMS, (3, 36, 110), reads_data=True, data_seconds=(8, 540, 3000))
