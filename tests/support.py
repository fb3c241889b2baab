"""Strategies and statistics that the tests share.

Statistics: a Monte Carlo test states a fixed sample size and rejects at a
family-wise false-alarm rate of at most 1e-6. `z_limit(k)` is the number of
standard errors that k comparisons may use together. Standard errors come from
theory; Gaussian tails are used only for means of many bounded or light-tailed
terms.
"""

import gzip
import tracemalloc
from functools import reduce
from itertools import combinations, product
from math import log, sqrt

import numpy as np
import pytest
from hypothesis import strategies as st
from scipy.stats import norm

FALSE_ALARM = 1e-6  # family-wise, for each test


def z_limit(comparisons):
    """Standard errors that `comparisons` two-sided tests may use for a family-wise rate of 1e-6."""
    return float(norm.isf(FALSE_ALARM / (2 * comparisons)))


def dkw_limit(samples, comparisons=1):
    """Largest distance between an empirical distribution and the true one (Dvoretzky, Kiefer and Wolfowitz)."""
    return sqrt(log(2 * comparisons / FALSE_ALARM) / (2 * samples))


def binomial_error(probability, samples):
    """Standard error of a frequency."""
    return np.sqrt(probability * (1 - probability) / samples)


def all_batches(n, size, replacement=False):
    """Every equally likely batch as an index array (count, size)."""
    return np.array(list(product(range(n), repeat=size) if replacement else combinations(range(n), size)))


def step_matrices(hessians, lr, size, replacement=False):
    """I − η H_B for every equally likely batch, (count, d, d)."""
    return np.eye(hessians.shape[-1]) - lr * hessians[all_batches(len(hessians), size, replacement)].mean(axis=1)


def square_norm_moments(hessians, lr, size, start, steps, replacement=False):
    """Exact E‖x_t‖² and the standard deviation of ‖x_t‖², t = 0…steps, by the 2nd and 4th tensor powers.

    The expectation over batches is enumerated, so nothing of `theory` is used.
    """
    matrices = step_matrices(hessians, lr, size, replacement)
    means = []
    for power in (2, 4):
        operator = np.mean([reduce(np.kron, [matrix] * power) for matrix in matrices], axis=0)
        state = reduce(np.kron, [start] * power)
        pairs = reduce(np.kron, [np.eye(len(start)).ravel()] * (power // 2))
        values = [pairs @ state]
        for _ in range(steps):
            state = operator @ state
            values.append(pairs @ state)
        means.append(np.array(values))
    second, fourth = means
    return second, np.sqrt(np.maximum(fourth - second**2, 0))


def random_hessians(rng, n, dim, rank=None):
    """n Wishart matrices (n, d, d) of a given rank, positive semi-definite."""
    factors = rng.standard_normal((n, rank or dim, dim))
    return factors.swapaxes(1, 2) @ factors / (rank or dim)


def random_rotation(rng, dim):
    """A uniformly random orthogonal matrix (d, d)."""
    q, r = np.linalg.qr(rng.standard_normal((dim, dim)))
    return q * np.sign(np.diag(r))


@st.composite
def ensembles(draw, most=6, widest=5):
    """Hessians (n, d, d), not all zero: full or low rank, over four decades, some examples repeated or flat."""
    n, dim = draw(st.integers(1, most)), draw(st.integers(1, widest))
    rank = draw(st.integers(1, dim))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    factors = rng.standard_normal((n, rank, dim)) * 10 ** rng.uniform(-1, 1, (n, 1, 1)) * 10 ** rng.uniform(-1, 1, dim)
    kind = draw(st.sampled_from(["plain", "repeated", "flat example"]))
    if kind == "repeated":
        factors[n // 2:] = factors[:n - n // 2]
    if kind == "flat example" and n > 1:
        factors[0] = 0
    return factors.swapaxes(1, 2) @ factors


@st.composite
def sampled_ensembles(draw, **sizes):
    """(hessians, batch_size, replacement)."""
    hessians = draw(ensembles(**sizes))
    return hessians, draw(st.integers(1, len(hessians))), draw(st.booleans())


def seeds():
    """Seeds for `numpy.random.default_rng` inside a property."""
    return st.integers(0, 2**32 - 1)


def refused(message, call, *arguments, **options):
    """The call raises ValueError, with a message that the pattern is found in."""
    with pytest.raises(ValueError, match=message):
        call(*arguments, **options)


def refusals(rows):
    """The test that each call of the rows (call, message) is refused with its message."""
    @pytest.mark.parametrize(("call", "message"), rows)
    def test(call, message):
        refused(message, call)
    return test


def peak_memory(call):
    """(what a call returns, the most bytes that it holds at once)."""
    tracemalloc.start()
    result = call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return result, peak


def idx(array):
    """The bytes of an IDX file, written as its format is described."""
    sizes = b"".join(int(size).to_bytes(4, "big") for size in array.shape)
    return bytes((0, 0, 8, array.ndim)) + sizes + array.astype(np.uint8).tobytes()


def write_idx(directory, images, labels, split="train", packed=False, form="{}-{}-{}-ubyte{}"):
    """A split of a set as a pair of IDX files, gzipped or not."""
    for kind, axes, array in (("images", "idx3", images), ("labels", "idx1", labels)):
        path = directory / form.format(split, kind, axes, ".gz" * packed)
        path.write_bytes(gzip.compress(idx(array)) if packed else idx(array))
