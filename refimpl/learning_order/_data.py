"""The data distribution of Li, Wei and Ma 2019, section 2. The public names are those of `refimpl.learning_order`."""

from dataclasses import dataclass, field, replace

import numpy as np

from theory import _checks

P_ONLY, Q_ONLY, BOTH = 0, 1, 2


@dataclass(frozen=True)
class Distribution:
    """The mixture (2.1)–(2.5) of P, linearly separable and noisy, and Q, three directions that a net memorises.

    The frame is fixed: w* and z are the first basis vector of their block and
    ζ is r times the second. Start, noise and data are spherical about it, so
    no other frame gives another law.

    Attributes
    ----------
    dim : int
        d ≥ 2; an example has 2d coordinates, x₁ and then x₂.
    p0, q0 : float
        Probabilities of P only and of Q only; the rest has both.
    r : float
        ‖ζ‖ > 0.
    alpha : tuple of float
        Ends of the uniform law of α, (0, 1) in (2.5).
    margin : float, optional
        γ₀; None is the paper's 1/√d.
    """

    dim: int
    p0: float = 0.2
    q0: float = 0.2
    r: float = 0.1
    alpha: tuple = (0.0, 1.0)
    margin: float = None

    def __post_init__(self):
        _checks.whole(self.dim, "dim", 2)
        for name in ("p0", "q0"):
            _checks.scalar(getattr(self, name), name, zero=True)
        if self.p0 + self.q0 > 1:
            raise ValueError(f"p0 + q0 must be at most 1, got {self.p0 + self.q0:g}; lower one of them")
        _checks.scalar(self.r, "r")
        low, high = _checks.shaped(self.alpha, "alpha", (2,))
        if not 0 <= low < high:
            raise ValueError(f"alpha must be (low, high) with 0 <= low < high, got {self.alpha}; order its ends")
        if self.margin is None:
            object.__setattr__(self, "margin", self.dim**-0.5)
        _checks.scalar(self.margin, "margin", zero=True)

    @property
    def directions(self):
        """z − ζ, z, z + ζ as rows (3, d)."""
        rows = np.zeros((3, self.dim))
        rows[:, 0] = 1
        rows[:, 1] = self.r * np.array([-1, 0, 1])
        return rows


@dataclass(frozen=True)
class Data:
    """Examples of a `Distribution`.

    Attributes
    ----------
    distribution : Distribution
        What is drawn from.
    x : ndarray (N, 2d)
        Inputs.
    y : ndarray (N,)
        ±1.
    kind : ndarray (N,) of int
        0 P only, 1 Q only, 2 both.
    alpha : ndarray (N,)
        Length of x₂ in units of its direction; 0 where x₂ is absent.
    direction : ndarray (N,) of int
        0, 1, 2 for z − ζ, z, z + ζ; drawn also where x₂ is absent.
    """

    distribution: Distribution
    x: np.ndarray
    y: np.ndarray
    kind: np.ndarray = field(repr=False)
    alpha: np.ndarray = field(repr=False)
    direction: np.ndarray = field(repr=False)

    @property
    def x1(self):
        """The P block (N, d)."""
        return self.x[:, :self.distribution.dim]

    @property
    def x2(self):
        """The Q block (N, d)."""
        return self.x[:, self.distribution.dim:]

    @property
    def in_m1(self):
        """Membership of M₁, where x₁ ≠ 0."""
        return self.kind != Q_ONLY

    @property
    def in_m2(self):
        """Membership of M₂, where x₂ ≠ 0."""
        return self.kind != P_ONLY

    @property
    def p(self):
        """Fraction with P only, 1 − |M₂|/N."""
        return float(np.mean(self.kind == P_ONLY))

    @property
    def q(self):
        """Fraction with Q only, 1 − |M₁|/N."""
        return float(np.mean(self.kind == Q_ONLY))

    def part(self, kind):
        """These examples as if each had P only, Q only or both: x (N, 2d) with the other block set to 0."""
        if kind == BOTH:
            return self.x
        x = np.zeros_like(self.x)
        block = slice(0, self.distribution.dim) if kind == P_ONLY else slice(self.distribution.dim, None)
        x[:, block] = self.x[:, block]
        return x


def sample(distribution, n, rng=None):
    """Draw n examples.

    Parameters
    ----------
    distribution : Distribution
        What is drawn from.
    n : int
        Examples.
    rng : None, int, SeedSequence or Generator
        By `numpy.random.default_rng`.

    Returns
    -------
    Data

    Raises
    ------
    ValueError
        If n < 1.

    References
    ----------
    [LWM19, (2.1)–(2.5)]

    Examples
    --------
    >>> data = sample(Distribution(5, p0=0.5, q0=0.5), 100, rng=0)
    >>> data.x.shape, data.p + data.q
    ((100, 10), 1.0)
    """
    n, rng = _checks.whole(n, "n"), _checks.generator(rng)
    dim = _checks.having(distribution, "distribution", "dim", "p0", "q0").dim
    y = rng.choice([-1.0, 1.0], n)
    kind = np.searchsorted([distribution.p0, distribution.p0 + distribution.q0], rng.random(n), side="right")
    x1 = rng.standard_normal((n, dim)) / np.sqrt(dim)
    x1[:, 0] = y * (np.abs(x1[:, 0]) + distribution.margin)
    direction = np.where(y > 0, 1, rng.choice([0, 2], n))
    alpha = rng.uniform(*distribution.alpha, n) * (kind != P_ONLY)
    x1[kind == Q_ONLY] = 0
    x = np.concatenate([x1, alpha[:, None] * distribution.directions[direction]], axis=1)
    return Data(distribution, x, y, kind, alpha, direction)


def full_sample(distribution, n, rng=None):
    """Draw n examples that all have both parts; `Data.part` makes P-only and Q-only examples of them.

    Parameters
    ----------
    distribution : Distribution
        What is drawn from.
    n : int
        Examples.
    rng : None, int, SeedSequence or Generator
        Source of all that is drawn, by `numpy.random.default_rng`.

    Returns
    -------
    Data
        With the given distribution, whose p₀ and q₀ then weigh the parts.

    Examples
    --------
    >>> full_sample(Distribution(5), 3, rng=0).kind.tolist()
    [2, 2, 2]
    """
    _checks.having(distribution, "distribution", "dim", "p0", "q0")
    return replace(sample(replace(distribution, p0=0.0, q0=0.0), n, rng), distribution=distribution)


def q_population(distribution, levels=16):
    """Q alone without chance: every direction as often as its probability, α at the middles of equal quantiles.

    Means over it are those of Q up to the midpoint rule in α: E[α] is exact,
    E[α²] too small by 1/(12 levels²) times the squared width of α's law.

    Parameters
    ----------
    distribution : Distribution
        Its p₀ and q₀ are not used.
    levels : int
        Values of α.

    Returns
    -------
    Data
        4 × levels examples: y = 1 on z twice, y = −1 on z − ζ and z + ζ once each.

    Raises
    ------
    ValueError
        If levels < 1.

    References
    ----------
    [LWM19, (2.3)–(2.5)]

    Examples
    --------
    >>> data = q_population(Distribution(5, r=0.5), 2)
    >>> data.x2[:4, :2].tolist(), float(data.alpha.mean())
    ([[0.25, -0.125], [0.25, 0.0], [0.25, 0.0], [0.25, 0.125]], 0.5)
    """
    low, high = _checks.having(distribution, "distribution", "alpha", "directions").alpha
    levels = _checks.whole(levels, "levels")
    alpha = np.repeat(low + (high - low) * (np.arange(levels) + 0.5) / levels, 4)
    direction = np.tile([0, 1, 1, 2], levels)
    x = np.concatenate([np.zeros((len(alpha), distribution.dim)), alpha[:, None] * distribution.directions[direction]],
                       axis=1)
    return Data(distribution, x, np.where(direction == 1, 1.0, -1.0), np.full(len(alpha), Q_ONLY), alpha, direction)
