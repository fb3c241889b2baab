r"""The exact law of the ratio at the stop for true SGD on the sample of the slides.

The public names are those of `theory.convex_annealing`.
"""

from dataclasses import dataclass

import numpy as np

from theory import _checks
from theory.convex_annealing._sample import mean_square_lr
from theory.convex_annealing._slides import flow_loss_ratio, sharp_and_flat

# n = 3: the probability of the first of two kinds of batch, and the curvatures of both along e₁ and e₂.
_BATCHES = {1: (2 / 3, (2.0, 0.0), (0.0, 2.0)), 2: (1 / 3, (2.0, 0.0), (1.0, 1.0)),
            3: (1.0, (4 / 3, 2 / 3), (0.0, 0.0))}
_NEGLIGIBLE = 1e-15  # probability that need not be followed any further, of all states together
_RARE = 1e-20        # and of one state; both count as unfinished
_UNFINISHED = 1e-9   # probability to go on below which a mean is given


@dataclass(frozen=True)
class StoppingLaw:
    """The exact distribution of where SGD stops.

    Attributes
    ----------
    ratios : ndarray (M,)
        Values of P/L at the stop.
    steps : ndarray (M,) of int
        Steps of SGD made.
    probabilities : ndarray (M,)
    unfinished : float
        Probability that the run has not stopped after the steps it was given.
    """

    ratios: np.ndarray
    steps: np.ndarray
    probabilities: np.ndarray
    unfinished: float

    @property
    def mean(self):
        """Mean of P/L; refused where some runs have not stopped."""
        return float(self._weights() @ self.ratios)

    @property
    def std(self):
        """Standard deviation of P/L; refused where some runs have not stopped."""
        return float(np.sqrt(self._weights() @ (self.ratios - self.mean) ** 2))

    def _weights(self):
        if self.unfinished > _UNFINISHED:
            raise ValueError(f"max_steps must let all runs stop for a mean, but a run goes on with probability "
                             f"{self.unfinished:.3g}; give more steps")
        return self.probabilities / self.probabilities.sum()


@_checks.renamed(switch_loss="anneal_loss")
def sgd_stopping_law(sharp_loss, flat_loss, target, batch_size, *, lr=None, large_lr=None, anneal_loss=None,
                     max_steps=2000):
    r"""Exact law of P/L where SGD on the sample of the slides stops.

    Batches of B of (e₁, e₁, e₂) without replacement are of two kinds, whose
    multipliers commute: B = 1 multiplies r₁ by 1 − 2η with probability ⅔, else
    r₂; B = 2 multiplies r₁ by 1 − 2η with probability ⅓, else both by 1 − η.
    The state after k steps is the number of batches of the first kind, so the
    probability of every state is carried from step to step and taken out
    where the loss has reached its level.

    The run makes steps at `large_lr` until L̂ ≤ `anneal_loss`, then at `lr`, or
    along the gradient flow, until L̂ ≤ ε.

    Parameters
    ----------
    sharp_loss, flat_loss : float
        Train loss ⅔r₁² > 0 and ⅓r₂² > 0 at the start.
    target : float
        ε > 0, below the train loss at the start.
    batch_size : int
        B in 1…3.
    lr : float, optional
        Small learning rate; None, with a large one, is gradient flow.
    large_lr, anneal_loss : float, optional
        Given together; `anneal_loss` in [ε, loss at the start).
    max_steps : int
        Steps after which a phase is given up; the cost is of order its square.

    Returns
    -------
    StoppingLaw

    Raises
    ------
    ValueError
        If an argument is outside its range; if a rate is not below
        `mean_square_lr`; if a run can reach the loss 0 exactly, where P/L has
        no value (η = ½ for B = 1, η = 1 for B = 2).

    Notes
    -----
    With B = 1 only (1 − 2η)² matters: the law at η is that at 1 − η, so a
    large rate does what a small one does. As ε → 0 at a fixed ε / anneal_loss,
    P/L → 3/2 for B = 1 at every stable rate, since the number of e₁ drawn runs
    away from that of e₂. For B = 2, r₁/r₂ is (1 − 2η) to the power of the
    number of batches of the first kind: P/L → 3/2 below η = 1 and 3/4 above.

    References
    ----------
    [NAK20]_, "update with SGD", made exact.

    Examples
    --------
    >>> law = sgd_stopping_law(2 / 3, 1 / 3, 1e-4, 2, large_lr=1.3, anneal_loss=4e-4)
    >>> round(law.mean, 4)
    0.8595
    """
    sharp, flat = sharp_and_flat(sharp_loss, flat_loss, positive=True)
    if sharp.ndim:
        raise ValueError(f"sharp_loss and flat_loss must be one number each, got shape {sharp.shape}; call once for "
                         "each")
    size = _checks.whole(batch_size, "batch_size", 1, 3)
    target, max_steps = _checks.scalar(target, "target"), _checks.whole(max_steps, "max_steps")
    phases = [(target, "target")]
    if (large_lr is None) != (anneal_loss is None) or (large_lr is None and lr is None):
        raise ValueError("large_lr and anneal_loss go together, and lr may be None only with them, got "
                         f"large_lr={large_lr!r}, anneal_loss={anneal_loss!r}, lr={lr!r}; for gradient flow alone use "
                         "flow_loss_ratio")
    if large_lr is not None:
        phases.insert(0, (_checks.scalar(anneal_loss, "anneal_loss"), "anneal_loss"))
    loss = float(sharp + flat)
    _checks.within_floats(1e100 * loss, "sharp_loss and flat_loss")     # rare states have more
    for level, name in phases:
        if not target <= level < loss:
            wanted = "" if name == "target" else "at least the target and "
            raise ValueError(f"{name} must be {wanted}below the train loss at the start, {loss:g}, got {level:g}; "
                             "choose target <= anneal_loss < loss at the start")
    states = _States(np.ones(1), sharp.reshape(1), flat.reshape(1), np.zeros(1, int))
    unfinished = 0.0
    for rate, name, level in ((large_lr, "large_lr", phases[0][0]), (lr, "lr", target)):
        if rate is not None:
            limit = mean_square_lr([2, 1], size)
            if _checks.scalar(rate, name) >= limit:
                raise ValueError(f"{name} must be below {limit:g}, where SGD with batch_size={size} is stable in mean "
                                 f"square, got {rate:g}; see mean_square_lr")
            states, lost = _first_passage(states, float(rate), size, level, max_steps)
            unfinished += lost
    sharp, flat = states.sharp, states.flat
    if lr is None:
        ratios = flow_loss_ratio(sharp, flat, np.minimum(target, sharp + flat))
    else:
        ratios = 0.75 * (1 + flat / (sharp + flat))
    return StoppingLaw(ratios, states.steps, states.probability, min(unfinished, 1.0))


@dataclass(frozen=True)
class _States:
    """States that runs can be in, each with its probability, train losses and steps made."""

    probability: np.ndarray
    sharp: np.ndarray
    flat: np.ndarray
    steps: np.ndarray


def _first_passage(states, lr, size, level, max_steps):
    """The states in which runs first have a loss of at most `level`, and the probability of those that never do."""
    done = states.sharp + states.flat <= level
    found = [_pick(states, done)]
    states = _pick(states, ~done)
    chance, first, second = _BATCHES[size]
    squares = [[(1 - lr * curvature) ** 2 for curvature in kind] for kind in (first, second)]
    mass = states.probability[:, None]  # (M, k + 1), by the number of batches of the first kind
    lost = 0.0
    for step in range(1, max_steps + 1):
        if not mass.sum() > _NEGLIGIBLE:
            break
        grown = np.zeros((len(mass), step + 1))
        grown[:, 1:] += chance * mass
        grown[:, :-1] += (1 - chance) * mass
        firsts = np.arange(step + 1)
        with np.errstate(over="ignore", invalid="ignore"):              # of states that no run is in
            sharp, flat = (start[:, None] * squares[0][j] ** firsts * squares[1][j] ** (step - firsts)
                           for j, start in enumerate((states.sharp, states.flat)))
        rare = grown < _RARE
        lost += grown[rare].sum()
        grown[rare] = 0.0
        hit = (sharp + flat <= level) & ~rare
        if hit.any():
            ended = _States(grown[hit], sharp[hit], flat[hit], states.steps[np.nonzero(hit)[0]] + step)
            if (ended.sharp + ended.flat == 0).any():
                raise ValueError("lr and target must leave a loss above 0, where P/L has a value, at the stop, got "
                                 f"{lr:g} and {level:g}; choose a rate that learns no direction in one step, or a "
                                 "larger level")
            found.append(ended)
            grown[hit] = 0.0
        kept = grown.any(axis=1)
        mass, states = grown[kept], _pick(states, kept)
    joined = (np.concatenate([getattr(part, name) for part in found])
              for name in ("probability", "sharp", "flat", "steps"))
    return _States(*joined), float(mass.sum() + lost)


def _pick(states, chosen):
    return _States(states.probability[chosen], states.sharp[chosen], states.flat[chosen], states.steps[chosen])
