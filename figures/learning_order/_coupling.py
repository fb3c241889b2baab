"""How much the output changes when activations are taken from the noise part alone."""

import numpy as np

from figures._figure import Figure, close, frozen, holds
from figures._fitted_powers import fitted_power, t_limit
from figures._style import below, guide, null, panels, simulation, theory
from figures.learning_order._runs import coupled
from theory import learning_order as predicted

STD, SCALE, R = 0.5, 5.0, 0.15

# Two widths or more, steps of the runs, runs of each.
Sizes = frozen("widths steps replicas")
SIZES = {"quick": Sizes((500, 4000), (10, 40, 160), 12), "standard": Sizes((500, 2000, 8000), (10, 40, 160, 640), 16),
         "full": Sizes((500, 2000, 8000, 32_000), (10, 40, 160, 640), 24)}


def simulate(effort, rng):
    """By width, steps and replica: ‖V̄‖, rms of g, rms change of g, and its law from the signal."""
    sizes = SIZES[effort]
    shape = len(sizes.widths), len(sizes.steps), sizes.replicas
    norm, output, change, law = (np.empty(shape) for _ in range(4))
    lengths = np.array([np.hypot(1, R), 1, np.hypot(1, R)])
    for place in np.ndindex(shape):
        norm[place], noise, own, along = coupled(sizes.widths[place[0]], sizes.steps[place[1]], rng)
        out = SCALE / sizes.widths[place[0]]**0.5 * np.ones(sizes.widths[place[0]])
        output[place], change[place] = np.sqrt((noise**2).mean()), np.sqrt(((own - noise)**2).mean())
        law[place] = np.sqrt(np.mean([predicted.decoupling_error(row, out, STD * length)**2
                                      for row, length in zip(along, lengths)]))
    return {"widths": np.array(sizes.widths), "steps": np.array(sizes.steps), "norm": norm, "output": output,
            "change": change, "law": law}


def judge(numbers):
    """Power of the width in the change, its size beside the law, and its share of the output."""
    widths, change = np.asarray(numbers["widths"]), np.asarray(numbers["change"])
    share, rows = change / np.asarray(numbers["output"]), []
    powers = [fitted_power(widths, change[:, i]) for i in range(change.shape[1])]
    power = np.mean([one[0] for one in powers])
    error = np.sqrt(np.mean([one[1]**2 for one in powers]) / len(powers))
    limit = t_limit(powers[0][2] * len(powers))
    rows.append(close("LWM19.coupling", f"power of the width in the change of g, m = {widths[0]} to {widths[-1]}",
                      -0.75, power,
                      limit * error, null=(0.0, "as large in a wide net"), note=f"({limit:.1f} standard errors)"))
    ratio = np.log(change / np.asarray(numbers["law"]))
    middle, spread = ratio.mean(), ratio.std(ddof=1) / ratio.size**0.5
    rows.append(holds("LWM19.coupling", "change of g over that with patterns independent of the signal", "of order 1",
                      f"{np.exp(middle):.3f}, ± {spread:.3f} in log", "½ to 2", abs(middle) + limit * spread
                      < np.log(2), null="first order in the signal, a flip a neuron: beyond 10"))
    wide = np.sqrt((share[-1]**2).mean())
    rows.append(holds("LWM19.coupling", f"rms change over rms of g, m = {widths[0]}; {widths[-1]}",
                      "small in a wide net", f"{np.sqrt((share[0]**2).mean()):.3f}; {wide:.3f}", "wide: below 0.15",
                      wide < 0.15, null="not preserved at all: of order 1"))
    return tuple(rows)


def draw(numbers):
    """Change of g against the signal's norm, and its share of g against the width."""
    picture, axes = panels(1, 2, width=4.2, height=4.0)
    widths = np.asarray(numbers["widths"])
    norm, change, law = (np.asarray(numbers[name]) for name in ("norm", "change", "law"))
    for k, width in enumerate(widths):
        mean = norm[k].mean(axis=-1)
        axes[0].loglog(mean, np.sqrt((law[k]**2).mean(axis=-1)), label=f"$m={width}$", **theory(k))
        axes[0].errorbar(mean, *_rms(change[k]), capsize=3, **simulation(k))
    share = change / np.asarray(numbers["output"])
    for i, steps in enumerate(np.asarray(numbers["steps"])):
        axes[1].errorbar(widths * (1 + 0.03 * i), *_rms(share[:, i]), capsize=3, label=f"after {steps} steps",
                         **simulation(i))
    axes[0].loglog(norm[0].mean(axis=-1), 10 * np.sqrt((law[0]**2).mean(axis=-1)),
                   label=f"null: 10 × that of {widths[0]}", **null())
    axes[1].axhline(np.sqrt((share[0]**2).mean()), label="null: as in a narrow net", **null())
    axes[1].plot(widths, np.sqrt((share[0]**2).mean()) * (widths / widths[0])**-0.75, label="guide, ∝ $m^{-3/4}$",
                 **guide(linewidth=1.3))
    axes[0].set(xlabel="$\\Vert\\bar V\\Vert_F$", ylabel="rms change of $g$", title="change")
    axes[1].set(xlabel="width $m$ of $V$", ylabel="rms change over rms of $g$", xscale="log", yscale="log",
                title="share of the output")
    for axis in axes:
        below(axis, title="lines: theory, markers: simulation")
    return picture


def _rms(values):
    """Root mean square over the last axis and its standard error."""
    square = (values**2).mean(axis=-1)
    return np.sqrt(square), (values**2).std(axis=-1, ddof=1) / values.shape[-1]**0.5 / (2 * np.sqrt(square))


FIGURE = Figure(
    "activation-coupling", "Li, Wei and Ma: activations from the noise part alone",
    "What g on z − ζ, z and z + ζ changes by when V's activations are those of its noise part instead of its own, on "
    "the same weights after runs of several lengths. Markers: root mean squares over runs with standard errors; lines: "
    "the law for patterns that are independent of the signal, from the signal itself. The change grows with the signal "
    "and falls with the width: in a wide net with a small signal the output is preserved.",
    simulate, judge, draw, ("LWM19.coupling",), (3, 12, 40))
