"""Li, Wei and Ma 2019: learning order under large and small rates, its variants, and κ."""

from dataclasses import replace

import numpy as np

from figures._legacy import Drawing, Figure, holds
from figures._style import panels, simulation, theory
from figures.learning_order._laws import annealing, curvature, memorising, turnover
from figures.learning_order._regimes import (EXCHANGED, GENUINE, LOG2, REGIME_A, SMALL, at, before_annealing, half_time,
                                             last, train)
from theory import learning_order as predicted

NAMES = {"large": "large, then small", "small": "small", "jitter": "small + noise"}
CURVES = (("loss_q", "training loss, Q only"), ("loss_p", "training loss, P only"),
          ("test_error_p", "test error, P only"))


def order(effort, rng):
    """Training and test curves of one seed, and errors at the stop over seeds."""
    # Limits of the ratios of errors and of the error of S. At d = 50 fewer than 1 in 10⁴ means over so many of forty
    # other seeds are beyond them; the ratio of means was .06 there and the error of S .14.
    regime, seeds, limit, least = {"quick": (SMALL, 3, 1 / 3, 0.01), "standard": (SMALL, 6, 0.25, 0.03),
                                   "full": (REGIME_A, 5, 0.2, 0.03)}[effort]
    # The mitigation is slow in Regime A: two seeds of it.
    found = [train(regime, rng, list(NAMES)[:2] if effort == "full" and k > 1 else NAMES) for k in range(seeds)]
    exchanged = [train(EXCHANGED, rng, ("large", "small"), record_every=20) for _ in range(seeds)]
    errors = {kind: np.array([runs[kind].observed["test_error_p"][-1] for runs, _ in found if kind in runs])
              for kind in NAMES}
    rows = (*_phases(regime, found), *_algorithms(regime, found, exchanged, limit, least), *_parts(regime, found))
    return Drawing(_curves(regime, found[0][0], errors), {f"error_{kind}": values for kind, values in errors.items()},
                   rows)


def _curves(regime, runs, errors):
    figure, axes = panels(1, 4, width=3.3, height=3.3)
    top = 1.15 * max(runs[kind].observed[name].max() for kind in NAMES for name, _ in CURVES)
    for axis, kind in zip(axes, NAMES):
        run = runs[kind]
        for k, (name, label) in enumerate(CURVES):
            axis.plot(run.time, run.observed[name], label=label,
                      **simulation(k, markersize=3, markevery=_shown(run, 25)))
        axis.axhline(LOG2, label="log 2, nothing learned", **theory(3, linewidth=1))
        if np.isfinite(run.anneal_time):
            what = "noise taken away" if kind == "jitter" else "rate lowered"
            axis.axvline(run.anneal_time, color="#9b9b9b", linewidth=1)
            axis.annotate(what, (run.anneal_time, 0.94 * top), xytext=(-4, 0), textcoords="offset points", ha="right",
                          fontsize=7.5)
        axis.set(xlabel="time, sum of learning rates", ylabel="loss or error", ylim=(-0.03, top), title=NAMES[kind])
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncol=4)
    for k, (kind, values) in enumerate(errors.items()):
        axes[3].plot(_spread(k, len(values)), values, **simulation(k))
    axes[3].set(xticks=range(3), xticklabels=["large,\nthen small", "small", "small\n+ noise"],
                ylabel="test error, P only", title=f"at training loss {regime.stop:g}")
    return figure


def _spread(centre, count):
    """Places of `count` seeds about a tick."""
    return centre + 0.2 * (np.arange(count) - (count - 1) / 2) / max(1, (count - 1) / 2)


def _shown(run, most):
    """Places of at most so many records, the first and the last among them."""
    return np.unique(np.linspace(0, len(run.time) - 1, most).astype(int)).tolist()


def _phases(regime, found):
    """What is learned when: Theorems 1.1 and 1.2, Lemmas 4.1, 4.3, 4.4, 5.1 and 5.2."""
    samples = np.mean([predicted.effective_samples(len(data.y), data.p, data.q) for _, data in found], axis=0)
    large = [runs["large"] for runs, _ in found]
    time = np.mean([run.anneal_time for run in large]) / regime.dim
    after = np.mean([run.time[-1] - run.anneal_time for run in large]) / regime.dim
    norm = at(found, "large", "signal_norm") / regime.dim
    before, at_anneal = before_annealing(found, "test_loss_q"), at(found, "large", "test_error_p")
    half_q, half_p = at(found, "small", "loss_q", 0.25), at(found, "small", "loss_p", 0.25)
    of_r = [last(found, kind, "loss_r") for kind in ("large", "small")]
    of_g, root = last(found, "large", "loss_q"), np.mean([(0.3 / data.q)**0.5 for _, data in found])
    s_q, s_p = last(found, "small", "loss_q"), last(found, "small", "loss_p")
    p_anneal, p_small = at(found, "large", "test_loss_p"), last(found, "small", "test_loss_p")
    return (
        holds("LWM19.1.1", f"Q-only test loss before annealing; P from {samples[0]:.0f} examples, error at annealing",
              f"≈ {LOG2:.2f}; small", f"{before:.3f}; {at_anneal:.4f}", "> 0.5; < 0.1",
              before > 0.5 and at_anneal < 0.1),
        holds("LWM19.1.2", f"a quarter of the way: training loss on Q only and P only ({samples[1]:.0f} examples)",
              "Q first", f"{half_q:.3f}, {half_p:.3f}", "Q below P", half_q < half_p),
        holds("LWM19.4.1", "annealing time / d and ‖Ū‖² / d", "O(1)", f"{time:.2f}, {norm:.2f}", "0.5…5, < 10",
              0.5 < time < 5 and norm < 10),
        holds("LWM19.4.3", "time from annealing to the stop / d", f"shorter than before, {time:.2f}", f"{after:.2f}",
              f"< {1.4 * time:.2f}", after < 1.4 * time),
        holds("LWM19.4.4", "at the stop: training loss of r on M₁ for L-S and S; of g on its complement for L-S",
              f"of order √(ε₁/q), {root:.2f}; L-S below S", f"{of_r[0]:.3f}, {of_r[1]:.3f}; {of_g:.3f}",
              "r below both; g < ½ log 2", of_r[0] < min(of_r[1], root) and of_g < LOG2 / 2),
        holds("LWM19.5.1", "S: training loss on Q only and P only at the stop", "Q fitted, P behind",
              f"{s_q:.3f}, {s_p:.3f}", "Q below P", s_q < s_p),
        holds("LWM19.5.2", "P-only test loss at annealing of L-S and at the stop of S", "S worse",
              f"{p_anneal:.3f}, {p_small:.3f}", "S above", p_small > p_anneal))


def _algorithms(regime, found, exchanged, limit, least):
    """L-S beside S at equal training loss: Theorems 3.4 and 3.5, the mitigation, and the roles exchanged."""
    ratio = {name: last(found, "large", name) / last(found, "small", name)
             for name in ("test_error_p", "test_error", "test_loss", "test_loss_p", "test_loss_q")}
    bound, total = regime.p0 * regime.kappa, last(found, "large", "test_error")
    small, noisy = last(found, "small", "test_error_p"), last(found, "jitter", "test_error_p")
    without = np.mean([runs["small"].observed["test_error_p"][-1] for runs, _ in found if "jitter" in runs])
    seen = predicted.visibility(regime.dim, regime.r, regime.v_scale, regime.weight_decay, regime.large_lr,
                                regime.small_lr, mean_alpha=np.mean(regime.alpha),
                                mean_square_alpha=7 / 12)
    p_time, q_time = (half_time(exchanged, "small", name) for name in ("test_loss_p", "test_loss_q"))
    no_help = last(exchanged, "large", "test_error_p") / last(exchanged, "small", "test_error_p")
    return (
        holds("LWM19.3.4", "total test error of L-S at the stop", f"O(pκ), p₀κ = {bound:.3g}", f"{total:.2e}",
              "< p₀κ/5", total < bound / 5),
        holds("LWM19.3.5", "P-only error of S, and error of L-S over that of S (P-only; total)", "not small; ≪ 1",
              f"{small:.3f}, {ratio['test_error_p']:.3f}, {ratio['test_error']:.3f}",
              f"> {least:g}, < {limit:.2g} each",
              small > least and max(ratio["test_error_p"], ratio["test_error"]) < limit),
        holds("LWM19.test-loss", "test loss of L-S over that of S: total; P only; Q only", "total about 1",
              f"{ratio['test_loss']:.3f}; {ratio['test_loss_p']:.3f}; {ratio['test_loss_q']:.3f}", "> 0.9; < 1; > 1",
              ratio["test_loss"] > 0.9 and ratio["test_loss_p"] < 1 < ratio["test_loss_q"]),
        holds("LWM19.mitigation", "P-only error at the stop, with noise over without", "< 1",
              f"{noisy / without:.3f}", f"< {limit:.2g}", noisy < limit * without),
        holds("LWM19.visible", "conditions (speed, |D|, λT₁, stability, residence), and ratio of P-only errors",
              "≳ 1000, ≲ ½, ≲ ½, < 1, ≳ 1: ratio below 1",
              f"{seen.speed:.0f}, {seen.curvature:.2f}, {seen.decay:.2f}, {seen.stability:.2f}, "
              f"{seen.residence:.0f}; {ratio['test_error_p']:.3f}", f"met, < {limit:.2g}",
              seen.speed >= 999 and max(seen.curvature, seen.decay) <= 0.5 and seen.stability < 1
              and seen.residence >= 1 and ratio["test_error_p"] < limit),
        holds("LWM19.1.2", "P and Q exchanged (c_w with c_v, p₀ with q₀, at d = 50), S: time until the test loss on "
              "P only, Q only is halved", "P first", f"{p_time:.2f}, {q_time:.2f}", "P before Q", p_time < q_time),
        holds("LWM19.3.5", "P and Q exchanged: error of L-S over that of S, P only", "no help, 1", f"{no_help:.3f}",
              "½ to 2", 0.5 < no_help < 2))


def _parts(regime, found):
    """Of what the linear part of r is made: Lemmas 5.2 and 5.3, and the range of ε₁."""
    m2 = np.array([last(found, kind, "signal_m2") for kind in ("small", "large")]) / regime.dim**0.5
    odd = last(found, "small", "odd")
    reach = np.mean([data.p * len(data.y) for _, data in found])**0.5
    dimension = predicted.least_dimension(regime.kappa, regime.q0)
    return (
        holds("LWM19.5.2", "‖W̄⁽²⁾‖/√d at the stop, S and L-S", "S smaller", f"{m2[0]:.3f}, {m2[1]:.3f}",
              "S below half", m2[0] < m2[1] / 2),
        holds("LWM19.5.3-span", "‖α‖ of S from P-only examples, M₂ and noise", f"P-only alone, √(Np) = {reach:.2f}",
              ", ".join(f"{value:.3f}" for value in odd), "P-only smallest and below √(Np)/5",
              odd[0] < odd[1:].min() and odd[0] < reach / 5),
        holds("LWM19.3.4-range", "least d of the theorem at these κ and q₀", "> d", f"{dimension:.0e}",
              f"> {regime.dim}", dimension > regime.dim))


def variants(effort, rng):
    """α ~ U[0, 1] as in (2.5); at full effort in Regime A, and one run with the network's own patterns."""
    small = replace(SMALL, alpha=(0.0, 1.0), stop=0.25), "α ~ U[0, 1]"
    cases = {"quick": [(*small, 3)], "standard": [(*small, 8)],
             "full": [(replace(REGIME_A, alpha=(0.0, 1.0), stop=0.15), "α ~ U[0, 1]", 2),
                      (GENUINE, "own patterns", 1)]}[effort]
    figure, axes = panels(1, 1 + len(cases), width=3.8, height=3.3)
    rows, data, labels = [], {}, []
    for axis, (regime, name, seeds) in zip(axes[1:], cases):
        found = [train(regime, rng, ("large", "small"), record_every=50)[0] for _ in range(seeds)]
        errors = np.array([[runs[kind].observed["test_error_p"][-1] for kind in ("large", "small")] for runs in found])
        for k, kind in enumerate(("large", "small")):
            run = found[0][kind]
            axis.plot(run.observed["loss"], run.observed["test_error_p"], label=NAMES[kind],
                      **simulation(k, markersize=3.5, markevery=_shown(run, 40)))
            axes[0].plot(_spread(len(labels), seeds), errors[:, k], **simulation(k))
            labels.append(f"{name}\n{NAMES[kind]}")
        axis.axvline(regime.stop, color="#9b9b9b", linewidth=1)
        axis.set(xlabel="training loss", ylabel="test error, P only", xlim=(0.75, 0.9 * regime.stop),
                 ylim=(-0.02, 0.65), title=name)
        large, small = errors.mean(axis=0)
        limit = 1 / 3 if regime.decoupled else 1 / 2
        rows.append(holds("LWM19.visible", f"P-only error of L-S and S, {name}, at training loss {regime.stop:g}",
                          "L-S far below S", f"{large:.4f}, {small:.4f}", f"ratio < {limit:.2g}; S > 0.03",
                          large < limit * small and small > 0.03
                          and all(run.success for runs in found for run in runs.values())))
        data[f"error_{len(rows)}"] = errors
    axes[0].set(xticks=range(len(labels)), ylabel="test error, P only", ylim=(-0.02, None),
                xlim=(-0.5, len(labels) - 0.5), title="at the stop")
    axes[0].set_xticklabels(labels, fontsize=6.5)
    figure.legend(*axes[1].get_legend_handles_labels(), loc="outside lower center", ncol=2)
    return Drawing(figure, data, tuple(rows))


def kappa(effort, rng):
    """P-only error against κ = √(d/N) at fixed N p₀ = d/5."""
    # Of 40 seeds at each κ, resampled, means over so many have a ratio above κ in fewer than 1 of 10³ draws; two
    # sizes only at quick effort, since at κ = .71 three seeds would not do.
    sizes, seeds = {"quick": ((200, 400), 3), "standard": ((100, 200, 400), 8), "full": ((100, 200, 400), 16)}[effort]
    errors, missed = np.full((2, len(sizes), seeds), np.nan), 0
    for i, n in enumerate(sizes):
        for j in range(seeds):
            runs, _ = train(replace(SMALL, n=n, p0=SMALL.dim / 5 / n), rng, ("large", "small"))
            if all(run.success for run in runs.values()):
                errors[:, i, j] = [runs[kind].observed["test_error_p"][-1] for kind in ("large", "small")]
            else:
                missed += 1
    kappas = (SMALL.dim / np.array(sizes))**0.5
    mean, counts = np.nanmean(errors, axis=-1), np.isfinite(errors).sum(axis=-1)
    error = np.nanstd(errors, axis=-1, ddof=1) / np.sqrt(counts)
    ratio = mean[0] / mean[1]
    spread = ratio * np.hypot(*(error / mean))
    figure, axes = panels(1, 2, width=3.9, height=3.3)
    for k, kind in enumerate(("large", "small")):
        axes[0].errorbar(kappas, mean[k], error[k], capsize=3, label=NAMES[kind], **simulation(k))
    axes[1].errorbar(kappas, ratio, spread, capsize=3, label="ratio of mean errors", **simulation(2))
    line = np.linspace(0.3, 0.75, 50)
    axes[1].plot(line, line, label="κ", **theory(0))
    axes[0].set(ylabel=f"test error, P only, at training loss {SMALL.stop:g}")
    axes[1].set(ylabel="error of L-S over that of S")
    for axis in axes:
        axis.set(xlabel="$\\kappa=\\sqrt{d/N}$", yscale="log", xlim=(0.3, 0.75))
    axes[0].legend(loc="upper right")
    axes[1].legend(loc="lower right")
    rows = [holds("LWM19.kappa", f"ratio of P-only errors at κ = {value:.2f}", f"O(κ) = {value:.2f}",
                  f"{found:.3f} ± {deviation:.3f}", "< κ", found < value)
            for value, found, deviation in zip(kappas, ratio, spread)]
    if len(sizes) > 2:
        logs = np.log(kappas) - np.log(kappas).mean()
        power = logs @ np.log(ratio) / (logs @ logs)
        deviation = np.sqrt((logs**2) @ (spread / ratio)**2) / (logs @ logs)
        rows.append(holds("LWM19.kappa", f"power of κ in the ratio; pairs left out, the loss not reached: {missed}",
                          "at least 1 for O(κ), 0 for no effect", f"{power:.2f} ± {deviation:.2f}", "> 0", power > 0))
    return Drawing(figure, {"kappa": kappas, "errors": errors}, tuple(rows))


FIGURES = (
    Figure("memorising-net", "Li, Wei and Ma: Q and the net that memorises it", memorising,
           ("LWM19.memorise", "LWM19.fractions", "LWM19.bayes", "LWM19.network", "LWM19.5.3"), (1, 1, 2)),
    Figure("annealing-time", "Li, Wei and Ma: time and signal at annealing", annealing, ("LWM19.4.1",), (4, 12, 90)),
    Figure("learning-order", "Li, Wei and Ma: learning order under large and small rates", order,
           ("LWM19.1.1", "LWM19.1.2", "LWM19.3.4", "LWM19.3.5", "LWM19.test-loss", "LWM19.4.1", "LWM19.4.3",
            "LWM19.4.4", "LWM19.5.1", "LWM19.5.2", "LWM19.5.3-span", "LWM19.3.4-range", "LWM19.mitigation",
            "LWM19.visible"), (11, 20, 300)),
    Figure("learning-order-variants", "Li, Wei and Ma: α ~ U[0, 1], and the network's own patterns", variants,
           ("LWM19.visible",), (4, 9, 320)),
    Figure("learning-order-kappa", "Li, Wei and Ma: error against κ", kappa, ("LWM19.kappa",), (7, 45, 100)),
    Figure("curvature-law", "Li, Wei and Ma: D before annealing", curvature,
           ("LWM19.4.2", "LWM19.4.2-law", "LWM19.conditions"), (9, 25, 145)),
    Figure("pattern-turnover", "Li, Wei and Ma: activation patterns under large and small rates", turnover,
           ("LWM19.turnover", "LWM19.stationary", "LWM19.decomposition"), (1, 2, 10)),
)
