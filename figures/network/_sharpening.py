"""How fast, and how far, gradient descent sharpens: by examples, depth, and scale of the start."""

import numpy as np
from matplotlib.ticker import LogLocator, NullFormatter

from figures._figure import Figure, frozen, holds, not_judged
from figures._fitted_powers import fitted_power, t_limit
from figures._style import guide, joined, null, panels
from figures.network._panels import empty
from figures.network._runs import authors_setting, cannot, guarded, sharpened
from refimpl import datasets, images

CLAIM = "WME18.sharpening"
NAMES = ("examples", "hidden layers", "scale of the start")
LR, TOLD = 0.05, 1e-3      # η; chance that a power is told where there is none

# Examples, hidden layers, scales (each varied at the middle of the others), width, steps, records, starts.
Sizes = frozen("examples layers scales hidden steps records starts")
SIZES = {"quick": Sizes((25, 50, 100), (1, 2, 3), (0.7, 1.0, 1.4), 30, 1000, 10, 2),
         "standard": Sizes((50, 100, 200, 400), (1, 2, 3, 4), (0.7, 1.0, 1.4, 2.0), 30, 4000, 20, 5),
         "full": Sizes((125, 250, 500, 1000, 2000), (1, 2, 3, 4, 5), (0.5, 0.7, 1.0, 1.4, 2.0), 100, 8000, 20, 5)}


def settings(sizes):
    """Rows (examples, layers, scale): each of the three varied, the two others at the middle of their list."""
    lists = (sizes.examples, sizes.layers, sizes.scales)
    middle = [values[len(values) // 2] if k != 2 else 1.0 for k, values in enumerate(lists)]
    rows = [tuple(value if j == k else middle[j] for j in range(3)) for k, values in enumerate(lists)
            for value in values]
    return list(dict.fromkeys(rows))


@guarded
def simulate(effort, rng, data):
    """Sharpness and training loss along gradient descent in the authors' setting, (settings, records, starts)."""
    sizes = SIZES[effort]
    rows, most = settings(sizes), max(sizes.examples)
    if data is None:
        x, labels, _ = images.synthetic_images(most, channels=1, size=10, template=1.0, rng=0)
        pictures, name, classes = 0.3 + 1.5 * x, "synthetic images", 10
    else:
        whole = datasets.load(data)
        if len(whole.labels) < most:
            raise ValueError(f"data must hold {most} training images, got {len(whole.labels)}; give a whole set")
        pictures, labels = whole.images[:most] / np.float32(255), whole.labels
        name, classes = whole.name.split()[0], whole.classes
    shape = (len(rows), sizes.records, sizes.starts)
    sharp, loss = np.full(shape, np.nan), np.full(shape, np.nan)
    for j, child in enumerate(rng.spawn(sizes.starts)):
        for i, (n, layers, scale) in enumerate(rows):
            n = int(n)
            model, x, y = authors_setting(pictures[:n], labels[:n], classes, sizes.hidden, layers, scale)
            start = np.random.default_rng(child.bit_generator.seed_seq)
            w = model.init(start).astype(np.float32)
            path = sharpened(model, w, x, y, LR, sizes.steps, sizes.records, rng=start)
            sharp[i, :, j], loss[i, :, j] = 2 / classes * path.sharpness, 2 / classes * path.loss
    every = sizes.steps // sizes.records
    return {"settings": np.array(rows), "sharpness": sharp, "loss": loss, "data": name,
            "time": LR * every * np.arange(1, sizes.records + 1)}


def varied(numbers, k):
    """Which settings vary the k-th of the three alone: (settings,) of bool."""
    others = np.delete(numbers["settings"], k, axis=1)
    alike = (others[:, None] == others).all(axis=2)
    return alike[alike.sum(axis=1).argmax()]


def at_equal_loss(numbers, k):
    """Of the settings that vary the k-th alone: the least loss that all reach, and sharpness and time where each first
    is there, (settings, starts)."""
    own = varied(numbers, k)
    sharp, loss = numbers["sharpness"][own], numbers["loss"][own]
    level = loss.min(axis=1).max()
    first = (loss <= level).argmax(axis=1)
    return float(level), np.take_along_axis(sharp, first[:, None], axis=1)[:, 0], numbers["time"][first]


def powers(numbers):
    """((power, error, degrees) of sharpness at equal loss in each of the three; the same of the time in the examples).
    """
    columns = [numbers["settings"][varied(numbers, k), k] for k in range(3)]
    sharp = tuple(paired_power(columns[k], at_equal_loss(numbers, k)[1]) for k in range(3))
    return sharp, paired_power(columns[0], at_equal_loss(numbers, 0)[2])


def paired_power(x, y):
    """`fitted_power` of y (points, starts) from the same starts at every point: what a start has in common cancels."""
    points, starts = y.shape
    power, error, _ = fitted_power(x, y / np.exp(np.log(y).mean(axis=0)))
    return power, error * (points / (points - 1))**0.5, (points - 1) * (starts - 1)


def judge(numbers):
    """Powers of sharpness at equal loss, and of the time to that loss, in the three that were varied."""
    if "why" in numbers:
        return cannot(numbers, (CLAIM,))
    if not np.isfinite(numbers["loss"]).all():
        return (not_judged(CLAIM, "sharpness at equal training loss", "a run blew up"),)
    found, (slow, slow_error, degrees) = powers(numbers)
    scale, error, freedom = found[2]
    where = f"at equal training loss, {numbers['loss'].shape[2]} starts"
    rows = [_told(f"power of sharpness {where}, in the scale of the start", scale, error, freedom,
                  "0: it does not matter"),
            _told("power of the time to that loss, in the examples", slow, slow_error, degrees,
                  "0: more examples sharpen as fast")]
    for name, (power, own, _) in zip(NAMES[:2], found):
        rows.append(_told(f"power of sharpness {where}: the scale's {scale:.2f}, less that in the {name}, {power:.2f}",
                          scale - abs(power), np.hypot(own, error), freedom, f"0: the {name} matter as much"))
    return tuple(rows)


def _told(quantity, value, error, degrees, null):
    limit = t_limit(degrees, TOLD)
    passed = value > 0 if abs(value) > limit * error else None
    return holds(CLAIM, quantity, "positive", f"{value:.3f} ± {error:.3f}", f"{limit:.1f} standard errors", passed,
                 null=null)


def draw(numbers):
    """Sharpness over time by examples, and over training loss by each of the three."""
    if "why" in numbers:
        return empty(numbers)
    figure, axes = panels(2, 2, width=4.4, height=3.2)
    rows, loss, sharp = numbers["settings"], numbers["loss"].mean(axis=2), numbers["sharpness"].mean(axis=2)
    for axis, k in zip(axes, (0, 0, 1, 2)):
        own = np.flatnonzero(varied(numbers, k))
        for shade, i in enumerate(own[rows[own, k].argsort()]):
            over = numbers["time"] if axis is axes[0] else loss[i]
            joined(axis, over, sharp[i], shade, label=f"{rows[i, k]:g}", markersize=3.5)
        axis.set(xlabel="time $\\eta\\cdot$steps" if axis is axes[0] else "training loss", ylabel="sharpness $a$",
                 yscale="log")
        if axis is not axes[0]:
            axis.set_xscale("log")
            round_numbers = (1, 2, 5) if loss[own].max() > 8 * loss[own].min() else (1, 2, 3, 5, 8)
            axis.xaxis.set(major_locator=LogLocator(subs=round_numbers), major_formatter="{x:g}",
                           minor_formatter=NullFormatter())
            level, there, _ = at_equal_loss(numbers, k)
            axis.axvline(level, **guide())
            if k == 2:
                axis.axhline(np.exp(np.log(there).mean()), label="null: alike", **null())
        axis.legend(title=NAMES[k], loc="lower right" if axis is axes[0] else "lower left")
    axes[0].set_title(f"{numbers['data']}, {numbers['sharpness'].shape[2]} starts", fontsize=8.5)
    for axis, title in zip(axes[1:], ("at a loss: examples", "at a loss: depth", "at a loss: scale of the start")):
        axis.set_title(title)
    return figure


FIGURE = Figure(
    "network-sharpening",
    "How sharp gradient descent is at a training loss: the start's scale decides, not the examples",
    "Gradient descent in the authors' setting of Table 1 (ReLU, one-hot labels), far below its edge; open markers, "
    "means over starts. (a) Sharpness over time for several numbers of examples. (b, c, d) Sharpness over training "
    "loss, for numbers of examples, of hidden layers, and scales of the start; grey line, the least loss that all of "
    "the panel reach. Look at how far curves lie apart: in (a) more examples take longer, in (b) they fall together, "
    "in (d) not.",
    simulate, judge, draw, (CLAIM,), (2, 42, 900), reads_data=True, data_seconds=(4, 110, 2500))
