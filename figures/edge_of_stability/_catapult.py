"""The catapult: paths of a net and of two numbers, and where the kernel ends: not always flatter than the flow."""

import numpy as np

from figures._figure import Figure, close, frozen, holds
from figures._style import bound, guide, key, null, panels, simulation, theory
from figures.edge_of_stability import _runs
from theory import edge_of_stability as predicted

WIDTH, STEPS = 50, 60
PATHS = (1.5, 2.5, 3.5)          # ηκ₀
ENDS = (2.1, 2.5, 3.0)
UNIQUE = 1e-3                    # spread of the end over small x₀, relative, up to which it is one number
COUNTER = ((1.45, 3.0), (1.6, 3.3))  # ηf₀/√m and ηκ₀ with an end above the flow's

# `starts` of the curves against x₀, `marks` of simulated nets on them, `nets` of random start, `rates` k₀.
Sizes = frozen("starts marks nets rates")
SIZES = {"quick": Sizes(120, 9, 60, 38), "standard": Sizes(300, 13, 200, 76), "full": Sizes(800, 25, 800, 152)}


def simulate(effort, rng):
    """Paths at three rates, ends against x₀ at three rates, and ends over the flow's from random starts."""
    sizes, numbers = SIZES[effort], {"paths_k": np.array(PATHS), "ends_k": np.array(ENDS)}
    w0 = np.stack([_runs.weights(rng, WIDTH, 0.2, 1.0) for _ in PATHS])
    numbers["path_f"], numbers["path_kernel"] = _runs.net_run(w0, np.array(PATHS), STEPS)
    path = [(np.full(len(PATHS), 0.2), np.ones(len(PATHS)))]
    for _ in range(STEPS):
        path.append(predicted.catapult_step(*path[-1], np.array(PATHS), WIDTH))
    numbers["map_f"], numbers["map_kernel"] = np.moveaxis(np.array(path), 1, 0)
    numbers["x0"] = np.geomspace(1e-6, 0.3, sizes.starts)
    numbers["ends"] = np.array([predicted.final_kernel(numbers["x0"], k, 1.0, 1) for k in ENDS])
    numbers["x0_marks"] = marks = np.geomspace(2e-6, 0.2, sizes.marks)
    root = np.sqrt(WIDTH)
    numbers["ends_net"] = np.array([_runs.net_run(np.stack([_runs.weights(rng, WIDTH, x * root, k) for x in marks]),
                                                  1.0, 1500)[1][-1] for k in ENDS])
    beyond = np.stack([_runs.weights(rng, WIDTH, 0.01 * root, k) for k in (3.99, 4.01)])
    numbers["beyond"] = np.abs(_runs.net_run(beyond, 1.0, 3000)[0][-1])
    x, k = rng.uniform(0.3, 1.8, sizes.nets), rng.uniform(2.0, 3.9, sizes.nets)
    fits = k > 2.02 * x
    x, k = (np.concatenate([np.transpose(COUNTER)[j], part[fits]]) for j, part in enumerate((x, k)))
    f, kernels = _runs.net_run(np.stack([_runs.weights(rng, WIDTH, a * root, b) for a, b in zip(x, k)]), 1.0, 1500)
    rested = np.abs(f[-1]) < 1e-6
    numbers |= {"start_x": x[rested], "start_k": k[rested], "end": kernels[-1][rested],
                "flow": predicted.flow_kernel(x[rested] * root, k[rested], WIDTH),
                "largest": (f[:, rested] ** 2 / WIDTH).max(axis=0),
                "product": np.abs(np.prod(1 - f[:, rested] ** 2 / WIDTH, axis=0)), "rested": rested.sum(),
                "started": len(x)}
    return numbers | _against_rate(sizes, rng)


def _against_rate(sizes, rng):
    """Ends against k₀ over 24 small starts, and of one net per rate; one number per rate, or not."""
    rates, starts = np.linspace(2.05, 3.9, sizes.rates), np.geomspace(1e-7, 1e-4, 24)
    f, kernels = np.broadcast_arrays(starts, rates[:, None])
    for _ in range(3000):  # at rest, or below 1e-2 and hardly falling
        f, kernels = predicted.catapult_step(f, kernels, 1.0, 1)
    chosen = rates[::sizes.rates // 19]
    size = 10.0 ** rng.uniform(-7, -4, len(chosen))
    begun = np.stack([_runs.weights(rng, WIDTH, x * np.sqrt(WIDTH), k) for x, k in zip(size, chosen)])
    return {"rate_k": rates, "rate_ends": kernels, "net_k": chosen, "net_ends": _runs.net_run(begun, 1.0, 1500)[1][-1],
            "net_law": predicted.final_kernel(size[chosen < 3], chosen[chosen < 3], 1.0, 1)}


def _unique(numbers):
    """Which rates have one end for all small starts: up to the first that has not."""
    spread = np.ptp(numbers["rate_ends"], axis=1) / numbers["rate_ends"].mean(axis=1)
    return np.cumsum(spread > UNIQUE) == 0


def judge(numbers):
    """The map against the net, the identity, and the two halves of "flatter"."""
    error = max(np.abs(numbers[f"map_{name}"] - numbers[f"path_{name}"]).max() for name in ("f", "kernel"))
    f, kernel = numbers["path_f"][:-1], numbers["path_kernel"][:-1]
    without = np.abs(f * (1 - np.array(PATHS) * kernel) - numbers["path_f"][1:]).max()
    ratio = numbers["end"] / numbers["flow"]
    identity = np.abs(ratio - numbers["product"]).max()
    below, above = numbers["largest"] < 2, ratio > 1 + 1e-9
    expected = np.array([predicted.final_kernel(numbers["x0_marks"], k, 1.0, 1) for k in ENDS])
    ends = np.abs(numbers["ends_net"] - expected).max()
    limits = [numbers["ends"][j][numbers["x0"] < 1e-4] for j in range(3)]
    largest = np.max(np.abs(numbers["path_f"]) / 0.2, axis=0)
    return (*_judge_rates(numbers),
        holds("LBDSG20.map", f"f and κ of a net with m = {WIDTH}, {STEPS} steps at three rates: largest difference",
              "0", f"{error:.1e}", "≤ 1e-11", error <= 1e-11, null=f"without η²f²/m: {without:.2g}"),
        holds("LBDSG20.divergence", "|f| in the end from ηκ₀ = 3.99 and 4.01, x₀ = 0.01", "small, and diverged",
              ", ".join(f"{value:.2g}" for value in numbers["beyond"]), "≤ 0.1, and not finite",
              numbers["beyond"][0] <= 0.1 and not np.isfinite(numbers["beyond"][1]),
              null="a limit at ηκ = 2: both diverge"),
        holds("LBDSG20.catapult", "growth of |f| from its start at ηκ₀ = 1.5, 2.5, 3.5, then |f| in the end",
              "1, > 1, > 1; then 0", ", ".join(f"{value:.2f}" for value in largest)
              + f"; {np.abs(numbers['path_f'][-1]).max():.0e}", "as said; ≤ 1e-3",
              largest[0] < 1 + 1e-12 and (largest[1:] > 2).all() and np.abs(numbers["path_f"][-1]).max() < 1e-3,
              null="a limit at ηκ = 2: diverges"),
        holds("LBDSG20.flatter", f"κ_∞ over the flow's against Π|1 − η²f²/m|, {numbers['rested']} nets that came to "
              f"rest of {numbers['started']}: largest difference", "0", f"{identity:.1e}", "≤ 1e-9", identity <= 1e-9,
              null=f"the flow alone: {np.abs(ratio - 1).max():.2g}"),
        holds("LBDSG20.flatter", f"nets that end sharper than the flow: of {below.sum()} with every η²f²/m < 2, and of "
                                 f"the others",
              "0, and some", f"{(above & below).sum()}, and {(above & ~below).sum()} of {(~below).sum()}",
              "0, and at least 2",
              not (above & below).any() and (above & ~below).sum() >= 2, null="always flatter: 0 and 0"),
        close("LBDSG20.flatter", "κ_∞ from x₀ = 1.45, k₀ = 3 (gradient flow .7681)",
              predicted.final_kernel(1.45, 3.0, 1.0, 1), numbers["end"][0], 1e-6, null=(numbers["flow"][0], "flow")),
        holds("LBDSG20.catapult", "spread of the end over x₀ < 1e-4 at k₀ = 2.1, 2.5, 3; nets on the curves: largest "
                                  "difference",
              "small, small, large; 0", ", ".join(f"{np.ptp(limit):.1e}" for limit in limits) + f"; {ends:.0e}",
              "< 1e-5, < 1e-5, > 0.03; ≤ 1e-7", np.ptp(limits[0]) < 1e-5 and np.ptp(limits[1]) < 1e-5
              and np.ptp(limits[2]) > 0.03 and ends <= 1e-7, null="one limit per k₀: spread 0 at 3", kind="simulated"))


def _judge_rates(numbers):
    """Nets against the map's end at their own start, and where the end stops being one number."""
    unique, rates, smallest = _unique(numbers), numbers["rate_k"], numbers["rate_ends"].min(axis=1)
    last = float(rates[unique][-1])
    inside = numbers["net_k"] <= last
    ends, laws = numbers["net_ends"][inside], numbers["net_law"][:inside.sum()]
    apart = np.abs(ends - laws).max()
    spread = (np.ptp(numbers["rate_ends"], axis=1) / smallest)[rates > 3].min()
    return (
        holds("LBDSG20.catapult", f"κ_∞ of {inside.sum()} nets with ηκ₀ up to {last:.2f}, where it is one number, "
              "against the map: largest difference", "0", f"{apart:.0e}", "≤ 1e-7", bool(apart <= 1e-7),
              null=f"the flow's end, κ₀: at least {np.abs(numbers['net_k'][inside] - laws).min():.2g}"),
        holds("LBDSG20.catapult", "ηκ₀ up to which 24 starts below 1e-4 end within .1 %; least spread beyond 3",
              "2.5 to 3; large", f"{last:.2f}; {100 * spread:.0f} %", "2.5 to 3; ≥ 5 %",
              bool(2.5 <= last <= 3 and spread >= 0.05), null="one curve for all ηκ₀ < 4: 3.9; 0 %", kind="algebra"))


def draw(numbers):
    """(a) |f| and (b) κ along runs, (c) ends against k₀, (d) end over the flow's against the largest η²f²/m."""
    picture, axes = panels(2, 2, width=4.2, height=3.1)
    time = np.arange(STEPS + 1)
    for k, rate in enumerate(PATHS):
        shown = slice(0, None, 3)
        axes[0].semilogy(time, np.abs(numbers["map_f"][:, k]), label=f"$\\eta\\kappa_0={rate:g}$", **theory(k))
        axes[0].semilogy(time[shown], np.abs(numbers["path_f"][shown, k]), **simulation(k, markersize=3.5))
        axes[0].semilogy(time, 0.2 * np.abs(1 - rate)**time, label=None if k else "null: $\\kappa$ stays", **null())
        axes[1].plot(time, rate * numbers["map_kernel"][:, k], label=f"$\\eta\\kappa_0={rate:g}$", **theory(k))
        axes[1].plot(time[shown], rate * numbers["path_kernel"][shown, k], **simulation(k, markersize=3.5))
    axes[0].set(xlabel="step", ylabel="output $|f|$", ylim=(1e-6, 20), title="catapult")
    axes[1].axhline(2, label="edge, 2 (guide)", **guide())
    axes[1].set(xlabel="step", ylabel="$\\eta\\kappa$", title="the kernel falls below the edge")
    _draw_ends(axes[2], numbers)
    ratio = numbers["end"] / numbers["flow"]
    axes[3].plot(numbers["largest"], ratio, label="nets from random starts", **simulation(0, markersize=3))
    axes[3].axhline(1, label="gradient flow (null)", **theory(0))
    axes[3].axvline(2, label="bound: flatter to the left", **bound(1))
    axes[3].set(xlabel="largest $\\eta^2 f_t^2/m$ of the run", ylabel="$\\kappa_\\infty$ over the flow's",
                title="not always flatter")
    for axis in axes[:2]:
        key(axis, loc="upper right", ncols=2)
    axes[3].legend(loc="upper left")
    return picture


def _draw_ends(axis, numbers):
    rates, ends, unique = numbers["rate_k"], numbers["rate_ends"], _unique(numbers)
    beyond = ~unique
    axis.plot(rates[unique], ends[unique].mean(axis=1), label="theory: one end for all small $x_0$", **theory(0))
    axis.fill_between(rates[beyond], ends[beyond].min(axis=1), ends[beyond].max(axis=1), color="#d9d9d9", linewidth=0,
                      label="theory: range over $x_0$, erratic")
    axis.axvline(rates[unique][-1], **guide())
    axis.plot(numbers["net_k"], numbers["net_ends"], label="simulation: one net each", **simulation(1, markersize=4))
    axis.axhline(2, **guide())
    axis.plot(rates, rates, label="null: gradient flow's end", **null())
    axis.set(xlabel="$\\eta\\kappa_0$", ylabel="$\\eta\\kappa$ at the end", ylim=(0, 4.6),
             title="the kernel that a catapult lands on")
    axis.legend(loc="upper left")


FIGURE = Figure(
    "edge-catapult", "The catapult: up, then to a flatter minimum – unless a step is too long",
    f"f = u·v/√m with m = {WIDTH} on one example. Lines are the exact map of (f, κ), markers gradient descent on all "
    "weights. (a) The output grows at first where ηκ₀ > 2. (b) Its kernel κ falls until ηκ < 2. (c) Where ηκ ends "
    "against where it starts, for small f₀: one curve up to about 2.65 (line), beyond it an end that depends on the "
    "start (grey: range over 24 starts between 1e-7 and 1e-4); markers are nets, each from its own start. (d) Kernel "
    "at the end over that of gradient flow, each marker one start with x₀ in (0.3, 1.8) and k₀ in (2, 3.9): below 1 "
    "left of the dotted bound, where every η²f²/m < 2, and on either side of 1 beyond.",
    simulate, judge, draw, ("LBDSG20.map", "LBDSG20.catapult", "LBDSG20.divergence", "LBDSG20.flatter"), (2, 1.5, 2.5))
