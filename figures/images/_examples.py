"""Images without, with only, and with both image and patch, as on the slides."""

import numpy as np

from figures._figure import Figure, close, holds
from figures._style import panels
from figures.images._runs import problem, seeds, source
from refimpl import images
from theory import images as predicted

COLUMNS = 6
KINDS = (("clean", images.CLEAN, "no patch"), ("patch_only", images.PATCH_ONLY, "only patch"),
         ("both", images.BOTH, "image with patch"))


def simulate(effort, rng, data=None):
    """Six images of each kind, their classes, the shares of kinds, and the best linear classifier on the patches."""
    (seed, _), = seeds(rng, 1)
    sets = problem(seed, data, patch_validation=20)
    numbers = {"data": source(data), "n": len(sets.train.kind),
               "brightness": [float(np.abs(sets.patches.base).std()), float(sets.plain.images.std())],
               "patch_std": float(sets.patches.base.std()),
               "shares": np.bincount(sets.train.kind, minlength=3) / len(sets.train.kind)}
    for name, kind, _ in KINDS:
        some = sets.train.only(kind)
        order = np.argsort(some.labels, kind="stable")
        picked = order[np.linspace(0, len(order) - 1, COLUMNS).astype(int)]
        numbers[name], numbers[f"{name}_labels"] = some.images[picked], some.labels[picked]
    flat = sets.patches.variants().reshape(len(sets.patches.patterns), 2, -1)
    return {**numbers, "classes": len(flat), "linear": _linear_accuracy(flat)}


def _linear_accuracy(flat):
    """Accuracy of the affine classifier that meets the bound."""
    middle = flat.mean(axis=1)
    coordinates = np.linalg.pinv((flat[:, 0] - flat[:, 1]) / 2)       # (d, C): 1 along its own ζ, 0 along the others
    scores = (flat - middle[0]) @ coordinates
    scores[..., 0] = 0.1 * scores[..., 0] + 0.5
    return float((scores.argmax(axis=-1) == np.arange(len(flat))[:, None]).mean())


def judge(numbers):
    """Shares to whole images; the linear classifier at its bound."""
    shares, counts = predicted.augmentation_shares(), np.asarray(numbers["shares"])
    rows = [close("LWM19.img-shares", f"share of training images, {name}", share, counts[kind], 1 / numbers["n"],
                  null=(0.8 if kind == 0 else 0.2, "shares of augmented and clean images exchanged"),
                  note="(whole images)",
                  kind="enumerated") for kind, (name, share) in enumerate(zip(("clean", "patch only", "both"), shares))]
    rows.append(close("LWM19.img-slides-shares", "share of images with picture and patch", shares[2], counts[2],
                      1 / numbers["n"], null=(0.6, "as the slides print"), note="(whole images)", kind="enumerated"))
    limit, best = float(predicted.linear_patch_limit(int(numbers["classes"]))), float(numbers["linear"])
    rows.append(holds("LWM19.img-separable", "share of patches right: the best linear classifier, by construction",
                      f"{limit:g} = (C + 1)/2C", f"{best:g}", "equal", best == limit, null="separable: 1",
                      kind="enumerated"))
    return tuple(rows)


def draw(numbers):
    """A mosaic for each kind."""
    picture, axes = panels(1, 3, width=3.6, height=3.1)
    dim = numbers["brightness"][1]
    for (name, kind, title), axis in zip(KINDS, axes):
        axis.imshow(_mosaic(np.asarray(numbers[name]), 3.5 * dim), interpolation="nearest")
        axis.set_title(f"{title}: {numbers['shares'][kind]:.0%}")
        axis.set_xlabel("classes " + ", ".join(map(str, numbers[f"{name}_labels"])), fontsize=7.5)
        axis.grid(False)
        axis.set(xticks=[], yticks=[])
    picture.suptitle(f"Li, Wei and Ma: clean, patch-only and patched images, as on the slides ({numbers['data']})\n",
                     fontweight="bold")
    picture.text(0.5, 0.9, f"the patch is {numbers['patch_std'] / dim:.0f} times brighter than the images (standard "
                 f"deviation {numbers['patch_std']:.2g} against {dim:.2g}) and is clipped to ±{3.5 * dim:.2g}",
                 ha="center", fontsize=8)
    return picture


def _mosaic(tiles, limit):
    """Six images in two rows, grey between them, clipped to ±limit and mapped to 0…1."""
    tiles = np.clip(tiles / (2 * limit) + 0.5, 0, 1)
    if tiles.shape[1] != 3:
        tiles = np.repeat(tiles[:, :1], 3, axis=1)
    framed = np.pad(tiles, [(0, 0), (0, 0), (1, 1), (1, 1)], constant_values=1.0).transpose(0, 2, 3, 1)
    half = len(framed) // 2
    return np.concatenate([np.concatenate(list(row), axis=1) for row in (framed[:half], framed[half:])])


FIGURE = Figure(
    "images-examples", "Li, Wei and Ma: clean, patch-only and patched images, as on the slides",
    "Six training images of each kind with their classes and the share of the kind. The patch is far brighter than the "
    "images, so that its colours are clipped; what tells the classes apart in it is ±ζ, a third of its brightness.",
    simulate, judge, draw, ("LWM19.img-shares", "LWM19.img-slides-shares", "LWM19.img-separable"), (0.5, 0.5, 0.5),
    reads_data=True, without_null="its panels are images; what its rows count has no axis")
