"""Sharpening up to the edge, of gradient descent, with momentum, of SGD; and what holds the sharpness there."""

import numpy as np

from figures._figure import Figure, close, frozen, holds, not_judged
from figures._style import guide, null, panels, simulation, theory
from figures.edge_of_stability import _runs
from figures.network._runs import LEAST, SWINGS, TEACHER, guarded, stays, swing

CLAIMS = ("CKLKT21.sharpening", "CKLKT21.momentum-net", "CKLKT21.sgd", "DNL23.edge", "DNL23.amplitude",
          "DNL23.trajectory")
PLANS = ((0.05, 0.0), (0.1, 0.0), (0.05, 0.5), (0.1, 0.5), (0.04, 0.9))  # η and μ on the teacher set
SGD = ((0.05, 0.0, 16), (0.1, 0.0, 16), (0.05, 0.0, 64), (0.05, 0.5, 64))  # η, μ, B
WITHIN = 0.01        # of the edge, where a run settles
HELD_STEPS = {True: 3000, False: 5000}     # on the teacher set; on images, where the first swings last longer
HELD = 3e-3          # of the loss: the swings with which a run arrives at its edge are over below it
ALIVE, LATELY = 1e-6, 3   # share of 2α/β below which an oscillation has died out; records for which it must not have

# `steps` on the teacher set, `length` of paths whose exponents tell, `records` of each run, `middles` looked at; of
# images: examples, (η, μ, steps).
Sizes = frozen("steps length records middles examples plan")
SIZES = {"quick": Sizes(2000, 400, 20, 8, 100, ((0.5, 0.0, 1000), (0.5, 0.5, 1000))),
         "standard": Sizes(6000, 8000, 60, 30, 500, ((0.5, 0.0, 2000), (0.5, 0.5, 2000), (0.1, 0.9, 3000))),
         "full": Sizes(12_000, 32_000, 120, 60, 500, ((0.1, 0.0, 8000), (0.5, 0.0, 2500), (0.1, 0.5, 6000),
                                                      (0.5, 0.5, 2500), (0.1, 0.9, 4000)))}


@guarded
def simulate(effort, rng, data):
    """Runs of one start on the teacher set; with `data` all but SGD's minima on images instead."""
    sizes, numbers, lr = SIZES[effort], {"data": TEACHER}, PLANS[0][0]
    if data is None:
        found = _runs.sharpening(PLANS, sizes.steps, sizes.records, rng)
    else:
        found = _runs.sharpening_on_images(data, sizes.examples, sizes.plan, sizes.records, rng)
    return numbers | found | _runs.plateaus(SGD, sizes.steps, sizes.length, rng) | _runs.held(
        data, lr, HELD_STEPS[data is None], sizes.middles, rng)


def _settled(numbers):
    """Sharpness over the edge of each run: its mean in the last fifth, its largest, and how far it may rest from 1."""
    ratio = numbers["sharpness"] * numbers["rates"][:, None] / (2 * (1 + numbers["momenta"][:, None]))
    wide = [WITHIN if str(numbers["data"]) == TEACHER else swing(own) for own in ratio]
    return ratio[:, -max(1, ratio.shape[1] // 5):].mean(axis=1), np.nanmax(ratio, axis=1), wide


def judge(numbers):
    """Where sharpness settles, with momentum and without; SGD's plateau; amplitude and velocity at the edge."""
    if "why" in numbers:
        return tuple(not_judged(claim, "not drawn on this set", str(numbers["why"])) for claim in CLAIMS)
    return (*of_runs(numbers), *_judge_sgd(numbers), *held_rows(numbers))


def of_runs(numbers):
    """Rows of panel (a): a run ends at its edge, or is named as one that stopped short or went on to flatter places."""
    rows, slow = [], np.nanmax(numbers["sharpness"])
    for lr, mu, end, top, tolerance in zip(numbers["rates"], numbers["momenta"], *_settled(numbers)):
        claim, edge = "CKLKT21.momentum-net" if mu else "CKLKT21.sharpening", 2 * (1 + mu) / lr
        what = f"sharpness over {'2(1+μ)/η' if mu else '2/η'} = {edge:g} at η = {lr:g}{f', μ = {mu:g}' if mu else ''}"
        where = f"{what}, mean of the last fifth, {numbers['data']}"
        if end < 1 - tolerance or not np.isfinite(end):
            why = "it diverged" if not np.isfinite(end) else "its flow ends flatter, or it has not got there yet" \
                if top < 1 else "it overshot, to a place that is flatter"
            rows.append(not_judged(claim, where, why, predicted="≤ 1", measured=f"{end:.4f}"))
        else:
            null = (1 / (1 + mu), "2/η, without momentum") if mu else (slow / edge, "as sharp as another run becomes")
            rows.append(close(claim, where, 1.0, end, tolerance, null=null,
                              note="(set by hand)" if tolerance == WITHIN else
                              f"({SWINGS:g} standard deviations of a record, or by hand {LEAST:g}); "
                              f"{'within' if abs(end - 1) <= WITHIN else 'not within'} 1 %"))
    return rows


def _judge_sgd(numbers):
    """SGD stays within the exact threshold, or where almost every path shrinks; at GD's edge almost none would."""
    rows = []
    names = ("sgd_over_star", "sgd_over_edge", "sgd_exponent", "sgd_exponent_at_edge")
    for (lr, mu, size), star, edge, here, there in zip(SGD, *(numbers[name] for name in names)):
        rows.append(stays("CKLKT21.sgd", f"minimum of SGD at η = {lr:g}, μ = {mu:g}, B = {size}, its sharpness "
                          f"{edge:.3f} of GD's edge", np.array([star]), np.array([here])[[star > 1]], np.array([there]),
                          "at the rate whose edge it would be"))
    return rows


def held_rows(numbers):
    """Rows of panels (c) and (d), of middles late in the run at which the oscillation has been alive for a while."""
    chosen = (numbers["held_loss"] < HELD) & np.isfinite(numbers["held_law"])
    alive = np.concatenate([np.zeros(LATELY), numbers["held_square"] > ALIVE * np.nan_to_num(numbers["held_law"])])
    chosen &= np.lib.stride_tricks.sliding_window_view(alive, LATELY + 1).all(axis=1)
    chosen[:len(chosen) // 2] = False
    where = (f"{numbers['held_data']}, second half of a run at η = {PLANS[0][0]:g}, {chosen.sum()} middles of two "
             f"iterates with loss < {HELD:g}")
    if not chosen.any():
        why = ("the loss has not fallen so far, or a swing threw the run below its edge, where the oscillation dies "
               "out and gradient flow leads back")
        return [not_judged(claim, where, why) for claim in CLAIMS[3:]]
    ratio = numbers["held_square"][chosen] / numbers["held_law"][chosen]
    worst = ratio[np.argmax(np.abs(ratio - 1))]
    drift, flow = numbers["held_drift_error"][chosen].max(), numbers["held_flow_error"][chosen].min()
    sharp = numbers["held_sharpness"][chosen] * PLANS[0][0] / 2
    return (
        close("DNL23.edge", f"sharpness over 2/η, {where}: farthest from 1", 1.0, sharp[np.argmax(np.abs(sharp - 1))],
              HELD, null=(float(np.nanmax(numbers["held_sharpness"])) * PLANS[0][0] / 2, "the largest on the way"),
              note="(set by hand)"),
        close("DNL23.amplitude", f"squared displacement over 2α/β, {where}: farthest from 1", 1.0, worst, 0.03,
              null=(0.5 * worst, "4α/β: force x²T for ½x²T"), note="(set by hand)"),
        holds("DNL23.trajectory", f"velocity of the middle against the constrained flow, {where}: relative difference",
              "0", f"≤ {drift:.4f}", "≤ 0.03, set by hand", bool(drift <= 0.03),
              null=f"gradient flow: ≥ {flow:.2f}", margins=(drift / 0.03, flow / 0.03)))


def draw(numbers):
    """(a) Sharpness along runs; (b) minima of SGD; (c) amplitude at the edge; (d) velocity of the middle."""
    picture, axes = panels(2, 2, width=4.4, height=3.2)
    if "why" in numbers:
        axes[0].text(0.5, 0.5, "not drawn on this set", ha="center")
        return picture
    for k, (lr, mu) in enumerate(zip(numbers["rates"], numbers["momenta"])):
        axes[0].axhline(2 * (1 + mu) / lr, **theory(k, linewidth=1))
        axes[0].axhline(2 / lr, **null())
        axes[0].semilogy(numbers["steps"][k], numbers["sharpness"][k], **simulation(k, markersize=3),
                         label=f"$\\eta={lr:g}$" + (f", $\\mu={mu:g}$" if mu else ""))
    axes[0].set(xlabel="step", ylabel="sharpness $\\lambda$", title=str(numbers["data"]))
    axes[0].legend(loc="lower right", ncols=2, title="lines, theory: $2(1+\\mu)/\\eta$; null: $2/\\eta$")
    places = np.arange(len(SGD))
    axes[1].plot(places, numbers["sgd_over_star"], label="simulation: $\\eta/\\eta^*$", **simulation(0))
    axes[1].plot(places, numbers["sgd_over_edge"], label="simulation: $\\eta\\lambda/2(1+\\mu)$ (null)",
                 **simulation(1))
    axes[1].axhline(1, label="theory: at the threshold", **theory(0))
    axes[1].set_xticks(places, [f"$\\eta={lr:g}$\n$\\mu={mu:g}$, $B={size}$" for lr, mu, size in SGD], fontsize=7)
    axes[1].set(xlim=(-0.4, len(SGD) - 0.6), ylim=(0, 1.35), title="minima of SGD, teacher set")
    axes[1].legend(loc="lower right")    # at B = 64 the minima are at the threshold
    steps = numbers["held_steps"]
    axes[2].semilogy(steps, np.sqrt(numbers["held_law"]), label="theory: $\\sqrt{2\\alpha/\\beta}$", **theory(0))
    axes[2].semilogy(steps, np.sqrt(2 * numbers["held_law"]), label="null: $\\sqrt{4\\alpha/\\beta}$", **null())
    axes[2].semilogy(steps, np.sqrt(numbers["held_square"]), label="simulation", **simulation(0, markersize=4))
    axes[2].set(xlabel="step", ylabel="distance from the middle along $v$",
                title=f"at the edge, {numbers['held_data']}, η = {PLANS[0][0]:g}",
                ylim=(np.sqrt(np.nanmin(numbers["held_law"])) / 3, None))
    axes[2].legend(loc="upper right")
    axes[3].semilogy(steps, numbers["held_drift_error"], label="from the constrained flow", **simulation(0))
    axes[3].semilogy(steps, numbers["held_flow_error"], label="from gradient flow (null)", **simulation(1))
    axes[3].axhline(1, **guide())
    axes[3].set(xlabel="step", ylabel="relative difference", title=f"velocity of the middle, {numbers['held_data']}")
    axes[3].legend()
    return picture


FIGURE = Figure(
    "edge-sharpening", "Sharpness rises to 2(1+μ)/η and is held there by an oscillation of known size",
    "(a) Sharpness of a net along gradient descent, without momentum and with it: markers; lines, the edge 2(1+μ)/η of "
    "each run (with --data on those images, in the constants of Table 1). A run below its line has a flow that ends "
    "flatter. (b) Minima of SGD on the teacher set: circles by the exact threshold of their batch size, squares by the "
    "edge of gradient descent. (c) Distance of the iterates of gradient descent from "
    "the middle of two of them, along the top eigenvector: markers; line, the amplitude at which the third derivative "
    "lowers the sharpness as fast as the flow raises it. (d) How far the velocity of the middle is from that of the "
    "flow held at constant sharpness, and from gradient flow's: look at where the circles fall below the squares.",
    simulate, judge, draw, CLAIMS, (6, 17, 45), reads_data=True, data_seconds=(10, 50, 130))
