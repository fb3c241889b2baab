"""Learning order under large and small rates: every seed's curves, and what is left at equal training loss."""

import numpy as np

from figures._figure import Figure, frozen
from figures._style import guide, joined, null, panels, simulation, theory
from figures.learning_order._order_rows import rows_of
from figures.learning_order._runs import (EXCHANGED, LOG2, REGIME_A, SMALL, half_time, own_patterns, stops,
                                          traces, train)
from theory import learning_order as predicted

NAMES = {"large": "large, then small", "small": "small", "jitter": "small + noise"}
CURVES = ("loss_q", "loss_p", "test_error_p", "test_loss_q", "test_loss_p", "curvature", "signal_norm")
STOPS = ("test_error_p", "test_error", "test_loss", "test_loss_p", "test_loss_q", "loss_r", "loss_p", "loss_q",
         "signal_m2")

# A regime, its seeds, and how many of them run the mitigation too.
Sizes = frozen("regime seeds mitigated")
# The mitigation is slow in Regime A: two seeds of it.
SIZES = {"quick": Sizes(SMALL, 1, 1), "standard": Sizes(SMALL, 6, 6), "full": Sizes(REGIME_A, 5, 2)}


def simulate(effort, rng):
    """Errors at the stop, traces of every seed, and what rows compare, kind by kind."""
    sizes = SIZES[effort]
    regime, kinds = sizes.regime, list(NAMES)
    found = [train(regime, rng, kinds if k < sizes.mitigated else kinds[:2]) for k in range(sizes.seeds)]
    exchanged = [train(EXCHANGED, rng, ("large", "small"), record_every=20) for _ in range(sizes.seeds)]
    numbers = {f"error_{kind}": np.array([runs[kind].observed["test_error_p"][-1] for runs, _ in found if kind in runs])
               for kind in NAMES}
    for kind in NAMES:
        numbers.update({f"{kind}_{name}": values for name, values in traces(found, kind, CURVES).items()})
        numbers[f"stop_{kind}"] = stops(found, kind, STOPS)
        numbers[f"anneal_{kind}"] = np.array([runs[kind].anneal_time if kind in runs else np.nan for runs, _ in found])
        numbers[f"odd_{kind}"] = np.array([runs[kind].observed["odd"][-1] if kind in runs else [np.nan] * 3 for runs,
                                           _ in found])
    numbers["before"], numbers["at_anneal"] = _annealed(found)
    numbers["quarter"] = np.array([[_at(runs["small"], name, 0.25 * runs["small"].time[-1])
                                    for name in ("loss_q", "loss_p", "curvature")] for runs, _ in found])
    numbers["fractions"] = np.array([(data.p, data.q, len(data.y)) for _, data in found])
    numbers["own_patterns"] = np.array([[own_patterns(runs[kind], regime) for kind in kinds[:2]] for runs, _ in found])
    numbers["exchanged_error"] = stops(exchanged, "large", ("test_error_p",))[:, 0], stops(exchanged, "small",
                                                                                           ("test_error_p",))[:, 0]
    numbers["exchanged_half"] = np.array([[half_time([one], "small", name) for name in ("test_loss_p", "test_loss_q")]
                                          for one in exchanged])
    return {**numbers, **_setting(regime)}


def _setting(regime):
    """Numbers of the regime that rows and picture use, as scalars."""
    names = ("dim", "n", "p0", "q0", "r", "v_scale", "w_scale", "weight_decay", "large_lr", "small_lr", "stop", "kappa")
    low, high = regime.alpha
    return {**{name: getattr(regime, name) for name in names}, "mean_alpha": (low + high) / 2,
            "mean_square_alpha": (high**3 - low**3) / (3 * (high - low))}


def _at(run, name, time):
    return run.observed[name][min(np.searchsorted(run.time, time), len(run.time) - 1)]


def _annealed(found):
    """Under the large rate: means of Q-only test loss and D after g's offset is learned; at annealing, errors and
    norms."""
    before, at_anneal = [], []
    for runs, _ in found:
        run = runs["large"]
        window = (run.time > 0.2 * run.anneal_time) & (run.time < run.anneal_time)
        last = np.searchsorted(run.time, run.anneal_time) - 1
        before.append([run.observed["test_loss_q"][window].mean(), run.observed["curvature"][window].mean(),
                       run.observed["loss_q"][last], run.observed["loss_p"][last],
                       np.abs(run.observed["curvature"][window]).max()])
        at_anneal.append([_at(run, name, run.anneal_time) for name in ("test_error_p", "signal_norm", "test_loss_p")])
    return np.array(before), np.array(at_anneal)


def judge(numbers):
    """The rows of `_order_rows`, on columns by name."""
    columns = {kind: dict(zip(STOPS, np.asarray(numbers[f"stop_{kind}"]).T)) for kind in NAMES}
    return rows_of(numbers, columns)


def draw(numbers):
    """Top: Q, P and error over time for each algorithm, every seed. Bottom: D, errors at the stop, ratios of losses."""
    picture, axes = panels(2, 3, width=3.6, height=3.3)
    _curves(axes[:3], numbers)
    _curvatures(axes[3], numbers)
    _errors(axes[4], numbers)
    _losses(axes[5], numbers)
    return picture


def _curves(axes, numbers):
    labels = {"loss_q": "training loss, Q only", "loss_p": "training loss, P only",
              "test_error_p": "test error, P only"}
    for axis, (kind, title) in zip(axes, NAMES.items()):
        for k, (name, label) in enumerate(labels.items()):
            for j, (time, values) in enumerate(zip(numbers[f"{kind}_time"], numbers[f"{kind}_{name}"])):
                joined(axis, time, values, k, 10, 2 * j, None if j else label, markersize=3)
        axis.axhline(LOG2, label="guide, log 2: nothing learned", **guide(linestyle="--"))
        for annealed in np.asarray(numbers[f"anneal_{kind}"]):
            if np.isfinite(annealed):
                axis.axvline(annealed, ymax=0.06, color="#1a1a1a", linewidth=1)
        axis.set(xlabel="time, sum of rates", ylabel="loss or error", ylim=(-0.03, 1.05), title=title)
    axes[0].figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4,
                          title="(a)–(c), simulated")


def _curvatures(axis, numbers):
    """−D over time under both rates, and the law's mean before annealing."""
    for k, kind in enumerate(("large", "small")):
        for j, (time, values) in enumerate(zip(numbers[f"{kind}_time"], numbers[f"{kind}_curvature"])):
            joined(axis, time, -values, k, 6, label=None if j else NAMES[kind], markersize=3)
    law = -predicted.curvature_prediction(numbers["v_scale"], numbers["r"], numbers["weight_decay"],
                                          lr=numbers["large_lr"],
                                          mean_alpha=numbers["mean_alpha"], fraction=1 - numbers["p0"])
    axis.axhline(law, label=f"theory before annealing, {law:.2f}", **theory(0))
    axis.set(xlabel="time, sum of rates", ylabel="$-D$: how much Q is learned", title="Q is learned late, or at once",
             yscale="symlog")
    axis.set_ylim(-0.5, 300)
    axis.legend(loc="upper right")


def _errors(axis, numbers):
    """P-only test error at the stop, a line per seed."""
    errors = np.array([np.asarray(numbers[f"stop_{kind}"])[:, 0] for kind in NAMES]).T
    for j, row in enumerate(np.maximum(errors, 4e-4)):
        places = np.arange(3) + 0.04 * (j - len(errors) / 2)
        axis.plot(places, row, color="#8a8a8a", linewidth=0.6)
        for k in range(3):
            axis.plot(places[k], row[k], **simulation(k))
    axis.set(yscale="log", xticks=range(3), xticklabels=["large,\nthen small", "small", "small\n+ noise"],
             ylabel="test error, P only", title=f"at training loss {numbers['stop']:g}")


def _losses(axis, numbers):
    """Test losses of L-S over those of S at the stop."""
    large, small = (np.asarray(numbers[f"stop_{kind}"]) for kind in ("large", "small"))
    for k, column in enumerate((3, 4, 2)):
        ratio = large[:, column] / small[:, column]
        axis.plot(k + 0.05 * (np.arange(len(ratio)) - (len(ratio) - 1) / 2), ratio, **simulation(k))
    axis.axhline(1, label="null: no difference", **null())
    axis.plot(2, np.exp(-0.222), label="null: total as P", **null("x"))
    axis.legend(loc="upper right")
    axis.set(xticks=range(3), xticklabels=["P only", "Q only", "total"], ylabel="test loss of L-S over S",
             title="losses at the stop", xlim=(-0.5, 2.5), ylim=(None, 1.3 * axis.get_ylim()[1]))


FIGURE = Figure(
    "learning-order", "Li, Wei and Ma: learning order under large and small rates",
    "Markers on thin lines: single seeds, simulated with V's patterns taken from its noise part and small steps "
    "lumped. (a)–(c) L-S learns P first and Q after annealing (black ticks at the foot), S learns Q first; noise "
    "before the activations (until its tick) makes S behave as L-S. (d) D stays near its law before annealing, while S "
    "learns Q at once. (e) P-only test error at equal training loss, a grey line per seed, errors below 4e-4 drawn "
    "there. (f) Losses separate on P and on Q, in opposite senses, and hardly in total. Look at (a) against (b), and "
    "at (e).",
    simulate, judge, draw,
    ("LWM19.1.1", "LWM19.1.2", "LWM19.3.4", "LWM19.3.5", "LWM19.test-loss", "LWM19.4.1", "LWM19.4.3",
     "LWM19.4.4-order", "LWM19.5.1",
     "LWM19.5.2", "LWM19.5.3-span", "LWM19.3.4-range", "LWM19.mitigation", "LWM19.visible", "LWM19.coupling"),
     (6.5, 20, 300))
