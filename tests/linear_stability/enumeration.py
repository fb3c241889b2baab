"""Growth in mean square by enumeration of batches, and what tests of stability share. Nothing of `theory`."""

import numpy as np

from tests import support

CRITERIA = ("sufficient", "mean-square", "gd")
ABOVE_EDGE = np.array([[10.0, 1.0], [3.0, 5.0], [-4.0, 9.0]])  # stable although s exceeds 1/(η√p)


def some_lr(hessians, fraction):
    """A learning rate at a fraction of gradient descent's limit, without using theory."""
    return fraction * 2 / np.linalg.eigvalsh(hessians.mean(axis=0))[-1]


def on_range(hessians):
    """The same ensemble in coordinates of range(H)."""
    values, vectors = np.linalg.eigh(hessians.mean(axis=0))
    basis = vectors[:, values > 1e-12 * values[-1]]
    return basis.T @ hessians @ basis


def mean_square(matrices):
    """mean of M ⊗ M."""
    return np.mean([np.kron(matrix, matrix) for matrix in matrices], axis=0)


def enumerated_operator(hessians, lr, size, replacement=False):
    """mean over batches of (I − ηH_B) ⊗ (I − ηH_B), on the range of H."""
    return mean_square(support.step_matrices(on_range(hessians), lr, size, replacement))
