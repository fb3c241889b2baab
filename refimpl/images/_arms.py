"""The experiment of section 6: its sets, its three arms, and the comparison at equal training loss."""

from dataclasses import dataclass

import numpy as np

from refimpl._renamed import renamed
from refimpl._streams import streams
from refimpl.images._conv_net import ConvNet
from refimpl.images._patches import PATCH_ONLY, ImageData, Patches, augment, draw_patches, put_patches
from refimpl.images._synthetic import synthetic_images
from refimpl.images._train import train
from theory import _checks

ARMS = ("large", "small", "noise")


@dataclass(frozen=True)
class Problem:
    """The sets of the experiment.

    Attributes
    ----------
    plain : ImageData
        Training images before augmentation.
    train : ImageData
        The same images after it.
    clean : ImageData
        Validation images without a patch.
    mixed : ImageData
        The same images, augmented as the training set.
    patch_only : ImageData
        Every patch alone, once, with ζ at scale 1: 2·k·classes images.
    patch_random : ImageData
        Patches alone, of uniform labels, with ζ scaled at random as in the training set; those with ζ near 0 cannot
        be told apart.
    patches : Patches
        The patches of all classes.
    """

    plain: ImageData
    train: ImageData
    clean: ImageData
    mixed: ImageData
    patch_only: ImageData
    patch_random: ImageData
    patches: Patches

    @property
    def model(self):
        """The net of the study for these images: blocks the size of a patch, one of which is the patch."""
        channels, height, width = self.clean.images.shape[1:]
        size, pad = self.patches.size, _padding(height, self.patches.size)
        return ConvNet(channels=channels, height=height, width=width, classes=len(self.patches.patterns), size=size,
                       pad=pad)

    def evaluate(self):
        """The validation sets as `train` takes them."""
        return {name: (data.images, data.labels)
                for name, data in (("clean", self.clean), ("patch", self.patch_only),
                                   ("patch-random", self.patch_random), ("mixed", self.mixed))}


def draw_problem(n=2000, *, validation=2000, patch_validation=500, patch_scale=2.2, separation=0.7, contrast=0.2,
                 images=None, rng=None, **options):
    """Draw the sets of the experiment.

    Parameters
    ----------
    n, validation, patch_validation : int
        Sizes of the training set, the clean and mixed sets, the patch-only set at random scale.
    patch_scale, separation : float
        Of `draw_patches`, with the patch 7 × 7.
    contrast : float
        Standard deviation of a pixel of the images.
    images : ((images, labels), (images, labels)), optional
        Training and validation images of any size and scale, of which the
        first n and `validation` are taken, moved to mean 0 for each channel and
        scaled to `contrast`; the default is `synthetic_images`.
    rng : None, int, SeedSequence or Generator
        Source of all that is drawn, by `numpy.random.default_rng`.
    **options
        For `augment`.

    Returns
    -------
    Problem
        All images float32.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    References
    ----------
    [LWM19] section 6.

    Examples
    --------
    >>> draw_problem(100, validation=20, patch_validation=10, rng=0).train.images.shape
    (100, 3, 21, 21)
    """
    rng = _checks.generator(rng)
    counts = [_checks.whole(value, name) for value, name in
              ((n, "n"), (validation, "validation"), (patch_validation, "patch_validation"))]
    patch_scale = _checks.scalar(patch_scale, "patch_scale", zero=True)
    if images is None:
        first, labels, templates = synthetic_images(n, contrast=contrast, rng=rng)
        second, their, _ = synthetic_images(validation, contrast=contrast, templates=templates, rng=rng)
        classes = len(templates)
    else:
        (first, labels), (second, their) = ((_checks.real(x, "images")[:count], _checks.array(y, "labels")[:count])
                                            for (x, y), count in zip(images, counts))
        classes = int(max(labels.max(), their.max())) + 1
        mean = first.mean(axis=(0, 2, 3), keepdims=True, dtype=np.float64)
        spread = (first - mean).std()
        if not spread > 0:
            raise ValueError("images must differ from each other, got equal pixels throughout; give real images")
        first, second = ((part - mean) * (contrast / spread) for part in (first, second))
    patches = draw_patches(classes=classes, channels=first.shape[1], scale=patch_scale, separation=separation, rng=rng)
    drawn = rng.integers(classes, size=patch_validation)
    blank = np.zeros((patch_validation, *first.shape[1:]))
    kinds = patches.patterns.shape[1]
    label, pattern, sign = (part.ravel() for part in np.meshgrid(np.arange(classes), np.arange(kinds), [1.0, -1.0],
                                                                 indexing="ij"))
    every = put_patches(np.zeros((len(label), *first.shape[1:])), label, patches, np.full(len(label), PATCH_ONLY),
                        sign=sign, pattern=pattern, place=options.get("place"))
    sets = [_untouched(first, labels), augment(first, labels, patches, rng=rng, **options), _untouched(second, their),
            augment(second, their, patches, rng=rng, **options), every,
            augment(blank, drawn, patches, rng=rng, **{**options, "augmented": 1.0, "patch_only": 1.0})]
    sets = [ImageData(data.images.astype(np.float32), data.labels, data.kind) for data in sets]
    return Problem(*sets, patches)


@renamed(noise_std="preactivation_std")
def arm(name, *, epochs=120, anneal=40, large=0.2, small=0.02, preactivation_std=0.5):
    """Rates and noise of one arm, as keywords of `train`.

    Parameters
    ----------
    name : {"large", "small", "noise"}
        Large then small rate; small rate; small rate with noise, then none.
    epochs, anneal : int
        Length, and the epochs before rate or noise is lowered; ``anneal >= epochs``: never.
    large, small, preactivation_std : float
        Large rate, small rate, and the noise before the activations.

    Returns
    -------
    dict

    Raises
    ------
    ValueError
        If an argument is outside its range.

    References
    ----------
    [LWM19] section 6: "3 methods".

    Examples
    --------
    >>> arm("large", epochs=3, anneal=1)["lr"].tolist()
    [0.2, 0.02, 0.02]
    """
    _checks.one_of(name, "name", ARMS)
    before = np.arange(_checks.whole(epochs, "epochs")) < _checks.whole(anneal, "anneal", 0)
    lr = np.where(before & (name == "large"), _checks.scalar(large, "large"), _checks.scalar(small, "small"))
    std = np.where(before & (name == "noise"), _checks.scalar(preactivation_std, "preactivation_std", zero=True), 0.0)
    return {"epochs": epochs, "lr": lr, "preactivation_std": std}


@renamed(noise_std="preactivation_std", evaluate_every="record_every")
def run_arm(problem, name, *, data=None, epochs=120, anneal=40, model=None, rng=None, large=0.2, small=0.02,
            preactivation_std=0.5, weight_decay=2e-3, record_every=2, **options):
    """Train one arm on the problem in float32, recording accuracies and the active units on the patch.

    Parameters
    ----------
    problem : Problem
        The sets.
    name : {"large", "small", "noise"}
        Which arm, as in `arm`.
    data : ImageData, optional
        Training set instead of ``problem.train``, e.g. ``problem.plain``.
    epochs, anneal, large, small, preactivation_std
        Of `arm`.
    model : ConvNet, optional
        Instead of ``problem.model``.
    rng : None, int, SeedSequence or Generator
        Starts, batches and noise; the start depends on it alone, not on the arm.
    weight_decay : float
        λ ≥ 0.
    record_every : int
        Epochs between records.
    **options
        For `train`.

    Returns
    -------
    Training
        ``observed["active"]`` is the share of units of the patch's block that
        are active, over all patches at scale 1.

    Examples
    --------
    >>> problem = draw_problem(64, validation=20, patch_validation=10, rng=0)
    >>> run_arm(problem, "small", epochs=2, rng=0).observed["active"].shape
    (2,)
    """
    _checks.having(problem, "problem", "model", "train", "patches")
    model = problem.model if model is None else model
    start, rest = streams(rng, 2)
    data = problem.train if data is None else data
    watch = {"active": lambda w: patch_activity(model, w, problem.patches)}
    return train(model, model.init(start).astype(np.float32), data.images, data.labels, rng=rest,
                 weight_decay=weight_decay, evaluate=problem.evaluate(), record_every=record_every, observe=watch,
                 **arm(name, epochs=epochs, anneal=anneal, large=large, small=small,
                       preactivation_std=preactivation_std), **options)


def patch_activity(model, w, patches):
    """Share of first-layer units that are active on the patches z ± ζ, as if each filled a block.

    Parameters
    ----------
    model : ConvNet
        The net.
    w : array_like (…, P)
        Its parameters.
    patches : Patches
        As large as a block.

    Returns
    -------
    ndarray (…)
    """
    rows = patches.variants().reshape(-1, model.inputs)
    return (rows @ model.split(_checks.double(w, "w"))[0] > 0).mean(axis=(-2, -1))


def at_equal_loss(run, name="clean", target=0.15):
    """Accuracy on a set at the first record whose training loss is at most `target`; NaN where none is.

    Parameters
    ----------
    run : Training
        With records of the training set and of `name`.
    name : str
        A set that was evaluated.
    target : float
        The training loss.

    Returns
    -------
    float

    References
    ----------
    [LWM19] Theorem 3.5: the comparison is at equal training loss.
    """
    _checks.having(run, "run", "loss", "accuracy")
    below = np.flatnonzero(run.loss["train"] <= target)
    return float(run.accuracy[name][below[0]]) if len(below) else float("nan")


def _untouched(images, labels):
    return ImageData(images, np.asarray(labels, np.intp), np.zeros(len(images), int))


def _padding(side, size):
    """Zeros that put a block on the centre and cover the image with an odd number of blocks."""
    return -((side - size) // 2) % size
