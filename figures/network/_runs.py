"""What the figures on networks share: data, nets, how a minimum is measured, and runs in the authors' setting."""

from dataclasses import dataclass
from functools import wraps
from math import sqrt

import numpy as np

from figures._figure import holds, not_judged
from refimpl import datasets, network
from refimpl.edge_of_stability import sharpen
from theory import linear_stability as predicted

EXAMPLES, TESTS = 200, 2000
FLIPPED = 0.25       # share of training labels turned over in the synthetic set
TEACHER = "teacher set"
MOST_STEPS = 20_000  # of gradient descent
SIGMAS = 6.0         # standard errors that a comparison may use: a false alarm once in 5e8
FEW = 16             # examples below which a batch is small
# Table 1, {η: (mean, spread)}
PUBLISHED = {"FashionMNIST": {0.01: (53.5, 4.3), 0.05: (39.3, 0.5), 0.1: (19.6, 0.15), 0.5: (3.9, 0.0)},
             "CIFAR10": {0.01: (198.9, 0.6), 0.05: (39.8, 0.2), 0.1: (19.8, 0.1), 0.5: (3.6, 0.4)}}
# A net at the edge swings about it: standard deviations of one record that it may be off, and the least part of 2/η,
# twice what the published means of Table 1 are off at the three rates that reach the edge.
SWINGS, LEAST = 3.0, 0.05
HALF_A_DIGIT = 0.05  # of the means as Table 1 prints them
OWN = 5              # starts from which their scatter is known by itself
TOLD = 1e-3          # chance, for so many starts, that a difference is told where there is none


@dataclass(frozen=True)
class Task:
    """A two-class problem with labels ±1; its inputs had `pixels` entries before they were put in their own span."""

    x: np.ndarray
    y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray
    name: str
    pixels: int

    @property
    def model(self):
        """tanh net with three hidden layers of 40."""
        return network.MLP((self.x.shape[1], 40, 40, 40, 1), gain=0.6)

    @property
    def goal(self):
        """Loss at which a minimum counts as reached; on images the last decades take most of the steps."""
        return 1e-7 if self.name == TEACHER else 1e-5

    def start(self, rng):
        """Parameters with W ~ N(0, 0.6²/fan-in), the fan-in of the first layer that of the whole images."""
        w, dim = self.model.init(rng), self.x.shape[1]
        if dim < self.pixels:
            w[:40 * dim] *= sqrt(dim / self.pixels)
        return w


@dataclass(frozen=True)
class Minimum:
    """A minimum after polishing, with its exact critical rate."""

    sharpness: float
    non_uniformity: float
    critical_lr: float
    accuracy: float     # on the test set, before polishing
    moved: float        # by what share polishing changed the sharpness


def task(data, *, corrupt=False):
    """The synthetic set, always the same one, or two classes of an image set on disk.

    With `corrupt` a share of an image set's training labels is turned over, as
    in Fig. 1; in the synthetic set it always is.

    Descent moves the first layer's weights within the span of the training
    images only. Images are therefore given by their coordinates in that span,
    which leaves every step as it is; of the test images the part outside of it
    is left out, to which weights answer as they were drawn.
    """
    if data is None:
        x, *rest = network.teacher_set(EXAMPLES, TESTS, flipped=FLIPPED, rng=0)
        return Task(x, *rest, TEACHER, x.shape[1])
    parts, name = [], ""
    for split, count in (("train", EXAMPLES), ("test", TESTS)):
        images = datasets.load(data, split=split)
        two = np.flatnonzero(images.labels < 2)[:count]
        if len(set(images.labels[two])) < 2:
            raise ValueError(f"data must hold images of the classes 0 and 1 in its {split} split, got {images.name} "
                             f"in {data} without; give a whole set")
        labels = np.where(images.labels[two] == 1, 1.0, -1.0)
        parts.append((images.images[two].reshape(len(two), -1).astype(float), labels))
        name = images.name.split()[0]
    (x, y), (test_x, test_y) = parts
    if corrupt:
        y[np.random.default_rng(0).permutation(len(y))[:round(FLIPPED * len(y))]] *= -1
    mean, spread = x.mean(), x.std()
    if not spread > 0:
        raise ValueError(f"data must hold images that differ, got {len(x)} equal ones of the classes 0 and 1")
    x, test_x = (x - mean) / spread, (test_x - mean) / spread
    pixels = x.shape[1]
    _, sizes, basis = np.linalg.svd(x, full_matrices=False)
    basis = basis[sizes > 1e-10 * sizes[0]].T
    return Task(x @ basis, y, test_x @ basis, test_y, name, pixels)


def settled(task, lr, size, replicas, steps, rng, momentum=0.0):
    """Minima that SGD reaches from random starts, and how many starts found none in the steps.

    On images the loss is met early, and by some that only pass through it: kept
    are those whose loss has fallen further after as many as 4000 steps more.
    """
    starts = np.stack([task.start(rng) for _ in range(replicas)])
    options = {"lr": lr, "batch_size": size, "momentum": momentum, "rng": rng}
    found = network.descend(task.model, starts, task.x, task.y, target=task.goal, max_steps=steps, record_every=1000,
                            **options)
    ends, losses = found.w[found.success], found.loss[found.success]
    if task.name != TEACHER and len(ends):
        later = network.descend(task.model, ends, task.x, task.y, target=0.01 * task.goal, max_steps=4000,
                                record_every=4000, **options)
        ends = later.w[later.loss < losses]
    return ends, replicas - len(ends)


def measure(task, w, batch_size, rng, momentum=0.0):
    """The `Minimum` near w."""
    model = task.model
    polished = network.polish(model, w, task.x, task.y)
    point = network.operator(model, polished, task.x, task.y)
    sharp, spread = float(network.sharpness(point, rng=rng)), float(network.non_uniformity(point, rng=rng))
    before = float(network.sharpness(model, w, task.x, task.y, tolerance=1e-4, rng=0))
    return Minimum(sharp, spread, predicted.critical_lr(ensemble(task, polished), batch_size, momentum=momentum),
                   float(model.accuracy(w, task.test_x, task.test_y)), abs(sharp / before - 1))


def ensemble(task, w):
    """The examples' Gauss–Newton Hessians at w by their kernel, n × n however many parameters there are."""
    return predicted.GaussNewton.from_kernel(task.model.gram(w, task.x))


def coordinates(task, w, factors, v):
    """A displacement v from w in the basis of `factors`, the `ensemble` there: both change the outputs alike."""
    _, change = task.model.linearize(w, task.x, task.y).output_tangent(v)
    rows = factors.jacobians[:, 0]                       # orthogonal columns
    return rows.T @ change[:, 0] / np.square(rows).sum(axis=0)


def interpolated(task, w, least=1e-28, most=8):
    """The minimum near w, polished until its loss is at rounding: what is near it is then linear over many decades."""
    w = network.polish(task.model, w, task.x, task.y)
    for _ in range(most - 3):
        if task.model.loss(w, task.x, task.y) <= least:
            break
        w = network.polish(task.model, w, task.x, task.y, steps=1)
    return w


def exponent(task, w, lr, size, rng, steps=4000, block=200):
    """2Λ of the map linearised at the minimum near w, over its standard error, from one long sequence of batches."""
    w = network.polish(task.model, w, task.x, task.y)
    return path_exponent(predicted.GaussNewton(task.model.factors(w, task.x)), lr, size, rng, steps, block)


def path_exponent(factors, lr, size, rng, steps, block):
    """2Λ of the map with these Gauss–Newton factors over its standard error, from slopes over blocks of one path."""
    count = len(factors.jacobians)
    batches = np.argsort(rng.random((steps, count)), axis=-1)[:, :size]
    start = factors.jacobians[:, 0].T @ rng.standard_normal(count)
    path = predicted.path_log_loss(factors, lr, batches, start)
    slopes = np.diff(path[::block])[1:]
    return float(slopes.mean() / (slopes.std(ddof=1) / sqrt(len(slopes))))


def stays(claim, heading, ratios, beyond, null, words):
    """Row: minima on which SGD settled are within the exact threshold, or almost every path shrinks nonetheless.

    `beyond` are the `exponent` of those with η/η* > 1, where the mean square grows but is carried by rare batches;
    `null` those of places where SGD does not settle, which `words` names: unless one tells, nothing is judged.
    """
    left, told = int((beyond > SIGMAS).sum()), bool((null > SIGMAS).any())
    listed = f"{null.min():.1f}…{null.max():.1f}" if len(null) else ""
    worst = f", their exponents up to {beyond.max():.1f}" if len(beyond) else ""
    return holds(claim, f"{heading}: η ≤ η*, or exponent of almost every path not above 0", "all",
                 f"{len(ratios) - left} of {len(ratios)}; η/η* up to {ratios.max():.3f}, {len(beyond)} beyond 1{worst}",
                 f"exponents ≤ {SIGMAS:g} standard errors", left == 0 if told else None,
                 null=f"{words}: exponents of {listed} standard errors" if listed else words)


def at_the_edge(data, hidden, examples, plan, records, rng):
    """Gradient descent in the authors' setting of Table 1, its loss and sharpness along the way, in their constants.

    [inputs, hidden, hidden, hidden, classes], ReLU, PyTorch's default start,
    inputs in [0, 1], one-hot labels, the first examples of the training set,
    full batch, float32. Their loss is the mean over examples and outputs of
    (f − y)², 2/k of ours for k outputs: their η is ours times k/2, their
    sharpness ours times 2/k, and η times sharpness is the same. `plan` has
    (η, steps, starts) of each rate; all rates begin at the same starts.
    """
    model, x, y, name = first_images(data, examples, hidden)
    rates, lengths, starts = zip(*plan)
    begun = [model.init(rng).astype(np.float32) for _ in range(max(starts))]
    sharp, loss = np.full((2, len(plan), records, max(starts)), np.nan)
    for k, (lr, steps, count) in enumerate(plan):
        for j, w in enumerate(begun[:count]):
            path = sharpened(model, w, x, y, lr, steps, records, rng=rng)
            sharp[k, :, j], loss[k, :, j] = (2 / y.shape[1] * of for of in (path.sharpness, path.loss))
    time = np.array([lr * (steps // records) * np.arange(1, records + 1) for lr, steps in zip(rates, lengths)])
    return {"rates": np.array(rates), "starts": np.array(starts), "sharpness": sharp[:, -(records // 5):].mean(axis=1),
            "time": time, "path_sharpness": sharp, "path_loss": loss, "widths": np.array(model.widths),
            "examples": np.array(len(x)), "data": f"{name}, first {len(x)} training images"}


def first_images(data, examples, hidden):
    """(model, x, y) of Table 1 on the first examples of a set on disk, and the set's name."""
    images = datasets.load(data)
    return *authors_setting(images.images[:examples] / np.float32(255), images.labels[:examples], images.classes,
                            hidden), images.name.split()[0]


def authors_setting(pictures, labels, classes, hidden, layers=3, scale=1.0):
    """(model, x, y) of Table 1: a ReLU net with PyTorch's start times `scale`, images (n, …) in [0, 1], one-hot labels.
    """
    x = np.asarray(pictures, np.float32).reshape(len(pictures), -1)
    model = network.MLP((x.shape[1], *(hidden,) * layers, classes), activation="relu", init_kind="uniform",
                        gain=float(scale))
    return model, x, np.eye(classes, dtype=np.float32)[labels]


def sharpened(model, w, x, y, lr, steps, records, *, rng, momentum=0.0):
    """`sharpen` at the authors' η, which is 2/k of it in our constants; its loss and sharpness are in ours."""
    every = steps // records
    return sharpen(model, w, x, y, lr=lr * (2 / y.shape[1]), momentum=momentum, steps=every * records,
                   record_every=every, rng=rng)


def record_spread(path):
    """Standard deviation of one record in the last fifth of runs (records, …) at one rate; 0 where none was run."""
    last = path[-max(2, len(path) // 5):]
    spread = float(np.sqrt(np.nanmean(np.var(last, axis=0, ddof=1)))) if np.isfinite(last).any() else 0.0
    return spread if np.isfinite(spread) else 0.0


def swing(ratios):
    """How far from 1 the sharpness over its edge may rest, from the records (records,) of a run."""
    return max(LEAST, SWINGS * record_spread(ratios))


def guarded(simulate):
    """`simulate(effort, rng, data)` that no set of the user's ends: what it cannot do becomes ``numbers["why"]``."""
    @wraps(simulate)
    def call(effort, rng, data):
        try:
            return simulate(effort, rng, data)
        except (ValueError, np.linalg.LinAlgError) as error:
            if data is None:
                raise
            return {"data": _name(data), "why": str(error)}
    return call


def _name(data):
    try:
        return datasets.load(data).name.split()[0]
    except ValueError:
        return "a set that could not be read"


def cannot(numbers, claims):
    """Rows, not judged, of a figure that the set did not allow."""
    return tuple(not_judged(claim, "not drawn on this set", str(numbers["why"])) for claim in claims)
