r"""Readers for image sets on disk: MNIST, FashionMNIST, KMNIST, EMNIST (IDX), CIFAR-10 and CIFAR-100 (binary version).

Nothing is downloaded. A file is read only if its magic number, its sizes and
its length agree; everything else is refused with a `ValueError` that names the
file. Nothing is unpickled: of the three forms in which CIFAR is distributed
the "binary version" is the one to take.
"""

import gzip
import os
import zlib
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from theory import _checks

__all__ = ["ImageSet", "load", "read_cifar10", "read_idx"]

_UNSIGNED_BYTE = 8          # the IDX type code of all published sets
_LARGEST = 2**32            # bytes of data that a header may announce
_SIDE, _CHANNELS = 32, 3    # of CIFAR
_PIXELS = _CHANNELS * _SIDE**2
_IDX_SPLITS = {"train": "train", "test": "t10k"}
_CIFAR_SPLITS = {"train": tuple(f"data_batch_{k}.bin" for k in range(1, 6)), "test": ("test_batch.bin",)}
_HUNDRED = {"train": "train.bin", "test": "test.bin"}  # CIFAR-100
_CLASSES = 10
_EMNIST = {"byclass": 62, "bymerge": 47, "balanced": 47, "letters": 27, "digits": 10, "mnist": 10}  # letters: 1…26
_PACKED = b"\x1f\x8b"  # how a gzipped file begins
_KNOWN = {  # sets by their number of labels and the first ten
    (60000, 9, 0, 0, 3, 0, 2, 7, 2, 5, 5): "FashionMNIST", (10000, 9, 2, 1, 1, 6, 1, 4, 6, 5, 7): "FashionMNIST",
    (60000, 5, 0, 4, 1, 9, 2, 1, 3, 1, 4): "MNIST", (10000, 7, 2, 1, 0, 4, 1, 4, 9, 5, 9): "MNIST"}


@dataclass(frozen=True)
class ImageSet:
    """Images with their labels.

    Attributes
    ----------
    images : ndarray of uint8 (n, channels, height, width)
        Grey levels 0…255.
    labels : ndarray of int64 (n,)
        In 0…classes − 1.
    classes : int
    name : str
        "FashionMNIST", "MNIST" (known by their labels), "IDX", "EMNIST-letters"
        and the like, "CIFAR-10" or "CIFAR-100", with the split; for some of
        CIFAR-10's files, how many.
    """

    images: np.ndarray
    labels: np.ndarray
    classes: int
    name: str


def load(directory, *, split="train"):
    """The image set in a directory: CIFAR binary files, or IDX files, plain or gzipped.

    Parameters
    ----------
    directory : path-like
        Holds ``data_batch_1.bin`` … ``data_batch_5.bin`` and ``test_batch.bin``
        (or the first few of data_batch, none left out between), or CIFAR-100's
        ``train.bin`` and ``test.bin`` (fine labels), or
        ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte`` (also with
        ``.idx3`` and ``.idx1`` after a dot, as some unpack them) and the same
        with ``t10k``, or one part of EMNIST, ``emnist-letters-train-images-idx3-ubyte``
        … (turned upright), each perhaps with ``.gz``; not several kinds.
    split : {"train", "test"}
        Which part of the set.

    Returns
    -------
    ImageSet

    Raises
    ------
    ValueError
        If the directory holds neither or both kinds, or CIFAR-10 as pickles
        or MATLAB files, a file is missing between others, or a file is not
        what its name says.

    Examples
    --------
    >>> load("no/such/place")
    Traceback (most recent call last):
    ...
    ValueError: directory must be a directory, got no/such/place; give the one that holds the files
    """
    _checks.one_of(split, "split", tuple(_IDX_SPLITS))
    directory = _path(directory, "directory")
    if not os.path.isdir(directory):
        raise ValueError(f"directory must be a directory, got {directory}; give the one that holds the files")
    batches, hundred = _cifar_files(directory, split), directory / _HUNDRED[split]
    kinds = [_idx_file(directory, split, kind) for kind in ("images-idx3", "labels-idx1")]
    there = [name for name, files in (("CIFAR-10", batches), ("CIFAR-100", hundred.is_file()), ("IDX", any(kinds)))
             if files]
    if len(there) > 1:
        raise ValueError(f"directory must hold one set, got {' and '.join(there)} files in {directory}; "
                         "keep each in its own")
    if hundred.is_file():
        return ImageSet(*_cifar_records(hundred, 2, 100), 100, f"CIFAR-100 {split}")
    return _cifar_set(batches, split) if batches else _idx_set(kinds, directory, split)


def _cifar_files(directory, split):
    """Those of the split that are there; refused where one is left out between, or all are in another form."""
    names = _CIFAR_SPLITS[split]
    found = [directory / name for name in names if (directory / name).is_file()]
    missing = [name for name in names[:len(found)] if not (directory / name).is_file()]
    if missing:
        raise ValueError(f"directory must hold {missing[0]} before {found[-1].name}, got {directory} without it; "
                         "fetch it")
    others = [name for stem in names for name in (stem.removesuffix(".bin"), stem.replace(".bin", ".mat"))
              if (directory / name).is_file()]
    if others and not found:
        raise ValueError(f"directory must hold the binary version of CIFAR-10 ({names[0]} …), got {others[0]} in "
                         f"{directory}, the version for Python or MATLAB, which is not read (nothing is unpickled); "
                         "fetch the binary one")
    return found


def _cifar_set(paths, split):
    images, labels = (np.concatenate(part) for part in zip(*[read_cifar10(path) for path in paths]))
    whole = len(_CIFAR_SPLITS[split])
    return ImageSet(images, labels, _CLASSES,
                    f"CIFAR-10 {split}{'' if len(paths) == whole else f' ({len(paths)} of {whole} files)'}")


def _idx_set(kinds, directory, split):
    if not all(kinds):
        raise ValueError(f"directory must hold the {split} files of CIFAR-10 ({', '.join(_CIFAR_SPLITS[split])}) or of "
                         f"an IDX set ({', '.join(_idx_names(split))}, plain or .gz), got {directory} without them; "
                         "add them")
    images, labels = read_idx(kinds[0], 3), read_idx(kinds[1], 1)
    if len(images) != len(labels):
        raise ValueError(f"{kinds[1].name} must hold one label for each of the {len(images)} images, got "
                         f"{len(labels)}; take both files from the same set")
    part = next((part for part in _EMNIST if kinds[1].name.startswith(f"emnist-{part}-")), None)
    if part:
        return ImageSet(images.swapaxes(1, 2)[:, None], _labels(labels, kinds[1], _EMNIST[part]), _EMNIST[part],
                        f"EMNIST-{part} {split}")
    name = _KNOWN.get((len(labels), *labels[:10].tolist()), "IDX")
    return ImageSet(images[:, None], _labels(labels, kinds[1]), _CLASSES, f"{name} {split}")


def read_idx(path, axes):
    r"""The array of an IDX file of unsigned bytes.

    The file is the magic number 0, 0, 8, `axes`; then each size as a big-endian
    32-bit integer; then the bytes in C order, and nothing else.

    Parameters
    ----------
    path : path-like
        Plain or gzipped, whatever its name ends in.
    axes : int
        Wanted number of axes: 3 for images (n, height, width), 1 for labels.

    Returns
    -------
    ndarray of uint8

    Raises
    ------
    ValueError
        If the magic number, the sizes or the length are not as above.

    References
    ----------
    Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits", file formats.
    """
    path = _path(path, "path")
    axes = _checks.whole(axes, "axes", 1, 255)
    try:
        with open(path, "rb") as plain, (gzip.open(plain) if plain.peek(2)[:2] == _PACKED else plain) as file:
            shape = _idx_sizes(file, path, axes)
            length = prod(shape)
            content = file.read(length + 1)  # one more byte shows an oversized file without reading all of it
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path} could not be read: {error}; fetch it again") from error
    if len(content) != length:
        raise ValueError(f"{path} must hold {length} bytes of data for its sizes {shape}, got "
                         f"{'more' if len(content) > length else len(content)}; fetch it again")
    return np.frombuffer(bytearray(content), np.uint8).reshape(shape)  # a bytearray: the array may be written to


def _idx_sizes(file, path, axes):
    """The sizes that the header announces."""
    head = file.read(4 + 4 * axes)
    if head[:4] != bytes((0, 0, _UNSIGNED_BYTE, axes)):
        raise ValueError(f"{path} must begin with the magic number 0 0 8 {axes} (unsigned bytes, {axes} axes), got "
                         f"{' '.join(map(str, head[:4])) or 'an empty file'}; is this the right file?")
    if len(head) < 4 + 4 * axes:
        raise ValueError(f"{path} ends within its {4 + 4 * axes} bytes of header; fetch it again")
    shape = tuple(int.from_bytes(head[k:k + 4], "big") for k in range(4, len(head), 4))
    if not 0 < prod(shape) <= _LARGEST:
        raise ValueError(f"{path} must announce 1…{_LARGEST} bytes of data, got sizes {shape}; fetch it again")
    return shape


def read_cifar10(path):
    """Images (n, 3, 32, 32) and labels (n,) of one file of the binary version of CIFAR-10.

    A file is a row of records of 3073 bytes: the label, then the red, the green
    and the blue plane, each 32 × 32 in row order.

    Parameters
    ----------
    path : path-like
        One ``.bin`` file.

    Returns
    -------
    images : ndarray of uint8 (n, 3, 32, 32)
    labels : ndarray of int64 (n,)

    Raises
    ------
    ValueError
        If the length is not a positive multiple of 3073, or a label exceeds 9.

    References
    ----------
    A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009; binary version.
    """
    return _cifar_records(_path(path, "path"), 1, _CLASSES)


def _cifar_records(path, marks, classes):
    """Images and labels of records that begin with `marks` labels, the last of which counts."""
    record = marks + _PIXELS
    try:
        length = path.stat().st_size
        if length == 0 or length % record:
            raise ValueError(f"{path} must be a positive multiple of {record} bytes long, got {length}; take the "
                             "binary version of CIFAR (not the one for Python or MATLAB), and fetch it again if "
                             "it is that")
        records = np.fromfile(path, np.uint8).reshape(-1, record)
    except OSError as error:
        raise ValueError(f"{path} could not be read: {error}; fetch it again") from error
    images = records[:, marks:].reshape(-1, _CHANNELS, _SIDE, _SIDE)
    return images, _labels(records[:, marks - 1], path, classes)


def _labels(labels, path, classes=_CLASSES):
    if labels.max() >= classes:
        raise ValueError(f"{path} must hold labels 0…{classes - 1}, got {labels.max()}; this is another set")
    return labels.astype(np.int64)


def _idx_names(split):
    return tuple(f"{_IDX_SPLITS[split]}-{kind}-ubyte" for kind in ("images-idx3", "labels-idx1"))


def _idx_file(directory, split, kind):
    """The file of this kind, plain or gzipped, or None."""
    names = [directory / f"{_IDX_SPLITS[split]}-{written}-ubyte{suffix}"
             for written in (kind, kind.replace("-idx", ".idx")) for suffix in ("", ".gz")]
    parts = {path.name.split("-")[1]: path for part in _EMNIST for suffix in (".gz", "")
             if (path := directory / f"emnist-{part}-{split}-{kind}-ubyte{suffix}").is_file()}
    if len(parts) > 1:
        raise ValueError(f"directory must hold one part of EMNIST, got {', '.join(parts)} in {directory}; keep each in "
                         "its own")
    return next((path for path in (*names, *parts.values()) if path.is_file()), None)


def _path(value, name):
    try:
        return Path(value)
    except TypeError:
        raise ValueError(f"{name} must be a path, got {value!r}; give a string or a Path") from None
