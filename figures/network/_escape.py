"""Fig. 1 of Wu, Ma and E 2018: gradient descent, then SGD from the same point."""

from dataclasses import dataclass
from math import log, sqrt

import numpy as np

from figures._figure import Figure, close, holds, not_judged
from figures._fitted_powers import t_limit
from figures.network._draw_escape import draw
from figures.network._runs import (MOST_STEPS, SIGMAS, cannot, coordinates, ensemble, exponent, guarded, interpolated,
                                   measure, stays, task)
from refimpl import network, sgd
from theory import linear_stability as predicted

CLAIMS = ("WME18.fig1", "WME18.fig1-growth", "WME18.fig1-test")
LR, SHOWN, BATCHES, LARGE = 0.05, 2000, (4, 16, 100), 100
NEAR = 1e-5      # loss from which polishing still finds the minimum that training was at
TOLD = 1e-3      # chance that a difference of test accuracies is told where there is none
MEASURED = ("sharpness", "non_uniformity", "ratio", "accuracy")   # columns of before_B and after_B


@dataclass(frozen=True)
class Sizes:
    """Starts, steps in which SGD may settle, paths of the growth, the loss at which GD hands over, steps per record."""

    starts: int
    steps: int
    paths: int
    goal: float = 1e-7
    every: int = 10


SIZES = {"quick": Sizes(1, 1000, 16, 1e-6, 50), "standard": Sizes(4, 25_000, 64), "full": Sizes(12, 60_000, 128)}


@guarded
def simulate(effort, rng, data):
    """GD to a small loss, then SGD of three batch sizes: loss, accuracy, curvature, growth, and where it settles."""
    sizes, problem = SIZES[effort], task(data, corrupt=True)
    model, x, y = problem.model, problem.x, problem.y
    batch_sizes = tuple(dict.fromkeys(min(size, len(x)) for size in BATCHES))
    ends, past = _minima_of_gd(problem, sizes, rng)
    losses = np.array([model.loss(w, x, y) for w in ends])
    bases = np.array([interpolated(problem, w) for w in ends])
    shifts = (ends - bases) * np.sqrt(1e-8 / losses)[:, None]
    near = bases + shifts                                                        # at a loss of about 1e-8
    factors = ensemble(problem, bases[0])
    watch = {"loss": model.loss, "accuracy": lambda w, x, y: model.accuracy(w, problem.test_x, problem.test_y)}
    numbers = {"lr": np.array(LR), "gd_loss": past, "batch_sizes": np.array(batch_sizes), "examples": np.array(len(x)),
               "gd_accuracy": model.accuracy(ends, problem.test_x, problem.test_y), "data": problem.name}
    for size in batch_sizes:
        run = sgd.run(model, near, x, y, lr=LR, steps=SHOWN, batch_size=size, observe=watch, record_every=sizes.every,
                      rng=rng)
        times, sharp, spread = _along(problem, near[0], size, rng)
        numbers |= {f"loss_{size}": run.observed["loss"], f"accuracy_{size}": run.observed["accuracy"],
                    "steps": run.recorded_steps, "times": times, f"sharpness_{size}": sharp,
                    f"non_uniformity_{size}": spread,
                    f"critical_lr_{size}": np.array(predicted.critical_lr(factors, size))}
        numbers |= _growth(problem, bases[0], 1e-6 * shifts[0], factors, size, sizes.paths, rng)
        if size < LARGE:
            numbers |= _settled(problem, run.w, ends, size, sizes.steps, rng)
    return numbers


def _minima_of_gd(problem, sizes, rng):
    """Where GD meets the goal from every start, (starts, P), and the loss on the way of the first."""
    model, x, y = problem.model, problem.x, problem.y
    starts = np.stack([problem.start(rng) for _ in range(sizes.starts)])
    w, losses = starts[0], []
    for _ in range(MOST_STEPS // 500):                     # looked at every 500 steps
        run = sgd.run(model, w, x, y, lr=LR, steps=500, observe={"loss": model.loss}, record_every=sizes.every)
        w = run.w
        losses.extend(run.observed["loss"][:-1])
        if not run.observed["loss"][-1] >= sizes.goal:
            break
    ends = w[None]
    if sizes.starts > 1:
        found = network.descend(model, starts[1:], x, y, lr=LR, target=sizes.goal, max_steps=MOST_STEPS)
        ends = np.vstack([w, found.w])
    if not np.isfinite([model.loss(w, x, y) for w in ends]).all():
        raise ValueError(f"data must let GD converge at η = {LR}, but it diverged; the set is too sharp at the start")
    return ends, np.array([*losses, model.loss(w, x, y)])


def _along(problem, w, size, rng):
    """Gauss–Newton sharpness and non-uniformity at 11 times of one run of SGD from w."""
    times, sharp, spread = np.linspace(0, SHOWN, 11).astype(int), [], []
    for last, now in zip([0, *times], times):
        w = sgd.run(problem.model, w, problem.x, problem.y, lr=LR, steps=int(now - last), batch_size=size, rng=rng).w
        factors = ensemble(problem, w)
        sharp.append(predicted.sharpness(factors))
        spread.append(predicted.non_uniformity(factors))
    return times, np.array(sharp), np.array(spread)


def _growth(problem, base, displaced, factors, size, paths, rng):
    """Log loss from very near the minimum: nets and their linearisation on the same batches, and 2Λ with its error."""
    model, n = problem.model, len(problem.x)
    window = 40 if size <= 4 else 400
    paths = paths if size < LARGE else 4
    batches = np.argsort(rng.random((window, paths, n)), axis=-1)[..., :size].copy()
    run = sgd.run(model, np.tile(base + displaced, (paths, 1)), problem.x, problem.y, lr=LR, steps=window,
                  indices=batches, observe={"loss": model.loss})
    place = coordinates(problem, base, factors, displaced)
    linear = np.array([predicted.path_log_loss(factors, LR, batches[:, j], place) for j in range(paths)]).T
    found = {f"linear_{size}": linear, f"net_{size}": np.log(np.maximum(run.observed["loss"], 1e-300))}
    if size < LARGE:
        found[f"slopes_{size}"] = _slopes(problem, base, displaced, size, paths, rng.spawn(1)[0])
        long = np.argsort(rng.random((12_000, n)), axis=-1)[:, :size]
        blocks = np.diff(predicted.path_log_loss(factors, LR, long, place)[::100])[1:] / 100
        found |= {f"growth_{size}": np.array([blocks.mean(), blocks.std(ddof=1) / sqrt(len(blocks))]),
                  f"square_growth_{size}": np.array(log(predicted.mean_square_rate(factors, LR, size)))}
    return found


def _slopes(problem, base, displaced, size, paths, rng, blocks=11):
    """Growth of log loss per step of each net, put back to a loss of 1e-18 after every block, so that it stays near."""
    model, x, y = problem.model, problem.x, problem.y
    steps, grown = 10 if size <= 4 else 40, 0.0
    shifts = np.tile(displaced, (paths, 1))
    for block in range(blocks):
        losses = np.array([model.loss(base + shift, x, y) for shift in shifts])
        shifts = shifts * np.sqrt(1e-18 / losses)[:, None]
        run = sgd.run(model, base + shifts, x, y, lr=LR, steps=steps, batch_size=size, rng=rng)
        shifts = run.w - base
        if block:                                          # the first turns the start into the growing direction
            grown = grown + np.log([model.loss(w, x, y) / 1e-18 for w in run.w])
    return grown / (steps * (blocks - 1))


def _settled(problem, w, ends, size, steps, rng):
    """GD's minima and those that SGD went on to, (starts, 4) each, of the starts that came near one."""
    settled = network.descend(problem.model, w, problem.x, problem.y, lr=LR, batch_size=size, target=1e-7,
                              max_steps=steps, record_every=1000, rng=rng)
    kept = settled.loss < NEAR
    found = {}
    for name, points in ((f"before_{size}", ends[kept]), (f"after_{size}", settled.w[kept])):
        minima = [measure(problem, point, size, rng) for point in points]
        found[name] = np.array([[m.sharpness, m.non_uniformity, LR / m.critical_lr, m.accuracy] for m in minima])
    source = rng.spawn(1)[0]
    found[f"beyond_{size}"] = np.array([exponent(problem, point, LR, size, source)
                                        for point, m in zip(points, minima) if LR > m.critical_lr])
    return found


def judge(numbers):
    """Rows of Figure 1."""
    if "why" in numbers:
        return cannot(numbers, CLAIMS)
    rows = []
    for size in map(int, numbers["batch_sizes"]):
        rows.append(_linear_row(numbers, size))
        if size < LARGE:
            rows += _growth_rows(numbers, size)
        rows.append(_escape_row(numbers, size))
        if size < LARGE and len(numbers[f"after_{size}"]):
            rows += _minima_rows(numbers, size)
        elif size < LARGE:
            rows.append(not_judged("WME18.fig1", f"minima that SGD with B = {size} settles on",
                                   f"no start came to a loss of {NEAR:g} in the steps of this effort"))
    if not any(row.claim == "WME18.fig1-test" for row in rows):
        rows.append(not_judged("WME18.fig1-test", "test accuracy after SGD", "SGD settled nowhere in its steps"))
    return tuple(rows)


def inside(linear):
    """Where the linearised loss lies within 1e-24…1e-10 and always has: the net is linear there, and above rounding."""
    return (np.maximum.accumulate(linear) < log(1e-10)) & (np.minimum.accumulate(linear) > log(1e-24))


def _linear_row(numbers, size):
    net, linear = numbers[f"net_{size}"], numbers[f"linear_{size}"]
    kept = inside(linear)
    apart, other = (float(np.abs(net - one)[kept].max()) for one in (linear, np.roll(linear, 1, axis=1)))
    heading = (f"largest distance in log loss of {net.shape[1]} nets from their linearisation on the same batches, "
               f"B = {size}, over {float(np.ptp(linear[kept])):.0f} e-folds")
    return close("WME18.fig1-growth", heading, 0.0, apart, 0.1, null=(other, "linearised on other batches"),
                 note="(set by hand)")


def _growth_rows(numbers, size):
    slopes, (rate, error) = numbers[f"slopes_{size}"], numbers[f"growth_{size}"]
    limit = SIGMAS * sqrt(error**2 + slopes.var(ddof=1) / len(slopes))
    square = float(numbers[f"square_growth_{size}"])
    heading = f"growth of log loss per step, B = {size}: mean of {len(slopes)} nets against 2Λ"
    return [close("WME18.fig1-growth", heading, rate, slopes.mean(), limit,
                  null=(square, "growth of the mean square"), note="(6 standard errors)"),
            holds("WME18.fig1-growth", f"2Λ against the growth of the mean square, B = {size}", f"below {square:.3f}",
                  f"{rate:.3f} ± {error:.3f}", "6 standard errors", bool(rate <= square + SIGMAS * error),
                  null="above: the mean square would not hold the path", kind="algebra")]


def _escape_row(numbers, size):
    highest, ratio = np.nanmax(numbers[f"loss_{size}"], axis=0), LR / float(numbers[f"critical_lr_{size}"])
    rate, error = numbers.get(f"growth_{size}", (0.0, 0.0))
    leaves, stays = rate > SIGMAS * error, ratio <= 1.1 and rate <= 0
    return holds("WME18.fig1", f"SGD with B = {size} from GD's minimum, η/η* = {ratio:.2f}: largest loss in {SHOWN} "
                 f"steps, {len(highest)} starts", "escapes" if leaves else "stays" if stays else "–",
                 f"{highest.min():.1e}…{highest.max():.1e}", "> 1e-3, set by hand" if leaves else "< 1e-4, set by hand",
                 bool((highest > 1e-3).all()) if leaves else bool((highest < 1e-4).all()) if stays else None,
                 null="stays at 1e-8" if leaves else "leaves as smaller batches do")


def _minima_rows(numbers, size):
    was, new = numbers[f"before_{size}"], numbers[f"after_{size}"]
    if was[:, 2].min() <= 1:
        return [not_judged("WME18.fig1", f"η/η* at B = {size} before and after, {len(new)} starts", "gradient "
                           "descent's minimum is stable for SGD: nothing to escape from", predicted="below 1",
                           measured=f"{was[:, 2].mean():.2f} → {new[:, 2].mean():.2f} (means)"),
                _test_row(size, was[:, 3], new[:, 3])]
    flatter = new[:, :2].mean(axis=0) / was[:, :2].mean(axis=0)
    rate, error = numbers[f"growth_{size}"]
    return [stays("WME18.fig1", f"minima that SGD settles on, B = {size}, {len(new)} starts; mean η/η* "
                  f"{was[:, 2].mean():.2f} before and {new[:, 2].mean():.2f} after", new[:, 2],
                  numbers[f"beyond_{size}"], np.array([rate / error]), "gradient descent's minimum, all with η > η*"),
            holds("WME18.fig1", f"B = {size}: mean sharpness and non-uniformity, after over before", "both fall",
                  f"{flatter[0]:.2f}, {flatter[1]:.2f}", "< 1",
                  bool((flatter < 1).all()) or (False if len(new) >= 3 else None), null="1, 1: another as sharp"),
            _test_row(size, was[:, 3], new[:, 3])]


def _test_row(size, was, new):
    """Gain of test accuracy over its standard error, from the starts; judged where it can be told from none."""
    heading, gain = f"test accuracy, SGD's minimum minus GD's, B = {size}, {len(new)} starts", new - was
    measured = f"{was.mean():.3f} → {new.mean():.3f}: {gain.mean():+.4f}"
    if len(gain) < 3:
        return not_judged("WME18.fig1-test", heading, "fewer than 3 starts", predicted="positive", measured=measured)
    error = float(gain.std(ddof=1) / sqrt(len(gain)))
    limit = t_limit(len(gain) - 1, TOLD)
    told = abs(gain.mean()) > limit * error
    return holds("WME18.fig1-test", heading, "positive", f"{measured} ± {error:.4f}", f"{limit:.1f} standard errors",
                 bool(gain.mean() > 0) if told else None, null="0: both generalise alike")


FIGURE = Figure(
    "network-escape", "Fig. 1: SGD leaves gradient descent's minimum where theory says, for a flatter one",
    "Gradient descent at η = .05 has come near a minimum; SGD goes on from a loss of about 1e-8 at the same rate. Open "
    "markers are simulated. (a) Loss: line, the last steps of GD; markers, SGD of the first start. (b) Test accuracy, "
    "mean over starts; grey, GD's. (c, d) Sharpness and non-uniformity along the way of one start; lines: 2/η, and "
    "dotted the poster's bound for each B. (e) GD's minima and those that SGD settles on, one marker per start. (f) "
    "Loss from 1e-20 on: the net (markers) on its linearisation on the same batches (lines). Look at B = 4 and 16, for "
    "which η > η*, leaving in (a) as fast as the lines in (f), and at B = 100 staying.",
    simulate, judge, draw, CLAIMS, (6.5, 28, 90), reads_data=True, data_seconds=(12, 80, 300))
