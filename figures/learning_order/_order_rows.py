"""The rows of the figure of learning order, by lemma and theorem."""

import numpy as np

from figures._effects import LIMIT, effect
from figures._figure import close, holds, not_judged
from figures.learning_order._runs import ORIGIN, SCATTER
from theory import learning_order as predicted


def rows_of(numbers, columns):
    """All rows; `columns` are observables at the stop, kind → name → (seeds,)."""
    return (*_phases(numbers, columns), *_algorithms(numbers, columns), *_exchanged(numbers), *_parts(numbers, columns))


def _log(ratio):
    return np.log(ratio[np.isfinite(ratio)])


def _phases(numbers, columns):
    """What is learned when: Theorems 1.1 and 1.2, Lemmas 4.1, 4.3, 4.4, 5.1 and 5.2."""
    large, small = columns["large"], columns["small"]
    before, quarter = np.asarray(numbers["before"]), np.asarray(numbers["quarter"])
    p, q, n = np.asarray(numbers["fractions"]).mean(axis=0)
    samples = predicted.effective_samples(int(n), p, q)
    anneal, last = np.asarray(numbers["anneal_large"]), np.asarray(numbers["large_time"])[:, -1]
    norm = np.asarray(numbers["at_anneal"])[:, 1] / numbers["dim"]
    return (
        effect("LWM19.1.1", f"before annealing: log of training loss, Q only over P only (P from {samples[0]:.0f} "
                            f"examples)",
               np.log(before[:, 2] / before[:, 3]), SCATTER["before"], predicted="> 0: P first", null=(0, "no order"),
               note=ORIGIN),
        effect("LWM19.1.2", f"S, a quarter of the way: log of training loss, P only over Q only ({samples[1]:.0f} "
                            f"examples)",
               np.log(quarter[:, 1] / quarter[:, 0]), SCATTER["quarter"], predicted="> 0: Q first",
               null=(0, "no order"), note=ORIGIN),
        holds("LWM19.4.1", "annealing time / d and ‖Ū‖² / d", "O(1)", f"{(anneal / numbers['dim']).mean():.2f}, "
                                                                      f"{norm.mean():.2f}",
              "0.5 to 5, below 10", 0.5 < (anneal / numbers["dim"]).mean() < 5 and norm.mean() < 10,
              null=f"times or norms of order d²: {numbers['dim']}"),
        effect("LWM19.4.3", "log of time from annealing to the stop over that before", np.log((last - anneal) / anneal),
               SCATTER["after"], predicted="< 0: shorter", null=(0, "as long"), sign=-1, note=ORIGIN),
        effect("LWM19.4.4-order", "log of training loss of r alone on M₁, S over L-S",
               _log(small["loss_r"] / large["loss_r"]),
               SCATTER["loss_r"], predicted="> 0: r of L-S is the better", null=(0, "no difference"), note=ORIGIN),
        effect("LWM19.5.1", "S at the stop: log of training loss, P only over Q only",
               _log(small["loss_p"] / small["loss_q"]),
               SCATTER["quarter"], predicted="> 0: M₂ fitted first", null=(0, "together"), note=ORIGIN),
        effect("LWM19.5.2", "log of P-only test loss, S at the stop over L-S at annealing",
               _log(small["test_loss_p"] / np.asarray(numbers["at_anneal"])[:, 2]), SCATTER["loss_p"],
               predicted="> 0: S worse", null=(0, "no difference"), note=ORIGIN))


def _algorithms(numbers, columns):
    """L-S beside S at equal training loss: Theorems 3.4 and 3.5, test losses, the mitigation, the conditions."""
    large, small, jitter = (columns[kind] for kind in ("large", "small", "jitter"))
    bound, seeds = numbers["p0"] * numbers["kappa"], len(large["test_error"])
    total = large["test_error"].mean()
    error = np.log(np.maximum(small["test_error_p"], 5e-4) / np.maximum(large["test_error_p"], 5e-4))
    change = np.log(np.maximum(jitter["test_error_p"], 5e-4) / np.maximum(small["test_error_p"], 5e-4))
    loss = np.log(large["test_loss"] / small["test_loss"])
    seen = predicted.visibility(int(numbers["dim"]), *(float(numbers[name]) for name in (
        "r", "v_scale", "weight_decay", "large_lr", "small_lr")), w_scale=float(numbers["w_scale"]),
        mean_alpha=float(numbers["mean_alpha"]), mean_square_alpha=float(numbers["mean_square_alpha"]))
    met = (seen.speed >= 999 and max(seen.curvature, seen.decay) <= 0.5 and seen.stability < 1 and seen.residence >= 1)
    return (
        holds("LWM19.3.4", "total test error of L-S at the stop", f"O(pκ), p₀κ = {bound:.3g}", f"{total:.2e}",
              "below p₀κ/5", total < bound / 5, null=f"that of S, {small['test_error'].mean():.1e}, of order p"),
        effect("LWM19.3.5", "log of P-only test error, S over L-S", error, SCATTER["error"], predicted="> 0: S worse",
               null=(0, "no difference"), note=ORIGIN),
        close("LWM19.test-loss", "log of total test loss, L-S over S", 0.036, loss.mean(),
              LIMIT * SCATTER["loss"] / seeds**0.5, null=(-0.222, "as on P only"),
              note=f"({LIMIT:.1f} standard errors; predicted: the mean of 80 other seeds)"),
        effect("LWM19.test-loss", "log of Q-only test loss, L-S over S",
               _log(large["test_loss_q"] / small["test_loss_q"]),
               SCATTER["loss_q"], predicted="> 0", null=(0, "no difference"), note=ORIGIN),
        effect("LWM19.mitigation", "log of P-only test error, S with noise over S", change[np.isfinite(change)],
               SCATTER["error"], predicted="< 0", null=(0, "no help"), sign=-1, note=ORIGIN),
        holds("LWM19.visible", "conditions: speed, |D|, λT₁, stability, residence", "≳ 1000, ≲ ½, ≲ ½, < 1, ≳ 1",
              f"{seen.speed:.0f}, {seen.curvature:.2f}, {seen.decay:.2f}, {seen.stability:.2f}, {seen.residence:.0f}",
              "all met", met, null="sizes at which it is not seen: c_v = 5 has speed 63", kind="algebra"),
        effect("LWM19.visible", "log of P-only test loss, S over L-S", _log(small["test_loss_p"]
                                                                            / large["test_loss_p"]),
               SCATTER["loss_p"], predicted="> 0", null=(0, "no difference"), note=ORIGIN))


def _exchanged(numbers):
    """P and Q with their roles exchanged (c_w with c_v, p₀ with q₀, at d = 50)."""
    first, other = np.asarray(numbers["exchanged_half"]).T
    large, small = (np.asarray(part).mean() for part in numbers["exchanged_error"])
    return (
        holds("LWM19.1.2", "P and Q exchanged, S: time until the test loss on P only, Q only is halved", "P first",
              f"{first.mean():.2f}, {other.mean():.2f}", "P before Q for every seed", bool(np.all(first < other)),
              null="the order unexchanged: Q before P"),
        holds("LWM19.3.5", "P and Q exchanged: error of L-S over that of S, P only", "no help, 1",
              f"{large / small:.3f}", "½ to 2", 0.5 < large / small < 2, null="the ratio unexchanged: below 0.1"))


def _parts(numbers, columns):
    """Of what the linear part of r is made (Lemmas 5.2 and 5.3), the range of ε₁, and V's own patterns."""
    odd, reach = np.asarray(numbers["odd_small"]), np.sqrt(np.prod(np.asarray(numbers["fractions"])[:, [0, 2]], axis=1))
    dimension = predicted.least_dimension(float(numbers["kappa"]), float(numbers["q0"]))
    own = np.asarray(numbers["own_patterns"]).mean(axis=0)
    return (
        effect("LWM19.5.2", "log of ‖W̄⁽²⁾‖, S over L-S",
               _log(columns["small"]["signal_m2"] / columns["large"]["signal_m2"]), SCATTER["m2"],
               predicted="< 0: S learns less of P from M₂", null=(0, "no difference"), sign=-1, note=ORIGIN),
        effect("LWM19.5.3-span", "log of ‖α from P-only examples‖/√(Np), S", np.log(odd[:, 0] / reach), SCATTER["span"],
               predicted="not 0: smaller by far", null=(0, "Ω̃(√(Np)) as claimed"), sign=-1, note=f"{ORIGIN}; ‖α‖ from "
                    f"P-only examples, M₂, noise: {', '.join(f'{value:.2f}' for value in odd.mean(axis=0))}"),
        holds("LWM19.3.4-range", "least d at which the range of ε₁ is not empty", "beyond any experiment",
              f"{dimension:.0e}", f"above the d of this run, {numbers['dim']}", dimension > numbers["dim"],
              null="a range that runs could reach: 1e6", kind="algebra"),
        not_judged("LWM19.coupling", "at the stop of L-S and S: rms change of g with V's own patterns over rms of g",
                   "a number of this model: how far the network's own patterns are from those that it runs on",
                   measured=f"{own[0]:.2f}, {own[1]:.2f}"))
