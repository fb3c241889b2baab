"""Mean-square growth by enumeration: the augmented operator of (x, v), averaged over every batch. Nothing of
`theory`."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from tests import support


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
        maps.append(np.kron(matrix, matrix))
    return np.mean(maps, axis=0)


def on_range(hessians):
    """The same ensemble in coordinates of range(H)."""
    values, vectors = np.linalg.eigh(hessians.mean(axis=0))
    basis = vectors[:, values > 1e-12 * values[-1]]
    return basis.T @ hessians @ basis


def radius(hessians, lr, size, step=Step(), replacement=False, divisor=None):
    """Spectral radius, on range(H); on R^d for a given divisor."""
    hessians = on_range(hessians) if divisor is None else hessians
    return np.abs(
        np.linalg.eigvals(operator(hessians, lr, size, step, replacement, 1.0 if divisor is None else divisor))
    ).max()


def random_ensemble(rng, n, dim, outputs=1, singular=False):
    """Factors (n, k, d) and Hessians that do not commute."""
    factors = rng.standard_normal((n, outputs, dim))
    if singular:
        factors[..., -1] = factors[..., 0]
    return factors, factors.swapaxes(1, 2) @ factors


@st.composite
def problems(draw, momenta=st.floats(-0.95, 0.95)):
    """(hessians, batch_size, replacement, step): k outputs, singular H, every rule, both samplings."""
    n, dim = draw(st.integers(2, 4)), draw(st.integers(2, 3))
    rng = np.random.default_rng(draw(support.seeds()))
    _, hessians = random_ensemble(rng, n, dim, draw(st.integers(1, 2)), draw(st.booleans()))
    replacement = draw(st.booleans())
    size = draw(st.integers(1, min(n, 2) if replacement else n))
    kind = draw(st.sampled_from(["heavy ball", "nesterov", "dampening", "decay"]))
    step = Step(draw(momenta), kind == "nesterov", draw(st.floats(0.05, 0.9)) if kind == "dampening" else 0.0,
                draw(st.floats(0.01, 1.0)) if kind == "decay" else 0.0)
    return hessians, size, replacement, step
