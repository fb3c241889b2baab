"""How the oscillation ends: on which points, with how much learned, when annealed, and at the end of the window."""

import numpy as np

from figures._figure import Figure, close, frozen, holds
from figures._style import INK, SHADES, guide, key, null, panels, simulation, theory
from figures.benign_oscillation._runs import KAPPA, LIMIT, SIGNS, SMALL, outputs
from refimpl import benign_oscillation as simulated
from theory import benign_oscillation as predicted

PLANE = (1.2, 0.05)                    # c and κ of the plane
LEARNED = 0.03                         # κ of what is learned
ANNEALED = (1.2, 0.05)                 # c before and after
BEYOND = np.array([1.64, 1.75, 1.9])
KEPT_KAPPAS, KEPT_RATES = (0.01, 0.1), np.array([1.57, 1.59, 1.597, 1.5985, 1.6, 1.605, 1.615, 1.64])

# `points` rates, `begins` starts each; `kept` starts at each rate about the end of the window.
Sizes = frozen("points begins kept")
SIZES = {"quick": Sizes(7, 3, 40), "standard": Sizes(21, 16, 200), "full": Sizes(41, 64, 1000)}


def simulate(effort, rng):
    """A run in the plane of both strengths, ends at all rates, annealed runs, and shares that keep both features."""
    sizes = SIZES[effort]
    numbers = _plane()
    numbers |= _learned(sizes, rng)
    numbers |= _annealed(sizes.points)
    return numbers | _kept(sizes.kept, rng)


def _plane():
    c, kappa = PLANE
    edge, step, found, exact = predicted.stable_weak_strength(c, kappa), 1e-6, [], []
    for beta in (0.8 * edge, 1.2 * edge):
        begin = np.array([[1 - beta + sign * step, beta, 0, 0] for sign in (1, -1)])
        after = simulated.descend_reduced(begin, c, kappa, 1)[-1] @ SIGNS
        found.append((after[0] - after[1]) / (2 * step))
        exact.append(predicted.interpolation_multiplier(c, kappa, beta))
    return {"plane_path": simulated.descend_reduced([1e-4, 1e-6, 0, 0], c, kappa, 4000),
            "plane_small": simulated.descend_reduced([1e-4, 1e-6, 0, 0], 0.3, kappa, 400), "plane_edge": edge,
            "multipliers": np.array(found), "multipliers_predicted": np.array(exact)}


def _learned(sizes, rng):
    from scipy.ndimage import maximum_filter1d  # here: it is slow to load

    rates = np.linspace(0.2, 1.56, sizes.points)
    rates = rates[np.abs(rates - 1) > 0.02]
    begin = SMALL * np.exp(rng.uniform(-1, 1, (sizes.begins, len(rates), 4)))
    longest = int(2.5 * max(predicted.weak_half_time(c, LEARNED, *SMALL[:2]) for c in rates[rates > 1])) + 3000
    path = simulated.descend_reduced(begin[:4], rates, LEARNED, longest)
    rest = simulated.descend_reduced(begin[4:], rates, LEARNED, longest, record_every=longest)
    lost = simulated.descend_reduced(SMALL * np.ones((len(BEYOND), 1)), BEYOND, LEARNED, 6000, record_every=6000)[-1]
    oscillating = rates > 1.06
    nearby = maximum_filter1d(np.abs(1 - path[:, :, oscillating] @ SIGNS), 61, axis=0)[400:]
    before = path[400:, :, oscillating, 1] < 0.9 * predicted.stable_weak_strength(rates[oscillating], LEARNED)
    fine = np.linspace(1.001, LIMIT - 1e-6, 200)
    return {"learned_rates": rates, "learned": np.concatenate([path[-1], rest[-1]])[..., 1],
            "learned_line": np.array([predicted.weak_limit(c, LEARNED) for c in fine]), "learned_fine": fine,
            "learned_start": begin[..., :2], "learned_law": np.array([predicted.weak_limit(c, LEARNED)
                                                                      for c in rates[rates > 1]]),
            "learned_flow": predicted.small_rate_limit(begin[..., 0], begin[..., 1], LEARNED), "beyond": lost,
            "quiet": np.where(before, nearby, np.inf).min(),
            "resting": np.abs(1 - path[-1, :, oscillating] @ SIGNS).max()}


def _annealed(points):
    c, after = ANNEALED
    begin = np.array([outputs(c, 0.02, 3000, 0)[0], 1e-6, 0.0, 0.0])
    longest = int(1.6 * predicted.weak_half_time(c, KAPPA, 0.5, 1e-6))
    whole = simulated.descend_reduced(begin, c, KAPPA, longest)
    moments = np.linspace(0.15, 0.95, min(points, 9)) * longest
    tails = np.array([simulated.descend_reduced(whole[moment], after, KAPPA, 1500) for moment in moments.astype(int)])
    return {"anneal_path": whole[:, 1], "anneal_moments": moments, "anneal_ends": tails[:, -1, 1],
            "anneal_tails": tails[..., 1], "anneal_law": predicted.small_rate_limit(whole[:, 0], whole[:, 1], KAPPA),
            "anneal_rest": np.abs(1 - tails[:, -1] @ SIGNS).max()}


def _kept(count, rng):
    """Share of starts that end with both features at rates about the end of the window."""
    shares = []
    for kappa in KEPT_KAPPAS:
        begin = SMALL * np.exp(rng.uniform(-1, 1, (count, len(KEPT_RATES), 4)))
        steps = int(150 / kappa)
        end = simulated.descend_reduced(begin, KEPT_RATES, kappa, steps, record_every=steps)[-1]
        shares.append(((end[..., 0] > 0) & (end[..., 1] > 0.01)).mean(axis=0))
    return {"kept": np.array(shares), "kept_count": count}


def judge(numbers):
    """Stability of interpolation, what is learned, annealing, and the end of the window."""
    c, kappa = PLANE
    rows = [close("LWYZ24.sufficient", f"multiplier of f = 1 at β {name} β*, c = {c:g}, κ = {kappa:g}", exact, found,
                  1e-6, null=(1 - 2 * c, "without the weak feature"))
            for name, found, exact in zip(("below", "above"), numbers["multipliers"], numbers["multipliers_predicted"])]
    rows.append(holds("LWYZ24.sufficient", "smallest max|1 − f| over 61 steps while β < 0.9 β*, runs with c > 1.06",
                      "> 0: never at rest", f"{numbers['quiet']:.3f}", "> 0.03", numbers["quiet"] > 0.03,
                      null=f"at rest, as in the end: {numbers['resting']:.1e}"))
    return (*rows, *_judge_learned(numbers), *_judge_ends(numbers))


def _judge_learned(numbers):
    rates, learned, law = numbers["learned_rates"], numbers["learned"], numbers["learned_law"]
    large, flow = rates > 1, numbers["learned_flow"][:, rates < 1]
    begins, ends = len(learned), learned[:, large]
    edge = predicted.stable_weak_strength(rates[large], LEARNED)
    off, wrong = np.abs(ends / law - 1).max(), np.abs(ends / edge - 1).max()
    low, high = (max(abs(reach(law) - reach(ends)), 0) for reach in (np.min, np.max))
    small, start = learned[:, ~large], numbers["learned_start"][:, ~large, 1]
    return (
        holds("LWYZ24.large-lr", f"β at the end, {begins} starts at {large.sum()} rates: largest relative difference "
              "from β*(1 + κ(1 − κ)/4)", "0", f"{off:.1e}", "≤ 1e-3", off <= 1e-3, null=f"β* itself: {wrong:.1e}"),
        holds("LWYZ24.patterns", "share of the output that the weak feature gets, least and most",
              f"{law.min():.3f}…{law.max():.3f}",
              f"{ends.min():.3f}…{ends.max():.3f}", "±1e-3", low < 1e-3 and high < 1e-3, null="all of it: 1"),
        holds("LWYZ24.small-lr", f"growth of β for c < 1, {begins} starts at {(~large).sum()} rates: largest relative "
              "difference from gradient flow", "0", f"{np.abs(small / flow - 1).max():.3f}", "≤ 0.15",
              np.abs(small / flow - 1).max() <= 0.15, null=f"no growth: {np.abs(start / flow - 1).max():.2f}"))


def _judge_ends(numbers):
    lost, law = numbers["beyond"], numbers["anneal_law"][numbers["anneal_moments"].astype(int)]
    worst, on = np.abs(numbers["anneal_ends"] / law - 1).max(), np.abs(numbers["anneal_path"][-1] / law - 1).max()
    at, inside = (numbers["kept"][:, KEPT_RATES == c][:, 0] for c in (1.6, 1.57))
    count = numbers["kept_count"]
    return (
        holds("LWYZ24.window", "beyond the window (c = 1.64, 1.75, 1.9): α and β at the end", "0 and 1",
              f"{lost[:, 0].max():g} and {lost[:, 1].min():.6f}", "exact and ±1e-6",
              lost[:, 0].max() == 0 and np.abs(lost[:, 1] - 1).max() < 1e-6, null="both features: β about 0.4"),
        holds("LWYZ24.window", f"of {count} starts, share that keeps both features at c = 1.57 and 1.6: κ = 0.01, κ = "
                               f"0.1",
              "1 and 0; 1 and some", f"{inside[0]:.2f} and {at[0]:.2f}; {inside[1]:.2f} and {at[1]:.2f}",
              "≥ 0.98 and ≤ 0.1; ≥ 0.98 and ≥ 0.1", inside.min() >= 0.98 and at[0] <= 0.1 <= at[1],
              null="a sharp end at any κ: 0 at 1.6"),
        holds("LWYZ24.greedy", f"β after annealing at {len(law)} moments: largest relative difference from its law; |1 "
                               f"− f|", "0 and 0",
              f"{worst:.1e} and {numbers['anneal_rest']:.0e}", "≤ 0.005 and ≤ 1e-6",
              worst <= 0.005 and numbers["anneal_rest"] <= 1e-6, null=f"learning that goes on: {on:.2g}"))


def draw(numbers):
    """(a) The plane of both strengths, (b) what is learned, (c) annealing, (d) the end of the window."""
    picture, axes = panels(2, 2, width=4.3, height=3.4)
    _draw_plane(axes[0], numbers)
    rates, learned = numbers["learned_rates"], numbers["learned"]
    axes[1].plot(numbers["learned_fine"], numbers["learned_line"], label="$c>1$", **theory(0))
    axes[1].plot(rates[rates < 1], np.median(numbers["learned_flow"], axis=0)[rates < 1], label="gradient flow, $c<1$",
                 **theory(1))
    axes[1].plot(np.tile(rates, len(learned)), learned.ravel(), **simulation(0, markersize=4))
    axes[1].plot([LIMIT, BEYOND[-1]], numbers["learned_line"][[-1, -1]], label="null: both kept", **null())
    axes[1].plot(BEYOND, numbers["beyond"][:, 1], label="simulation, $u$ is lost", **simulation(2))
    for edge in (1, LIMIT):
        axes[1].axvline(edge, **guide())
    axes[1].set(xlabel="$c$", ylabel="weak feature learned, $\\beta_\\infty$",
                title=f"what is learned, $\\kappa={LEARNED:g}$", ylim=(-0.03, 1.08))
    key(axes[1], loc="upper left")
    c, after = ANNEALED
    path, moments = numbers["anneal_path"], numbers["anneal_moments"].astype(int)
    marks = np.linspace(0, len(path) - 1, 14).astype(int)
    axes[2].semilogy(marks, path[marks], label=f"simulation, $c={c:g}$ throughout (null)",
                     **simulation(0, markersize=4))
    axes[2].semilogy(numbers["anneal_law"], label="theory: frozen at, if annealed then", **theory(0))
    for moment, tail in zip(moments, numbers["anneal_tails"]):
        axes[2].semilogy(moment + np.arange(len(tail)), tail, color=SHADES[1], linewidth=0.8)
    axes[2].semilogy(moments + 1500, numbers["anneal_ends"], label=f"simulation, annealed to $c={after:g}$",
                     **simulation(1))
    axes[2].set(xlabel="step $t$", ylabel="$\\beta$", title="the engine stops when annealed")
    axes[2].legend(loc="lower right")
    for k, kappa in enumerate(KEPT_KAPPAS):
        axes[3].plot(KEPT_RATES, numbers["kept"][k], label=f"$\\kappa={kappa:g}$", **simulation(k))
        axes[3].plot(KEPT_RATES, numbers["kept"][k], color=SHADES[k], linewidth=0.5)
    axes[3].plot([1.565, LIMIT, LIMIT, 1.645], [1, 1, 0, 0], label="theory, $\\kappa\\to0$", **theory(0))
    axes[3].axvline(1.6, label="null: published end, 8/5", **null())
    axes[3].set(xlabel="$c$", ylabel="share of starts that\nkeep both features", title="the end of the window",
                ylim=(-0.05, 1.1))
    axes[3].legend(loc="upper right")
    return picture


def _draw_plane(axis, numbers):
    (c, kappa), edge, path = PLANE, numbers["plane_edge"], numbers["plane_path"]
    late = path[int(0.5 * np.argmax(path[:, 1] > edge / 2)):]
    axis.plot([0, 1 - edge], [1, edge], label="$f=1$, stable", **theory(0, linewidth=2.2))
    axis.plot([1 - edge, 1], [edge, 0], label="$f=1$, unstable", **theory(1))
    axis.plot(late[::37, 0], late[::37, 1], label=f"simulation, $c={c:g}$, every 37th step",
              **simulation(2, markersize=3))
    axis.plot(*path[-1, :2], label="its end", **simulation(0, markersize=8, markeredgewidth=1.6))
    axis.plot(*numbers["plane_small"][-1, :2], label="end at $c=0.3$", **simulation(1, markersize=8,
                                                                                    markeredgewidth=1.6))
    axis.annotate("$\\beta^*$", (1 - edge, edge), (1 - edge - 0.22, edge + 0.06), ha="right", fontsize=9,
                  arrowprops={"arrowstyle": "-", "color": INK, "linewidth": 0.6})
    axis.set(xlabel="strong feature $\\alpha$", ylabel="weak feature $\\beta$", xlim=(0.35, 1.6), ylim=(-0.02, 0.42),
             title=f"it must oscillate until $\\beta^*$, $\\kappa={kappa:g}$")
    axis.legend(loc="upper right")


FIGURE = Figure(
    "oscillation-end", "Why it must oscillate, what it learns, and how annealing or a larger rate ends it",
    "(a) Strengths of both features: no point of the dashed line attracts, so a run (triangles, alternating left and "
    "right of it) climbs until β* and rests just above; a small rate rests near the bottom. (b) Weak feature in the "
    "end, one marker per start. (c) A run annealed at a moment stays where it was: the line is the law of gradient "
    "flow from there. (d) Share of starts that keep both features about the end of the window: the theory's step is "
    "for κ → 0; at κ = 0.1 it is soft (thin lines join the markers).",
    simulate, judge, draw,
    ("LWYZ24.sufficient", "LWYZ24.large-lr", "LWYZ24.patterns", "LWYZ24.small-lr", "LWYZ24.window", "LWYZ24.greedy"),
    (2, 2, 4.5))
