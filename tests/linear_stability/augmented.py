"""Mean-square growth by enumeration: the augmented operator of (x, v), averaged over every batch. Nothing of
`theory`."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from tests import support
from tests.linear_stability.enumeration import mean_square, on_range


@dataclass(frozen=True)
class Step:
    """A step rule with its keywords."""

    momentum: float = 0.0
    nesterov: bool = False
    dampening: float = 0.0
    weight_decay: float = 0.0

    @property
    def keywords(self):
        return dict(vars(self))


def operator(hessians, lr, size, step=Step(), replacement=False, divisor=1.0):
    """mean over batches of M ⊗ M, z = (x, v) ↦ M z; the gradient, decay included, is divided by `divisor` (d,)."""
    dim = hessians.shape[-1]
    eye, none, maps = np.eye(dim), np.zeros((dim, dim)), []
    divisor = np.ones(dim) * divisor
    for batch in support.all_batches(len(hessians), size, replacement):
        gradient = np.hstack([(hessians[batch].mean(axis=0) + step.weight_decay * eye) / divisor[:, None], none])
        velocity = (1 - step.dampening) * gradient + step.momentum * np.hstack([none, eye])
        moved = gradient + step.momentum * velocity if step.nesterov else velocity
        matrix = np.vstack([np.hstack([eye, none]) - lr * moved, velocity])
        maps.append(matrix)
    return mean_square(maps)


def radius(hessians, lr, size, step=Step(), replacement=False, divisor=None):
    """Spectral radius, on range(H); on R^d for a given divisor."""
    within, by = (on_range(hessians), 1.0) if divisor is None else (hessians, divisor)
    return np.abs(np.linalg.eigvals(operator(within, lr, size, step, replacement, by))).max()


def stationary(hessians, gradients, lr, size, step=Step(), replacement=False):
    """E[xxᵀ] solving S = mean (M S Mᵀ + c cᵀ), z ↦ M z + c over every batch."""
    dim = hessians.shape[-1]
    pushes = gradients[support.all_batches(len(hessians), size, replacement)].mean(axis=1)
    forcing = np.mean([np.kron(c, c) for c in np.hstack([-lr * pushes, pushes])], axis=0)       # c is (2d,)
    whole = operator(hessians, lr, size, step, replacement)
    return np.linalg.solve(np.eye(len(whole)) - whole, forcing).reshape(2 * dim, 2 * dim)[:dim, :dim]


def random_ensemble(rng, n, dim, outputs=1, singular=False):
    """Factors (n, k, d) and Hessians that do not commute."""
    factors = rng.standard_normal((n, outputs, dim))
    if singular:
        factors[..., -1] = factors[..., 0]
    return factors, factors.swapaxes(1, 2) @ factors


@st.composite
def problems(draw):
    """(hessians, batch_size, replacement, step): k outputs, singular H, every rule, both samplings."""
    n, dim = draw(st.integers(2, 4)), draw(st.integers(2, 3))
    rng = np.random.default_rng(draw(support.seeds()))
    _, hessians = random_ensemble(rng, n, dim, draw(st.integers(1, 2)), draw(st.booleans()))
    replacement = draw(st.booleans())
    size = draw(st.integers(1, min(n, 2) if replacement else n))
    kind = draw(st.sampled_from(["heavy ball", "nesterov", "dampening", "decay"]))
    momentum = draw(st.floats(-0.95, 0.95))
    step = Step(momentum, kind == "nesterov", draw(st.floats(0.05, 0.9)) if kind == "dampening" else 0.0,
                draw(st.floats(0.01, 1.0)) if kind == "decay" else 0.0)
    return hessians, size, replacement, step
