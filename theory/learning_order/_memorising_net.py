"""Two neurons that memorise Q. The public names are those of `theory.learning_order`."""

from dataclasses import dataclass

import numpy as np

from theory import _checks


@dataclass(frozen=True)
class MemorisingNetwork:
    """Two neurons in the frame (z, ζ/r) and the output −ReLU(⟨w, x⟩) − ReLU(⟨v, x⟩) + ρ, or + ρ⟨z, x⟩.

    Attributes
    ----------
    weights : ndarray (2, 2)
        w and v as rows.
    offset : float
        ρ.
    homogeneous : bool
        Whether ρ multiplies ⟨z, x⟩ instead of standing alone.
    """

    weights: np.ndarray
    offset: float
    homogeneous: bool

    def predict(self, x):
        """Output (…) for points x (…, 2) of the plane."""
        x = _checks.double(x, "x")
        if x.shape[-1:] != (2,):
            raise ValueError(f"x must have shape (…, 2), got {x.shape}; give the coordinates along z and ζ/r")
        lift = x[..., 0] if self.homogeneous else 1.0
        return self.offset * lift - np.maximum(x @ self.weights.T, 0).sum(axis=-1)


def memorising_network(r, offset=0.5, *, homogeneous=False):
    r"""The net of section 2 that memorises Q, with w = (−1, −2/r) and v = (−1, 2/r).

    Then ⟨w, z⟩ = ⟨v, z⟩ = −1 and ⟨w, z − ζ⟩ = ⟨v, z + ζ⟩ = 1, so at α z it gives
    ρ and at α(z ± ζ) it gives ρ − α: margins ρ and α − ρ.

    Parameters
    ----------
    r : float
        ‖ζ‖.
    offset : float
        ρ in (0, 1).
    homogeneous : bool
        With ρ⟨z, x⟩, a third neuron, margins are αρ and α(1 − ρ): right for all α > 0.

    Returns
    -------
    MemorisingNetwork
        Its outputs at z and z ± ζ to rounding of 1.

    Raises
    ------
    ValueError
        Outside that domain.

    References
    ----------
    [LWM19, section 2, Figure 2]

    Examples
    --------
    >>> memorising_network(0.5, 0.25).predict([[1.0, -0.5], [1.0, 0.0], [1.0, 0.5]]).tolist()
    [-0.75, 0.25, -0.75]
    """
    r, offset = _checks.scalar(r, "r"), _checks.scalar(offset, "offset")
    if offset >= 1:
        raise ValueError(f"offset must lie in (0, 1), got {offset:g}; above 1 even z ± ζ is classified wrongly")
    slope, homogeneous = _checks.within_floats(2 / r, "r"), _checks.flag(homogeneous, "homogeneous")
    return MemorisingNetwork(np.array([[-1.0, -slope], [-1.0, slope]]), offset, homogeneous)


def memorising_error(offset):
    r"""Error on Q of `memorising_network` with a fixed offset ρ and α ~ U[0, 1].

    .. math:: \tfrac12 P(\alpha \le \rho) = \rho/2

    Parameters
    ----------
    offset : float
        ρ in (0, 1).

    Returns
    -------
    float

    Raises
    ------
    ValueError
        Outside that domain.

    References
    ----------
    Corrects [LWM19, section 2].

    Examples
    --------
    >>> memorising_error(0.1)
    0.05
    """
    offset = _checks.scalar(offset, "offset")
    if offset >= 1:
        raise ValueError(f"offset must lie in (0, 1), got {offset:g}; choose a smaller one")
    return offset / 2
