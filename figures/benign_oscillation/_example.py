"""One example with two patches: the poster's illustration, the mechanism, and how the oscillation ends."""

import numpy as np
from scipy.ndimage import maximum_filter1d

from figures._legacy import Drawing, close, holds
from figures._style import INK, SHADES, panels, simulation, theory
from figures.benign_oscillation._map import LIMIT, SIGNS, outputs
from refimpl import benign_oscillation as simulated
from theory import benign_oscillation as predicted

KAPPA = 0.01
SMALL = np.array([1e-4, 1e-6, 5e-5, 5e-7])  # α, β, α⁻, β⁻


def network(c, rng, *, dim=20, width=8):
    """A run of the network on one example until all is learned: (path of four strengths, outputs, training)."""
    model = simulated.TwoLayerCNN(dim, width)
    data = simulated.two_patches(np.eye(dim)[0], 0.1 * np.eye(dim)[1])
    w0 = model.init(rng)
    filters = np.arange(width)
    w0[..., 0] = np.abs(w0[..., 0]) * (1 - 2 * (filters % 2))        # every filter pair sees each feature
    w0[..., 1] = np.abs(w0[..., 1]) * (1 - 2 * (filters // 2 % 2))
    if c > 1:
        alpha, beta = (simulated.strengths(w0 @ feature)[0][0] for feature in (data.strong_vector, data.weak_vector))
        steps = int(2.3 * predicted.weak_half_time(c, KAPPA, alpha, beta))
    else:
        steps = int(40 / c)
    run = simulated.train(model, data, w0, lr=c * width / 4, steps=steps, record_every=1)
    parts = [simulated.strengths(values) for values in (run.strong, run.weak)]
    four = np.stack([parts[0][0][..., 0], parts[1][0][..., 0], parts[0][1][..., 0], parts[1][1][..., 0]], axis=-1)
    return four, 1 - run.residuals[:, 0], run


def iterate(state, c, steps):
    """The theory's map, step by step."""
    path = [state]
    for _ in range(steps):
        path.append(predicted.feature_map(path[-1], c, KAPPA))
    return np.array(path)


def two_patches(effort, rng):
    """f, ⟨w, u⟩ and ⟨w, v⟩ of one example at a large and a small rate."""
    large, small = 1.2, 0.1
    figure, axes = panels(2, 3, width=3.7, height=2.7)
    rows, data, ends = [], {}, {}
    for row, (c, name) in enumerate(((large, "large"), (small, "small"))):
        four, output, run = network(c, rng)
        steps = len(output)
        exact = iterate(four[0], c, steps)
        error = np.abs(exact - four).max()
        time = np.arange(steps + 1)
        best = int(np.argmax(run.weak[0, 0]))           # the filter that sees the weak patch most
        strongest = int(np.argmax(run.strong[0, 0]))
        gains = [np.sqrt(exact[:, k] / exact[0, k]) for k in (0, 1)]
        marks = np.linspace(0, steps - 1, 30).astype(int) // 2 * 2 + np.arange(30) % 2  # both phases of the oscillation
        marks = marks if name == "large" else np.arange(0, steps + 1, 12)
        curves = ((exact @ SIGNS, np.append(output, four[-1] @ SIGNS), "output $f$"),
                  (gains[0] * run.strong[0, 0, strongest], run.strong[:, 0, strongest], "$\\langle w_r,u\\rangle$"),
                  (gains[1] * run.weak[0, 0, best], run.weak[:, 0, best], "$\\langle w_r,v\\rangle$"))
        for k, (line, measured, label) in enumerate(curves):
            axis = axes[3 * row + k]
            thin = {"linewidth": 0.25} if name == "large" and k < 2 else {}
            axis.plot(time, line, label="four-number map", **theory(0, **thin))
            axis.plot(marks, measured[marks], label="network", **simulation(1, markersize=3.5))
            axis.set(xlabel="step $t$", ylabel=label)
            data |= {f"{name}_{'fuv'[k]}": line, f"{name}_{'fuv'[k]}_network": measured}
        axes[3 * row].axhline(1, color=INK, linewidth=0.7, zorder=0)
        axes[3 * row + 1].set_title(f"{name} rate, $c={c:g}$")
        if name == "large":
            top = 1.1 * run.weak[:, 0, best].max()
            for axis in axes[:3]:
                axis.set_xticks(np.arange(0, steps + 1, 4000))
            zoom = axes[0].inset_axes([0.4, 0.1, 0.56, 0.27])
            zoom.plot(time[:41], curves[0][0][:41], **theory(0, linewidth=0.8))
            zoom.plot(time[:41], curves[0][1][:41], **simulation(1, markersize=2.2, markeredgewidth=0.7))
            zoom.set(ylim=(-0.1, 1.5))
            zoom.tick_params(labelsize=6.5)
        else:
            axes[3 * row + 2].text(0.97, 0.3, f"grows by {gains[1][-1] - 1:.0%}", transform=axes[3 * row + 2].transAxes,
                                   ha="right", fontsize=8.5)
        axes[3 * row + 2].set(ylim=(-0.03 * top, top))
        ends[name] = four[-1], four[0], output
        rows.append(holds("LWYZ24.two-patch",
                          f"four strengths of the network against the map, {steps} steps at c = {c:g}: largest "
                          "difference", "0", f"{error:.1e}", "≤ 1e-11", error <= 1e-11))
    axes[3].legend(loc="lower right")
    axes[0].set_ylim(-0.05, 1.5)
    settled = [int(np.argmax(np.abs(1 - part[2]) < 1e-3)) if (np.abs(1 - part[2]) < 1e-3).any() else len(part[2])
               for part in (ends["small"], ends["large"])]
    shares = [part[0][1] / part[1][1] for part in (ends["small"], ends["large"])]
    law = predicted.small_rate_limit(ends["small"][1][0], ends["small"][1][1], KAPPA) / ends["small"][1][1]
    rows += [holds("LWYZ24.small-smooth", "steps until |1 − f| < 1e-3, small and large rate", "fewer at the small rate",
                   f"{settled[0]} and {'> ' if settled[1] == len(ends['large'][2]) else ''}{settled[1]}",
                   "factor 10", 10 * settled[0] < settled[1]),
             close("LWYZ24.small-lr", "growth of β at the small rate, β_∞/β₀", law, shares[0], 0.015 * law),
             close("LWYZ24.large-lr", "β at the end at the large rate", predicted.weak_limit(large, KAPPA),
                   ends["large"][0][1], 2e-3)]
    return Drawing(figure, data, tuple(rows))


def mechanism(effort, rng):
    """Balance of the strong updates, accumulation of residuals, growth of the weak feature and its half-time."""
    points, begins = {"quick": (5, 24), "standard": (11, 64), "full": (21, 200)}[effort]
    figure, axes = panels(2, 2, width=4.4, height=3.2)
    pieces = (_balance(axes[0]), _accumulation(axes[1]), _growth(axes[2]), _half_times(axes[3], points, begins, rng))
    return Drawing(figure, {key: value for _, data in pieces for key, value in data.items()},
                   tuple(row for rows, _ in pieces for row in rows))


def _balance(axis):
    c, steps = 1.4, 400
    begin = [outputs(c, 0.02, 500, 0)[0], 0.0, 0.0, 0.0]
    path = simulated.descend_reduced(begin, c, KAPPA, steps)
    w, error = np.sqrt(path[:, 0]), 1 - path[:, 0]
    updates = error[:-1] * w[:-1]
    sums = [np.cumsum(np.maximum(sign * updates, 0)) for sign in (1, -1)]
    net = np.cumsum(updates)
    law = predicted.update_balance(w[0], w[1:], c)
    time = np.arange(1, steps + 1)
    marks = slice(9, None, 24)
    axis.plot(time, sums[0], color=SHADES[2], linewidth=1.2, linestyle="-", label="steps with $f<1$")
    axis.plot(time, sums[1], color=SHADES[3], linewidth=1.2, linestyle="--", label="steps with $f>1$, sign changed")
    axis.plot(time, law, label="$(w_t-w_0)/c$", **theory(0, linewidth=0.6))
    axis.plot(time[marks], net[marks], label="their difference, simulated", **simulation(1, markersize=3.5))
    axis.set(xlabel="step $t$", ylabel="$\\sum(1-f)\\langle w,u\\rangle$", title=f"strong updates balance, $c={c:g}$")
    axis.legend(loc="upper left")
    worst = np.abs(net - law).max()
    rows = [holds("LWYZ24.balance", f"net sum of strong updates over 1…{steps} steps: largest difference",
                  "(w_t − w_0)/c",
                  f"{worst:.1e}", "≤ 1e-11", worst <= 1e-11),
            holds("LWYZ24.balance", f"net over one-signed sum after {steps} steps", "→ 0",
                  f"{abs(net[-1]) / sums[0][-1]:.4f}",
                  "≤ 0.02", abs(net[-1]) <= 0.02 * sums[0][-1])]
    return rows, {"balance_positive": sums[0], "balance_negative": sums[1], "balance_net": net}


def _accumulation(axis):
    steps, rows, data = 2000, [], {}
    time = np.arange(1, steps + 1)
    for k, c in enumerate((1.02, 1.1, 1.2, 1.4)):
        total = np.cumsum(1 - outputs(c, outputs(c, 0.02, 6000, 0)[0], 0, steps)[:-1])
        slope = predicted.mean_residual(c)
        axis.plot(time, slope * time, label=f"$c={c:g}$", **theory(k))
        marks = np.arange(99, steps, 200) + np.arange(10) % 2
        axis.plot(time[marks], total[marks], **simulation(k, markersize=4))
        data[f"accumulated_{c:g}"] = total
        allowed = 1.0 / steps if c < predicted.PERIOD_DOUBLING else 0.02
        rows.append(close("LWYZ24.negative-updates", f"Σ(1 − f) over {steps} steps at c = {c:g}, per step", slope,
                          total[-1] / steps, allowed))
    axis.set(xlabel="step $t$", ylabel="$\\sum(1-f)$", title="residuals accumulate")
    axis.legend(loc="upper left", title="line: mean residual, markers: runs", title_fontsize=7.5)
    return rows, data


def _growth(axis):
    rows, data = [], {}
    for k, (c, kappa) in enumerate(((1.2, 0.03), (1.2, 0.01), (1.1, 0.01))):
        begin = np.array([outputs(c, 0.02, 8000, 0)[0], 1e-6, 0.0, 0.0])
        plateau, rate = predicted.stable_weak_strength(c, kappa), kappa * (1 - kappa) * (c - 1)
        steps = int(2.2 * np.log(plateau / begin[1]) / rate)
        path = simulated.descend_reduced(begin, c, kappa, steps)
        time = np.arange(steps + 1)
        logistic = plateau / (1 + (plateau / begin[1] - 1) * np.exp(-rate * time))
        axis.semilogy(time, logistic, label=f"$c={c:g}$, $\\kappa={kappa:g}$", **theory(k))
        marks = np.linspace(0, steps, 16).astype(int)
        axis.semilogy(marks, path[marks, 1], **simulation(k, markersize=4))
        early = steps // 16 * 2  # whole periods
        measured = np.log(path[early, 1] / path[0, 1]) / early
        exact = predicted.weak_growth_rate(c, kappa)
        rows.append(close("LWYZ24.weak-learning", f"growth of log β per step, c = {c:g}, κ = {kappa:g}", exact,
                          measured,
                          0.01 * exact))
        error = 1 - path[:-1] @ SIGNS
        excess = predicted.weak_excess(c * error, kappa).sum()
        gained = np.log(path[-1, 1] / path[0, 1]) - kappa * np.log(path[-1, 0] / path[0, 0])
        rows.append(close("LWYZ24.engine", f"log β gained beyond κ log α, c = {c:g}, κ = {kappa:g} ({steps} steps)",
                          excess,
                          gained, 1e-9 * abs(gained)))
        data |= {f"growth_{k}": path[:, 1], f"logistic_{k}": logistic}
    w, error = np.sqrt(path[:-1, 1]), 1 - path[:-1] @ SIGNS
    reach = kappa * c * np.cumsum(error)
    for size in (0.1, 3.0):
        t = int(np.argmax(reach > size))
        ratio = (error * w)[:t + 1].sum() / (error[:t + 1].sum() * w[0])
        true = np.expm1(reach[t]) / reach[t]
        rows.append(close("LWYZ24.weak-learning",
                          f"weak updates over the poster's linear sum at κcΣ(1 − f) = {size:g} (poster: "
                          "1)", true, ratio, 0.05 * true))
    axis.set(xlabel="step $t$ since the oscillation began", ylabel="$\\beta$", title="the weak feature grows")
    axis.legend(loc="lower right", title="line: logistic law", title_fontsize=7.5)
    return rows, data


def _half_times(axis, points, begins, rng):
    rates = np.linspace(1.04, LIMIT - 0.012, points)
    rows, data = [], {"half_rates": rates}
    for k, (kappa, limit) in enumerate(((0.03, (0.02, 0.06)), (0.01, (0.01, 0.03)))):
        begin = SMALL * np.exp(rng.uniform(-0.3, 0.3, (begins, 1)))
        centre = np.exp(np.log(begin[:, :2]).mean(axis=0))
        expected = np.array([predicted.weak_half_time(c, kappa, *centre) for c in rates])
        measured = []
        for c, guess in zip(rates, expected):
            steps = int(1.5 * guess) + 500
            beta = simulated.descend_reduced(begin, c, kappa, steps)[..., 1]
            measured.append(np.argmax(beta >= predicted.stable_weak_strength(c, kappa) / 2, axis=0).mean())
        measured = np.array(measured)
        fine = np.union1d(np.linspace(1.02, LIMIT - 0.01, 8 if points < 8 else 40), rates)
        line = np.array([predicted.weak_half_time(c, kappa, *centre) for c in fine])
        axis.semilogy(fine, line, label=f"$\\kappa={kappa:g}$", **theory(k))
        axis.semilogy(rates, measured, **simulation(k))
        off = np.abs(measured / expected - 1)
        closed = rates < predicted.PERIOD_DOUBLING
        data |= {f"half_time_{kappa:g}": expected, f"half_time_{kappa:g}_measured": measured}
        rows.append(holds("LWYZ24.longer", f"half-time at κ = {kappa:g}, {points} rates, closed form and beyond: "
                                           "largest relative difference", "0",
                          f"{off[closed].max():.2%} and {off[~closed].max():.2%}",
                          f"≤ {limit[0]:.0%} and ≤ {limit[1]:.0%}",
                          off[closed].max() <= limit[0] and off[~closed].max() <= limit[1]))
    axis.set(xlabel="$c$", ylabel="steps until $\\beta=\\beta^*/2$", title="half-time")
    axis.legend(loc="upper right", title="line: theory, markers: mean of runs", title_fontsize=7.5)
    return rows, data


def how_it_ends(effort, rng):
    """Plane of both strengths, what is learned at each rate, annealing, and the end of the window."""
    points, begins = {"quick": (9, 4), "standard": (21, 16), "full": (41, 64)}[effort]
    figure, axes = panels(1, 3, width=3.9, height=3.5)
    pieces = (_plane(axes[0]), _learned(axes[1], points, begins, rng), _annealed(axes[2], points))
    return Drawing(figure, {key: value for _, data in pieces for key, value in data.items()},
                   tuple(row for rows, _ in pieces for row in rows))


def _plane(axis):
    c, kappa = 1.2, 0.05
    edge = predicted.stable_weak_strength(c, kappa)
    axis.plot([0, 1 - edge], [1, edge], label="$f=1$, stable", **theory(0, linewidth=2.2))
    axis.plot([1 - edge, 1], [edge, 0], label="$f=1$, unstable", **theory(1))
    path = simulated.descend_reduced([1e-4, 1e-6, 0, 0], c, kappa, 4000)
    late = path[int(0.5 * np.argmax(path[:, 1] > edge / 2)):]
    axis.plot(late[:, 0], late[:, 1], color="#b7b7b7", linewidth=0.3, zorder=0)
    axis.plot(late[::37, 0], late[::37, 1], label=f"run, $c={c:g}$", **simulation(2, markersize=3))
    axis.plot(*path[-1, :2], label="its end", **simulation(0, markersize=8, markeredgewidth=1.6))
    small = simulated.descend_reduced([1e-4, 1e-6, 0, 0], 0.3, kappa, 400)
    axis.plot(*small[-1, :2], label="end at $c=0.3$", **simulation(1, markersize=8, markeredgewidth=1.6))
    axis.annotate("$\\beta^*$", (1 - edge, edge), (1 - edge - 0.22, edge + 0.06), ha="right", fontsize=9,
                  arrowprops={"arrowstyle": "-", "color": INK, "linewidth": 0.6})
    axis.set(xlabel="strong feature $\\alpha$", ylabel="weak feature $\\beta$", xlim=(0.35, 1.45), ylim=(-0.02, 0.42),
             title=f"it must oscillate until $\\beta^*$, $\\kappa={kappa:g}$")
    axis.legend(loc="upper right")
    step, rows = 1e-6, []
    for beta, name in ((0.8 * edge, "below"), (1.2 * edge, "above")):
        begin = np.array([[1 - beta + sign * step, beta, 0, 0] for sign in (1, -1)])
        after = simulated.descend_reduced(begin, c, kappa, 1)[-1] @ SIGNS
        rows.append(close("LWYZ24.sufficient", f"multiplier of f = 1 at β {name} β*, c = {c:g}, κ = {kappa:g}",
                          predicted.interpolation_multiplier(c, kappa, beta), (after[0] - after[1]) / (2 * step), 1e-6))
    return rows, {"plane_path": path, "plane_small": small}


def _learned(axis, points, begins, rng):
    kappa = 0.03
    rates = np.linspace(0.2, 1.56, points)
    rates = rates[np.abs(rates - 1) > 0.02]
    begin = SMALL * np.exp(rng.uniform(-1, 1, (begins, len(rates), 4)))
    fine = np.linspace(1.001, LIMIT - 1e-6, 200)
    longest = int(2.5 * max(predicted.weak_half_time(c, kappa, *SMALL[:2]) for c in rates[rates > 1])) + 3000
    path = simulated.descend_reduced(begin[:4], rates, kappa, longest)
    rest = simulated.descend_reduced(begin[4:], rates, kappa, longest, record_every=longest)
    end = np.concatenate([path[-1], rest[-1]])
    limit = np.array([predicted.weak_limit(c, kappa) for c in fine])
    axis.plot(fine, limit, label="$\\beta^*(1+\\kappa(1-\\kappa)/4)$", **theory(0))
    flow = predicted.small_rate_limit(*SMALL[:2], kappa)
    axis.plot([0.2, 1], [flow, flow], label="gradient flow", **theory(1))
    beyond = np.array([1.64, 1.75, 1.9])
    lost = simulated.descend_reduced(SMALL * np.ones((len(beyond), 1)), beyond, kappa, 6000, record_every=6000)[-1]
    axis.plot(np.tile(rates, begins), end[..., 1].ravel(), label=f"runs, {begins} starts each",
              **simulation(0, markersize=4))
    axis.plot(beyond, lost[:, 1], label="beyond: $u$ is lost", **simulation(2))
    axis.axvline(LIMIT, color=INK, linewidth=0.7, linestyle=(0, (1, 2)))
    axis.axvline(1, color=INK, linewidth=0.7, linestyle=(0, (1, 2)))
    axis.set(xlabel="$c$", ylabel="weak feature learned, $\\beta_\\infty$",
             title=f"what is learned, $\\kappa={kappa:g}$", ylim=(-0.03, 1.08))
    axis.legend(loc="upper left")
    large = rates > 1
    expected = np.array([predicted.weak_limit(c, kappa) for c in rates[large]])
    off = np.abs(end[:, large, 1] / expected - 1).max()
    oscillating = rates > 1.06
    nearby = maximum_filter1d(np.abs(1 - path[:, :, oscillating] @ SIGNS), 61, axis=0)[400:]
    before = path[400:, :, oscillating, 1] < 0.9 * predicted.stable_weak_strength(rates[oscillating], kappa)
    quiet = np.where(before, nearby, np.inf).min()
    small = end[:, ~large, 1] / begin[:, ~large, 1]
    law = predicted.small_rate_limit(begin[:, ~large, 0], begin[:, ~large, 1], kappa) / begin[:, ~large, 1]
    rows = [holds("LWYZ24.large-lr", f"β at the end, {begins} starts at {large.sum()} rates: largest relative "
                                     "difference from β*(1 + κ(1 − κ)/4)", "0", f"{off:.1e}", "≤ 1e-3", off <= 1e-3),
            holds("LWYZ24.patterns", "share of the output that the weak feature gets, least and most of them",
                  f"{expected.min():.3f}…{expected.max():.3f}",
                  f"{end[:, large, 1].min():.3f}…{end[:, large, 1].max():.3f}",
                  "±1e-3", abs(expected.min() - end[:, large, 1].min()) < 1e-3
                  and abs(expected.max() - end[:, large, 1].max()) < 1e-3),
            holds("LWYZ24.sufficient", "smallest max|1 − f| over 61 steps while β < 0.9 β*, runs with c > 1.06",
                  "> 0: never at rest", f"{quiet:.3f}", "> 0.03", quiet > 0.03),
            holds("LWYZ24.small-lr", f"growth of β for c < 1, {begins} starts at {(~large).sum()} rates: largest "
                                     "relative difference from gradient flow", "0",
                  f"{np.abs(small / law - 1).max():.3f}", "≤ 0.15",
                  np.abs(small / law - 1).max() <= 0.15),
            holds("LWYZ24.window", "beyond the window (c = 1.64, 1.75, 1.9): α and β at the end", "0 and 1",
                  f"{lost[:, 0].max():g} and {lost[:, 1].min():.6f}", "exact and ±1e-6",
                  lost[:, 0].max() == 0 and np.abs(lost[:, 1] - 1).max() < 1e-6)]
    return rows, {"learned_rates": rates, "learned": end[..., 1], "learned_line": limit, "beyond": lost}


def _annealed(axis, points):
    c, after = 1.2, 0.05
    begin = np.array([outputs(c, 0.02, 3000, 0)[0], 1e-6, 0.0, 0.0])
    longest = int(1.6 * predicted.weak_half_time(c, KAPPA, 0.5, 1e-6))
    whole = simulated.descend_reduced(begin, c, KAPPA, longest)
    marks = np.linspace(0, longest, 14).astype(int)
    axis.semilogy(marks, whole[marks, 1], label=f"$c={c:g}$ throughout", **simulation(0, markersize=4))
    moments, worst, rest = np.linspace(0.15, 0.95, min(points, 9)) * longest, 0.0, 0.0
    law = predicted.small_rate_limit(whole[:, 0], whole[:, 1], KAPPA)
    axis.semilogy(law, label="frozen at, if annealed then", **theory(0))
    ends = []
    for moment in moments.astype(int):
        tail = simulated.descend_reduced(whole[moment], after, KAPPA, 1500)
        ends.append(tail[-1, 1])
        worst = max(worst, abs(tail[-1, 1] / law[moment] - 1))
        rest = max(rest, abs(1 - tail[-1] @ SIGNS))
        axis.semilogy(moment + np.arange(len(tail)), tail[:, 1], color=SHADES[1], linewidth=0.8)
    axis.semilogy(moments.astype(int) + 1500, ends, label=f"annealed to $c={after:g}$", **simulation(1))
    axis.set(xlabel="step $t$", ylabel="$\\beta$", title="the engine stops when annealed")
    axis.legend(loc="lower right")
    rows = [holds("LWYZ24.greedy", f"β after annealing at {len(moments)} moments: largest relative difference from its "
                                   "law; |1 − f|", "0 and 0", f"{worst:.1e} and {rest:.0e}", "≤ 0.005 and ≤ 1e-6",
                  worst <= 0.005 and rest <= 1e-6)]
    return rows, {"anneal_path": whole[:, 1], "anneal_moments": moments, "anneal_ends": np.array(ends)}
