"""What is said of an eigenvalue beside its value: bounds that are proved, and how wide they may be.

The public names are those of `theory.linear_stability`.
"""

from dataclasses import dataclass

_WIDEST = 1e-6      # relative width of an enclosure that is returned


@dataclass(frozen=True)
class Spectrum:
    """How a value was found and between which bounds it is proved to lie, returned with ``full_output=True``.

    Attributes
    ----------
    eigenvalue : float
        The eigenvalue that the result was computed from: the rate itself, or
        2(1+μ)/((1−τ)η), which without momentum is λmax(C⁻¹D).
    residual : float
        Of that eigenvalue, at a unit vector; it bounds the distance to some
        eigenvalue and proves nothing about the largest.
    converged : bool
        Whether the enclosure is at most 1e-9 wide relative to the value
        (rates below 1e-4: 1e-13 wide).
    rank : int
        Dimension of range(H), on which the eigenproblem was solved (d where a
        preconditioner and decay couple all directions).
    lower, upper : float
        lower ≤ value ≤ upper, and the exact answer lies between them too: on
        one side a positive definite matrix proves stability (Collatz and
        Wielandt), on the other a quotient proves instability (Rayleigh). The
        bounds allow for rounding: for 16 r ε of the terms of each product,
        and hold for the reduced ensemble, which is that of H_i changed by
        rounding of the largest (of J_i, where factors were given).
    """

    eigenvalue: float
    residual: float
    converged: bool
    rank: int
    lower: float
    upper: float


def judged(value, spectrum, full_output):
    """The value, with its spectrum if that was asked for; else refused where no enclosure is narrow enough."""
    if full_output:
        return value, spectrum
    if spectrum.upper - spectrum.lower > _WIDEST * max(value, 1e-7):
        raise RuntimeError(f"no enclosure narrower than 1e-6 of {value:.6g} was found, only [{spectrum.lower:.9g}, "
                           f"{spectrum.upper:.9g}]; this usually means many eigenvalues crowd at the top or curvatures "
                           "that span more than float64 resolves; call with full_output=True and judge")
    return value
