"""Activation patterns under a large and a small rate, and the noise part from starts of other sizes."""

from dataclasses import dataclass

import numpy as np

from figures._effects import LIMIT
from figures._figure import Figure, close, holds
from figures._style import guide, key, null, panels, simulation, theory
from figures.learning_order._runs import decomposed_outputs, replayed
from refimpl import learning_order as simulated
from theory import learning_order as predicted

RATES, STD, STARTS, RECORDS = (0.2, 0.002), 0.5, (0.5, 1.0, 2.0), 10


@dataclass(frozen=True)
class Sizes:
    """Neurons of V and steps."""

    width: int
    steps: int

    @property
    def decay(self):
        """λ, so that the noise part at the large rate turns over twice."""
        return 2.0 / self.steps / RATES[0]


SIZES = {"quick": Sizes(12_000, 400), "standard": Sizes(16_000, 2000), "full": Sizes(20_000, 8000)}


def simulate(effort, rng):
    """Turnover over steps at both rates, the noise part at the end, its size from other starts, identities."""
    sizes = SIZES[effort]
    data = simulated.sample(simulated.Distribution(4, 0.2, 0.2), 50, rng)
    model = simulated.TwoLayerReLU(4, 2, sizes.width, 1.0, 1.0, STD)
    noise = float(predicted.noise_std(RATES[0], sizes.decay, STD))
    numbers = {"width": sizes.width, "steps": sizes.steps, "decay": sizes.decay, "noise_std": noise}
    kw = dict(target=1e-9, weight_decay=sizes.decay, noise_std=noise, decoupled=True, max_steps=sizes.steps,
              record_every=sizes.steps // RECORDS)
    for k, lr in enumerate(RATES):
        start = model.init(rng)
        run = simulated.train_small(model, data, lr=lr, start=start, rng=rng, **kw)
        numbers[f"turnover_{k}"] = run.observed["turnover"]
        if k == 0:
            numbers["end_std"] = run.noise[2:, 4:6].std()
            numbers["correlation"] = np.mean(run.noise[2:, 4:6] * start[2:, 4:6]) / STD**2
    sizes_after = []
    for factor in STARTS:
        part = [factor * STD]
        state, steps = factor * model.init(rng), sizes.steps // 5
        for _ in range(5):
            run = simulated.train_small(model, data, lr=RATES[0], start=state, rng=rng, **{**kw, "max_steps": steps})
            state = np.where(model.mask, run.noise, 0.0)
            part.append(run.noise[2:, 4:6].std())
        sizes_after.append(part)
    gaps, outputs = replayed(rng), decomposed_outputs(rng)
    return {**numbers, "std_from": np.array(sizes_after), "sum_gap": gaps[0], "turned_gap": gaps[1],
            "outputs_gap": outputs[0], "unblocked_gap": outputs[1]}


def _law(numbers, lr, steps):
    """Correlation kept with the start, and turnover, `steps` after it; at a smaller rate the noise is not
    stationary."""
    kept = predicted.noise_autocorrelation(lr, numbers["decay"], steps)
    fresh = predicted.stationary_std(lr, numbers["decay"], numbers["noise_std"])**2 * (1 - kept**2) / STD**2
    return kept, predicted.pattern_turnover(kept / np.sqrt(kept**2 + fresh))


def judge(numbers):
    """Ends of the curves against the law of the noise part."""
    width, steps, rows = int(numbers["width"]), int(numbers["steps"]), []
    for k, lr in enumerate(RATES):
        law = float(_law(numbers, lr, steps)[1])
        rows.append(close("LWM19.turnover", f"patterns changed after {steps} steps, η = {lr}", law,
                          numbers[f"turnover_{k}"][-1], LIMIT * (law * (1 - law) / width)**0.5,
                          null=(0.0, "patterns at rest"), note=f"({LIMIT:.1f} standard errors)"))
    kept = float(_law(numbers, RATES[0], steps)[0])
    rows.append(close("LWM19.stationary", "std of the noise part at the end, η = 0.2", STD, numbers["end_std"],
                      LIMIT * STD / (4 * width)**0.5, null=(STD * kept, "the start decayed, without noise"),
                      note=f"({LIMIT:.1f} standard errors)"))
    rows.append(close("LWM19.decomposition", f"correlation of the noise part over {steps} steps", kept,
                      numbers["correlation"], LIMIT * ((1 + kept**2) / (2 * width))**0.5, null=(1.0, "no decay"),
                      note=f"({LIMIT:.1f} standard errors)"))
    rows.append(holds("LWM19.decomposition", "largest |Ū + Ũ − U|, U by plain SGD on the same noise", "0",
                      f"{numbers['sum_gap']:.1e}", "≤ 1e-12", numbers["sum_gap"] <= 1e-12 < numbers["turned_gap"],
                      null=f"Ū = +Σ η(1 − ηλ)^(t−s) ∇L̂, as printed: {numbers['turned_gap']:.2g}"))
    rows.append(holds("LWM19.outputs", "largest |f(x) − r(x₁) − g(x₂)| in block form", "0",
                      f"{numbers['outputs_gap']:.1e}",
                      "≤ 1e-12", numbers["outputs_gap"] <= 1e-12 < numbers["unblocked_gap"],
                      null=f"rows that see both blocks: {numbers['unblocked_gap']:.2g}"))
    for factor, found in zip(STARTS, numbers["std_from"]):
        if factor != 1:
            variance = STD**2 * (1 + (factor**2 - 1) * kept**2)
            rows.append(close("LWM19.footnote2", f"std of the noise part at the end from {factor:g} τ₀′", variance**0.5,
                              found[-1], LIMIT * (variance / (4 * width))**0.5,
                              null=(factor * STD, "the start's size kept"), note=f"({LIMIT:.1f} standard errors)"))
    return tuple(rows)


def draw(numbers):
    """Turnover at both rates; size of the noise part from three starts."""
    picture, axes = panels(1, 2, width=4.2, height=3.4)
    steps = int(numbers["steps"])
    fine = np.arange(steps + 1)
    for k, lr in enumerate(RATES):
        axes[0].plot(fine, _law(numbers, lr, fine)[1], label=f"$\\eta={lr:g}$", **theory(k))
        axes[0].plot(np.linspace(0, steps, RECORDS + 1), numbers[f"turnover_{k}"], **simulation(k))
    axes[0].axhline(0.5, label="guide, ½: forgotten", **guide())
    axes[0].axhline(0, label="null: at rest", **null())
    axes[0].set(xlabel="step", ylabel="share of patterns on $z$ that changed", ylim=(-0.02, 0.56), title="patterns")
    key(axes[0], loc="center right")
    kept = predicted.noise_autocorrelation(RATES[0], numbers["decay"], fine)
    for k, (factor, found) in enumerate(zip(STARTS, numbers["std_from"])):
        axes[1].plot(fine, np.sqrt(1 + (factor**2 - 1) * kept**2), label=f"from {factor:g} $\\tau_0'$", **theory(k))
        axes[1].plot(fine, kept if factor == 1 else np.full(len(fine), factor), **null(),
                     label="null: size kept; no noise" if k == 0 else None)
        axes[1].plot(np.linspace(0, steps, len(found)), np.array(found) / STD, **simulation(k))
    axes[1].set(xlabel="step", ylabel="std of the noise part over $\\tau_0'$", title="footnote 2, $\\eta=0.2$",
                ylim=(0, 3.4))
    key(axes[1], loc="upper right")
    return picture


FIGURE = Figure(
    "pattern-turnover", "Li, Wei and Ma: activation patterns and noise under large and small rates",
    "(a) Share of V's activations on z that differ from the start: lines are the law of the noise part, markers one "
    "run each. Under the large rate the patterns are forgotten, under the small one they hardly change. (b) The noise "
    "part started too small or too large goes to the size τ₀′ that decay and noise balance at (footnote 2). Binomial "
    "errors are below the markers' size.",
    simulate, judge, draw, ("LWM19.turnover", "LWM19.stationary", "LWM19.decomposition", "LWM19.outputs",
                            "LWM19.footnote2"),
    (2, 4, 29))
