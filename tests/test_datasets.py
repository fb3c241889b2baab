"""The readers: what they accept they return whole, and everything else they refuse and say why."""

import gzip
import pickle

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.testing import assert_array_equal

from refimpl import datasets
from tests.support import idx, refused, write_idx

pytestmark = pytest.mark.chance("exact")

RECORD = 3073


def cifar(images, labels):
    return b"".join(bytes([label]) + image.tobytes() for image, label in zip(images, labels))


@pytest.fixture
def pictures(rng):
    return rng.integers(0, 256, (4, 5, 6), np.uint8), np.array([3, 0, 9, 1], np.uint8)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("split, name", [("train", "train"), ("test", "t10k")])
def test_idx_files_come_back(tmp_path, pictures, split, name, packed):
    images, labels = pictures
    write_idx(tmp_path, images, labels, name, packed)
    found = datasets.load(tmp_path, split=split)
    assert_array_equal(found.images, images[:, None])
    assert_array_equal(found.labels, labels)
    assert (found.images.dtype, found.labels.dtype) == (np.uint8, np.int64)
    assert (found.classes, found.name) == (10, f"IDX {split}")
    refused("without them", datasets.load, tmp_path, split="test" if split == "train" else "train")


def test_cifar_files_come_back_in_their_order(tmp_path, rng):
    images = rng.integers(0, 256, (5, 3, 32, 32), np.uint8)
    labels = np.array([0, 9, 4, 4, 7])
    (tmp_path / "data_batch_2.bin").write_bytes(cifar(images[3:], labels[3:]))
    (tmp_path / "data_batch_1.bin").write_bytes(cifar(images[:3], labels[:3]))
    (tmp_path / "test_batch.bin").write_bytes(cifar(images[1:2], labels[1:2]))
    found = datasets.load(tmp_path)
    assert_array_equal(found.images, images)
    assert_array_equal(found.labels, labels)
    assert found.images[2, 1, 30, 31] == images[2, 1, 30, 31]  # channel, row, column
    assert_array_equal(datasets.load(tmp_path, split="test").labels, [9])


def test_cifar_100_and_a_part_of_emnist_come_back(tmp_path, rng):
    """Fine labels, not coarse ones; EMNIST's letters upright, labels beyond 9; two parts or two sets are refused."""
    images = rng.integers(0, 256, (2, 3, 32, 32), np.uint8)
    (tmp_path / "train.bin").write_bytes(b"".join(bytes([7, fine]) + image.tobytes()
                                                  for fine, image in zip((99, 3), images)))
    found = datasets.load(tmp_path)
    assert_array_equal(found.images, images)
    assert found.labels.tolist() == [99, 3] and (found.classes, found.name) == (100, "CIFAR-100 train")
    letters = tmp_path / "letters"
    letters.mkdir()
    write_idx(letters, images[:, 0], np.array([26, 1]), "emnist-letters-train")
    found = datasets.load(letters)
    assert_array_equal(found.images[:, 0], images[:, 0].swapaxes(1, 2))
    assert found.labels.tolist() == [26, 1] and (found.classes, found.name) == (27, "EMNIST-letters train")
    for directory, stem in ((letters, "emnist-digits-train"), (tmp_path, "train")):
        write_idx(directory, images[:, 0], np.array([1, 2]), stem)
        refused("must hold one.*keep each in its own", datasets.load, directory)


def test_what_was_read_may_be_written_to(tmp_path, pictures):
    """Arrays of both formats are the caller's own (torch warns at others), and the file does not follow."""
    write_idx(tmp_path, *pictures)
    for found in (datasets.load(tmp_path), datasets.read_idx(tmp_path / "train-images-idx3-ubyte", 3)):
        images = found if isinstance(found, np.ndarray) else found.images
        assert images.flags.writeable
        images[:] = 7
    assert (datasets.load(tmp_path).images != 7).any()
    (tmp_path / "one.bin").write_bytes(bytes(RECORD))
    assert datasets.read_cifar10(tmp_path / "one.bin")[0].flags.writeable


@pytest.mark.parametrize("packed", [False, True])
def test_a_file_is_known_by_its_content(tmp_path, pictures, packed):
    """Unpacked under a name in .gz, or packed under one without, and with the dot that some unpack it with."""
    images, labels = pictures
    write_idx(tmp_path, images, labels, packed=packed, form="{}-{}.{}-ubyte" + ".gz" * (not packed))
    found = datasets.load(tmp_path)
    assert_array_equal(found.images, images[:, None])
    assert_array_equal(found.labels, labels)


def test_a_file_of_cifar_that_is_left_out_is_missed(tmp_path):
    """1, 2, 4 without 3 is refused and names it; 1, 2 alone are read, and the name says that they are not all."""
    for k in (1, 2, 4):
        (tmp_path / f"data_batch_{k}.bin").write_bytes(bytes(RECORD))
    refused("data_batch_3.bin before data_batch_4.bin", datasets.load, tmp_path)
    (tmp_path / "data_batch_4.bin").unlink()
    assert datasets.load(tmp_path).name == "CIFAR-10 train (2 of 5 files)"
    for k in (3, 4, 5):
        (tmp_path / f"data_batch_{k}.bin").write_bytes(bytes(RECORD))
    found = datasets.load(tmp_path)
    assert found.name == "CIFAR-10 train" and len(found.images) == 5


@pytest.mark.parametrize("name", ["data_batch_1", "data_batch_4.mat"])
def test_other_forms_of_cifar_are_recognised(tmp_path, name):
    (tmp_path / name).write_bytes(b"x")
    refused(f"binary version.*{name}.*for Python or MATLAB", datasets.load, tmp_path)


def test_known_sets_are_named(tmp_path, rng):
    """By number and first labels: FashionMNIST's first ten name it, one changed label does not."""
    labels = rng.integers(10, size=10_000).astype(np.uint8)
    labels[:10] = 9, 2, 1, 1, 6, 1, 4, 6, 5, 7
    write_idx(tmp_path, np.zeros((10_000, 1, 1), np.uint8), labels, "t10k")
    assert datasets.load(tmp_path, split="test").name == "FashionMNIST test"
    labels[0] = 8
    write_idx(tmp_path, np.zeros((10_000, 1, 1), np.uint8), labels, "t10k")
    assert datasets.load(tmp_path, split="test").name == "IDX test"


@given(st.binary(max_size=60))
def test_bytes_that_are_no_idx_file_are_refused(tmp_path_factory, content):
    """A random file is read only if it is one of the format, and then it is the array it says."""
    path = tmp_path_factory.mktemp("fuzz") / "file"
    path.write_bytes(content)
    try:
        found = datasets.read_idx(path, 1)
    except ValueError as error:
        assert str(path) in str(error)
    else:
        assert idx(found) == content


@given(st.data())
def test_a_damaged_idx_file_is_refused(tmp_path_factory, data):
    """Cut anywhere, extended, or with any byte of the header changed; plain and gzipped."""
    path = tmp_path_factory.mktemp("fuzz") / ("file.gz" if data.draw(st.booleans(), "packed") else "file")
    whole = idx(np.arange(12).reshape(2, 3, 2))
    damage = data.draw(st.sampled_from(["cut", "extended", "header", "stream cut"]))
    if damage == "cut":
        content = whole[:data.draw(st.integers(0, len(whole) - 1))]
    elif damage == "extended":
        content = whole + data.draw(st.binary(min_size=1, max_size=20))
    elif damage == "header":
        place, other = data.draw(st.integers(0, 15)), data.draw(st.integers(1, 255))
        content = whole[:place] + bytes([whole[place] ^ other]) + whole[place + 1:]
    else:
        content = whole
    packed = path.suffix == ".gz"
    content = gzip.compress(content) if packed else content
    if damage == "stream cut":
        content = content[:data.draw(st.integers(0, len(content) - (9 if packed else 1)))]
    path.write_bytes(content)
    refused("file", datasets.read_idx, path, 3)


def test_a_header_that_announces_terabytes_costs_nothing(tmp_path):
    path = tmp_path / "bomb"
    path.write_bytes(bytes((0, 0, 8, 3)) + b"\xff" * 12)
    refused("announce", datasets.read_idx, path, 3)


@pytest.mark.parametrize("length", [0, 1, RECORD - 1, RECORD + 1, 2 * RECORD - 1])
def test_a_cifar_file_of_another_length_is_refused(tmp_path, length):
    (tmp_path / "data_batch_1.bin").write_bytes(bytes(length))
    refused("multiple of 3073", datasets.load, tmp_path)


def test_nothing_is_unpickled(tmp_path):
    """A pickle under a name of the binary version is refused by its length, not run."""
    fired = tmp_path / "fired"

    class Trap:
        def __reduce__(self):
            return (open, (str(fired), "w"))

    (tmp_path / "data_batch_1.bin").write_bytes(pickle.dumps(Trap()))
    refused("multiple of 3073", datasets.load, tmp_path)
    assert not fired.exists()


def test_what_does_not_fit_together_is_refused(tmp_path, pictures):
    images, labels = pictures
    write_idx(tmp_path, images, labels[:3])
    refused("one label for each of the 4 images, got 3", datasets.load, tmp_path)
    write_idx(tmp_path, images, labels + 1)
    refused("labels 0…9, got 10", datasets.load, tmp_path)
    write_idx(tmp_path, images, labels)
    (tmp_path / "data_batch_1.bin").write_bytes(bytes([10]) + bytes(RECORD - 1))
    refused("got CIFAR-10 and IDX", datasets.load, tmp_path)
    for path in tmp_path.glob("train-*"):
        path.unlink()
    refused("labels 0…9, got 10", datasets.load, tmp_path)


@pytest.mark.parametrize("directory, options, message", [
    ("nowhere", {}, "must be a directory"), ("", {"split": "both"}, "split"), ("", {}, "without them")])
def test_a_directory_without_a_set_is_refused(tmp_path, directory, options, message):
    refused(message, datasets.load, tmp_path / directory, **options)


def test_a_missing_file_is_refused(tmp_path):
    for read in (lambda path: datasets.read_idx(path, 3), datasets.read_cifar10):
        refused("could not be read", read, tmp_path / "none")
