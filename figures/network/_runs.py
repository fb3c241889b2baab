"""What the figures on networks share: the data, the net, and how a minimum is measured."""

from dataclasses import dataclass

import numpy as np

from refimpl import network
from theory import linear_stability as predicted

EXAMPLES, TESTS = 200, 2000
FLIPPED = 0.25      # share of training labels turned over in the synthetic set
MOST_STEPS = 20_000  # of gradient descent
SIGMAS = 6.0        # standard errors that a comparison may use: a false alarm once in 5e8
FEW = 16            # examples below which a batch is small
# η/η* that a minimum on which SGD settles may have: the noise of batches is so heavy-tailed, of small ones
# above all, that almost every path still converges a little beyond the mean-square limit.
OVER = 1.3


@dataclass(frozen=True)
class Task:
    """A two-class problem with labels ±1."""

    x: np.ndarray
    y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray
    name: str

    @property
    def model(self):
        """tanh net with three hidden layers of 40, W ~ N(0, 0.6²/fan-in)."""
        return network.MLP((self.x.shape[1], 40, 40, 40, 1), gain=0.6)


@dataclass(frozen=True)
class Minimum:
    """A minimum after polishing, with its exact critical rate."""

    sharpness: float
    non_uniformity: float
    critical_lr: float
    accuracy: float     # on the test set, before polishing


def task(data, *, corrupt=False):
    """The synthetic set, always the same one, or two classes of an image set on disk.

    With `corrupt` a share of an image set's training labels is turned over, as
    in Fig. 1; in the synthetic set it always is.
    """
    if data is None:
        return Task(*network.teacher_set(EXAMPLES, TESTS, flipped=FLIPPED, rng=0), "teacher set")
    from refimpl import datasets

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
    return Task((x - mean) / spread, y, (test_x - mean) / spread, test_y, name)


def measure(task, w, batch_size, rng):
    """The `Minimum` near w."""
    model = task.model
    polished = network.polish(model, w, task.x, task.y)
    point = network.operator(model, polished, task.x, task.y)
    factors = predicted.GaussNewton(model.factors(polished, task.x))
    return Minimum(float(network.sharpness(point, rng=rng)), float(network.non_uniformity(point, rng=rng)),
                   predicted.critical_lr(factors, batch_size), float(model.accuracy(w, task.test_x, task.test_y)))
