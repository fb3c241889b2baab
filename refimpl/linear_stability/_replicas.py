"""What the interval functions share: the answer, the ensemble on its range, and the draws of a step."""

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from theory import _checks

WIDEST = 0.05  # relative standard error above which an answer is refused
_ROUNDING = 1e-12  # singular values below this share of the largest are no direction


@dataclass(frozen=True)
class Interval:
    """An estimate from independent replicas, with a 95 % confidence interval.

    Attributes
    ----------
    value : float
        The estimate.
    stderr : float
        Its standard error, from the scatter between replicas.
    low, high : float
        value ± stderr times the 97.5 % point of Student's t with one degree
        of freedom less than there are replicas.
    """

    value: float
    stderr: float
    low: float
    high: float


def between(values, centre=None, scale=1.0):
    """The `Interval` of the mean of independent `values` (R,), or about `centre` with the scatter of `scale` × them."""
    stderr = float(np.std(values, ddof=1) / np.sqrt(len(values)) * abs(scale))
    value = float(np.mean(values)) if centre is None else float(centre)
    reach = float(stdtrit(len(values) - 1, 0.975)) * stderr
    return Interval(value, stderr, value - reach, value + reach)


def narrow(interval, name, remedy):
    """The interval, refused if its relative standard error is above 5 %."""
    if not interval.stderr <= WIDEST * abs(interval.value):
        raise ValueError(f"{name} is not resolved: {interval.value:.4g} with a standard error of "
                         f"{interval.stderr:.2g}, more than {WIDEST:.0%} of it; {remedy}")
    return interval


@dataclass(frozen=True)
class Examples:
    """Per-example Hessians H_i = J_iᵀ J_i on the range of their mean, with how batches are drawn."""

    factors: np.ndarray  # (n, k, r), the k rows of each J_i orthogonal to one another
    squares: np.ndarray  # (n, k): their squared lengths
    size: int            # B
    replacement: bool

    @property
    def rows(self):
        """The factors as (n k, r)."""
        return self.factors.reshape(-1, self.factors.shape[2])

    def images(self, vectors):
        """J_i v of every example, (R, n, k), for vectors (R, r)."""
        return (vectors @ self.rows.T).reshape(len(vectors), *self.factors.shape[:2])

    def pull(self, vectors, chosen):
        """Σ over the chosen examples (R, b) of H_i v, (R, r)."""
        factors = self.factors[chosen].reshape(len(vectors), -1, vectors.shape[1])  # (R, b k, r)
        return np.matvec(factors.swapaxes(1, 2), np.matvec(factors, vectors))

    def draw_all_but_one(self, replicas, rng):
        """B − 1 examples of a batch (R, B−1) and the chance of each example to be the last, (R, n)."""
        count = len(self.factors)
        if self.replacement or self.size == 1:
            return rng.integers(0, count, (replicas, self.size - 1)), np.broadcast_to(1 / count, (replicas, count))
        chosen = np.argsort(rng.random((replicas, count)), axis=1)[:, :self.size - 1]
        chances = np.full((replicas, count), 1 / (count - self.size + 1))
        np.put_along_axis(chances, chosen, 0.0, axis=1)
        return chosen, chances


def examples(hessians, batch_size, replacement):
    """The checked ensemble: factors (n, d), a stack (n, d, d), or an object whose `jacobians` are (n, k, d)."""
    factors = _factors(hessians)
    if not factors.any():
        raise ValueError("hessians must not all be zero: nothing then moves; give a curved example")
    _, singular, right = np.linalg.svd(factors.reshape(-1, factors.shape[2]), full_matrices=False)
    basis = right[singular > _ROUNDING * singular[0]]
    _, lengths, rows = np.linalg.svd(factors @ basis.T, full_matrices=False)
    with np.errstate(over="ignore", under="ignore"):
        squares = lengths**2
    if not 0 < squares.max() < np.inf:
        raise ValueError(f"hessians must be in the range of float64, got factors of {lengths.max():.3g}, whose squares "
                         "are not; rescale the parameters")
    return Examples(lengths[:, :, None] * rows, squares, _checks.batch_size(batch_size, len(factors)),
                    _checks.flag(replacement, "replacement"))


def _factors(hessians):
    jacobians = getattr(hessians, "jacobians", None)
    array = _checks.real(hessians if jacobians is None else jacobians, "hessians").astype(np.float64, copy=False)
    if array.ndim == 2:
        return _checks.shaped(array, "hessians", (None, None))[:, None, :]
    if jacobians is not None:
        return _checks.shaped(array, "hessians.jacobians", (None, None, None))
    values, vectors = np.linalg.eigh(_checks.hessians(array))
    return np.sqrt(np.maximum(values, 0.0))[:, :, None] * vectors.swapaxes(1, 2)
