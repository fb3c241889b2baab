"""Fig. 1 of Wu, Ma and E 2018: gradient descent, then SGD from the same point."""

from math import log, sqrt

import numpy as np

from figures._legacy import Drawing, close, holds
from figures._style import INK, SHADES, panels, simulation, theory
from figures.network._runs import MOST_STEPS, OVER, SIGMAS, measure, task
from refimpl import network, sgd
from theory import linear_stability as predicted


def escape(effort, rng, data):
    """Fig. 1: GD, then SGD from the same point at the same rate."""
    seeds, steps, paths = {"quick": (1, 6000, 32), "standard": (4, 25_000, 64), "full": (12, 60_000, 128)}[effort]
    lr, shown, every = 0.05, 2000, 10
    problem = task(data, corrupt=True)
    model, x, y = problem.model, problem.x, problem.y
    n = len(x)
    sizes = tuple(min(size, n) for size in (4, 16, 100))
    judged = data is None                     # on a user's set the rows report and do not judge
    starts = np.stack([model.init(rng) for _ in range(seeds)])
    goal = 1e-6 if effort == "quick" else 1e-7
    first, past = _recorded_descent(model, starts[0], x, y, lr, goal, every)
    found = network.descend(model, starts[1:], x, y, lr=lr, target=goal, max_steps=MOST_STEPS) if seeds > 1 else None
    ends = np.vstack([first, found.w]) if found else first[None]
    losses = np.array([model.loss(w, x, y) for w in ends])
    if not np.isfinite(losses).all() or (found and (found.status == 1).any()):
        raise ValueError(f"data must let GD converge at η = {lr}, but it diverged; the set is too sharp at the start")
    figure, axes = panels(3, 2, width=4.4, height=2.8)
    axes[0].semilogy(every * np.arange(1 - len(past), 1), past, color=INK, linewidth=1.2, label="GD")
    bases = np.array([network.polish(model, w, x, y) for w in ends])
    shifts = (ends - bases) * np.sqrt(1e-8 / losses)[:, None]
    near = bases + shifts                                                        # at a loss of about 1e-8
    factors = predicted.GaussNewton(model.factors(bases[0], x))
    watch = {"loss": model.loss, "accuracy": lambda w, x, y: model.accuracy(w, problem.test_x, problem.test_y)}
    rows, before, after, arrays = [], {}, {}, {"lr": np.array(lr), "gd_loss": past}
    for k, size in enumerate(sizes, 1):
        line = {"color": SHADES[k], "linewidth": 0.9, "linestyle": ("-", "--", ":")[k - 1], "label": f"SGD, $B={size}$"}
        run = sgd.run(model, near, x, y, lr=lr, steps=shown, batch_size=size, observe=watch, record_every=every,
                      rng=rng)
        loss, accuracy = run.observed["loss"], run.observed["accuracy"]
        axes[0].semilogy(run.recorded_steps, loss[:, 0], **line)
        axes[1].plot(run.recorded_steps, 100 * accuracy.mean(axis=1), **line)
        times, sharp, spread = _along(problem, near[0], lr, size, shown, rng)
        axes[2].plot(times, sharp, label=f"$B={size}$", **simulation(k, markersize=4))
        axes[3].plot(times, spread, label=f"$B={size}$", **simulation(k, markersize=4))
        top = predicted.non_uniformity_limit(lr, n, size)
        if size < 100:
            axes[3].axhline(top, **theory(k, linewidth=1.0))
        arrays |= {f"loss_{size}": loss, f"accuracy_{size}": accuracy, "steps": run.recorded_steps, "times": times,
                   f"sharpness_{size}": sharp, f"non_uniformity_{size}": spread}
        threshold = predicted.critical_lr(factors, size)
        rows.extend(_growth(axes[5], k, problem, bases[0], 1e-6 * shifts[0], factors, lr, size, paths, threshold, rng,
                            arrays))
        highest = np.nanmax(loss, axis=0)
        leaves = size < 100
        rows.append(holds("WME18.fig1",
                          f"SGD with B = {size} from GD's minimum, η/η* = {lr / threshold:.2f}: largest loss in "
                          f"{shown} steps, {seeds} starts", "escapes" if leaves else "stays",
                          f"{highest.min():.1e}…{highest.max():.1e}",
                          ("> 1e-3" if leaves else "< 1e-4") if judged else "none",
                          not judged or bool((highest > 1e-3).all() if leaves else (highest < 1e-4).all())))
        if not leaves:
            continue
        settled = network.descend(model, run.w, x, y, lr=lr, batch_size=size, target=1e-7, max_steps=steps,
                                  record_every=1000, rng=rng)
        kept = settled.status != 1
        before[size] = [measure(problem, w, size, rng) for w in ends[kept]]
        after[size] = [measure(problem, w, size, rng) for w in settled.w[kept]]
        if after[size]:
            rows.extend(_comparison(lr, size, before[size], after[size], size == sizes[0], judged, arrays))
    axes[0].set(xlabel="step after the switch from GD to SGD (at a loss of $10^{-8}$)", ylabel="loss on the whole set",
                ylim=(1e-9, 1e2))
    axes[0].legend(loc="lower left")
    start = model.accuracy(ends, problem.test_x, problem.test_y).mean()
    axes[1].axhline(100 * start, color=INK, linewidth=1, label="GD")
    axes[1].set(xlabel="step after the switch", ylabel="test accuracy (%)")
    axes[1].legend(loc="lower right", ncols=2)
    axes[1].set_title(f"{problem.name}, $\\eta={lr:g}$")
    axes[2].axhline(predicted.sharpness_limit(lr), label="$2/\\eta$", **theory(0))
    axes[2].set(xlabel="step after the switch", ylabel="sharpness $a$", ylim=(0, None))
    axes[2].legend(loc="upper right", ncols=2)
    axes[3].set(xlabel="step after the switch", ylabel="non-uniformity $s$", ylim=(0, None))
    axes[3].legend(loc="upper right", ncols=3, title="lines: $1/(\\eta\\sqrt{p})$", title_fontsize=7.5)
    for axis in axes[2:4]:
        axis.set_ylim(0, 1.45 * axis.get_ylim()[1])
    _before_after(axes[4], lr, before, after, n)
    axes[5].set(xlabel="step after the switch, from a loss of $10^{-20}$", ylabel="loss", yscale="log", ylim=(1e-28,
                                                                                                              1e4))
    axes[5].legend(loc="upper right", title="lines: linearised, same batches", title_fontsize=7.5)
    return Drawing(figure, arrays, tuple(rows))


def _recorded_descent(model, w, x, y, lr, goal, every):
    """Where GD first meets the goal, looked at every 500 steps, and its loss every `every` steps."""
    losses = []
    for _ in range(MOST_STEPS // 500):
        run = sgd.run(model, w, x, y, lr=lr, steps=500, observe={"loss": model.loss}, record_every=every)
        w = run.w
        losses.extend(run.observed["loss"][:-1])
        if not run.observed["loss"][-1] >= goal:
            break
    return w, np.array([*losses, model.loss(w, x, y)])


def _along(problem, w, lr, size, steps, rng):
    """Gauss–Newton sharpness and non-uniformity at 11 times of one run of SGD from w."""
    times, sharp, spread = np.linspace(0, steps, 11).astype(int), [], []
    for last, now in zip([0, *times], times):
        w = sgd.run(problem.model, w, problem.x, problem.y, lr=lr, steps=int(now - last), batch_size=size, rng=rng).w
        factors = predicted.GaussNewton(problem.model.factors(w, problem.x))
        sharp.append(predicted.sharpness(factors))
        spread.append(predicted.non_uniformity(factors))
    return times, np.array(sharp), np.array(spread)


def _growth(axis, k, problem, base, displaced, factors, lr, size, paths, threshold, rng, arrays):
    """Loss growth from very near the minimum: nets against their linearisation on the same batches, and against 2Λ."""
    model, n = problem.model, len(problem.x)
    window, burn = (40, 10) if size <= 4 else (400, 100)
    paths = paths if size < 100 else 4
    batches = np.argsort(rng.random((window, paths, n)), axis=-1)[..., :size].copy()
    run = sgd.run(model, np.tile(base + displaced, (paths, 1)), problem.x, problem.y, lr=lr, steps=window,
                  indices=batches,
                  observe={"loss": model.loss})
    net = np.log(run.observed["loss"])
    linear = np.array([predicted.path_log_loss(factors, lr, batches[:, j], displaced) for j in range(paths)]).T
    # while the net is linear, and has never been near rounding
    inside = (np.maximum.accumulate(linear) < log(1e-10)) & (np.minimum.accumulate(linear) > log(1e-24))
    apart = float(np.abs(net - linear)[inside].max())
    every = max(1, window // 40)
    axis.plot(np.exp(linear[:, 0]), **theory(k))
    axis.plot(np.arange(0, window + 1, 5 * every)[:41], np.exp(net[::5 * every, 0])[:41],
              label=f"$B={size}$, $\\eta/\\eta^*={lr / threshold:.2f}$", **simulation(k, markersize=4))
    arrays |= {f"linear_{size}": linear, f"net_{size}": net}
    moved = float(np.ptp(linear[inside]))
    rows = [holds("WME18.fig1-growth",
                  f"log loss of {paths} nets against their linearisation on the same batches, B = {size}, "
                  f"over {moved:.0f} e-folds", "equal", f"apart by at most {apart:.1e}", "≤ 0.05", apart <= 0.05)]
    if size < 100:
        long = np.argsort(rng.random((12_000, n)), axis=-1)[:, :size]
        blocks = np.diff(predicted.path_log_loss(factors, lr, long, displaced)[::100])[1:] / 100
        rate, error = blocks.mean(), blocks.std(ddof=1) / sqrt(len(blocks))
        slopes = (net[-1] - net[burn]) / (window - burn)
        limit = SIGMAS * sqrt(error**2 + slopes.var(ddof=1) / paths)
        rows.append(close("WME18.fig1-growth",
                          f"growth of log loss per step, B = {size}: mean of {paths} nets against 2Λ", rate,
                          slopes.mean(), limit, "(6 standard errors)"))
        bound = log(predicted.mean_square_rate(factors, lr, size))
        rows.append(holds("WME18.fig1-growth", f"2Λ against the growth of the mean square, B = {size}",
                          f"below {bound:.3f}",
                          f"{rate:.3f}", "6 standard errors", rate <= bound + SIGMAS * error))
    return rows


def _comparison(lr, size, before, after, smallest, judged, arrays):
    """Rows on GD's minima and on those that SGD went on to."""
    was, new = (np.array([[m.sharpness, m.non_uniformity, lr / m.critical_lr, m.accuracy] for m in minima])
                for minima in (before, after))
    arrays |= {f"before_{size}": was, f"after_{size}": new}
    flatter = new[:, :2].mean(axis=0) / was[:, :2].mean(axis=0)
    rows = [holds("WME18.fig1", f"η/η* at B = {size} before and after, {len(new)} starts",
                  "above 1, then about 1 or less",
                  f"{was[:, 2].mean():.2f} → {new[:, 2].mean():.2f} (means)", f"all > 1, all ≤ {OVER}",
                  not judged or bool(was[:, 2].min() > 1 and new[:, 2].max() <= OVER)),
            holds("WME18.fig1", f"B = {size}: mean sharpness and non-uniformity, after over before", "both fall",
                  f"{flatter[0]:.2f}, {flatter[1]:.2f}", "< 1", not judged or bool((flatter < 1).all()))]
    if smallest:
        judged = judged and len(new) >= 4
        rows.append(holds("WME18.fig1-test",
                          f"test accuracy of GD's minima and of SGD's with B = {size}, means over {len(new)} starts",
                          "SGD better", f"{was[:, 3].mean():.3f}, {new[:, 3].mean():.3f}",
                          "the second larger" if judged else "reported",
                          not judged or new[:, 3].mean() > was[:, 3].mean()))
    return rows


def _before_after(axis, lr, before, after, n):
    """Sharpness and non-uniformity of GD's minima and of those that SGD went on to."""
    edge = predicted.sharpness_limit(lr)
    axis.axvline(edge, color=INK, linewidth=0.9, linestyle=":")
    axis.text(edge, 0, "$2/\\eta$ ", ha="right", va="bottom")
    for k, size in enumerate(after, 1):
        if k == 1:
            axis.plot([m.sharpness for m in before[size]], [m.non_uniformity for m in before[size]], label="GD",
                      **simulation(0))
        top = predicted.non_uniformity_limit(lr, n, size)
        axis.plot([m.sharpness for m in after[size]], [m.non_uniformity for m in after[size]],
                  label=f"then SGD, $B={size}$",
                  **simulation(k))
        axis.plot([0, edge], [top, top], **theory(k, linewidth=1.0))
        axis.text(0, top, f" $1/(\\eta\\sqrt{{p}})$, $B={size}$", ha="left", va="bottom", fontsize=7.5, color=SHADES[k])
    axis.set(xlabel="sharpness $a$", ylabel="non-uniformity $s$", xlim=(0, 1.12 * edge), ylim=(0, None))
    axis.legend(loc="lower left", bbox_to_anchor=(0.05, 0.0))
