"""Starts, sets and orbits that the tests of benign oscillation share.

Random starts have filters of every pair of signs along u and v: with fair signs a
class would be left without a filter once in 2^m, and that is another story.
"""

from math import sqrt

import numpy as np

from refimpl import benign_oscillation as simulated
from theory import benign_oscillation as theory

KAPPA = 0.01
SMALL = np.array([1e-4, 1e-6, 5e-5, 5e-7])      # α, β, α⁻, β⁻
SIGNS = np.array([1.0, 1.0, -1.0, -1.0])
LIMIT = theory.SIGN_STABILITY_LIMIT


def starts(model, rng, size=()):
    """Gaussian filters whose signs along u = e₁ alternate and along v = e₂ alternate in pairs."""
    w = model.init_std * rng.standard_normal((*size, *model.parameter_shape))
    filters = np.arange(model.width)
    w[..., 0] = np.abs(w[..., 0]) * (1 - 2 * (filters % 2))
    w[..., 1] = np.abs(w[..., 1]) * (1 - 2 * (filters // 2 % 2))
    return w


def noise_std(ratio, dim=64):
    """σ_p for |ξ|² = ratio·|v|² with |v| = 0.1, on average."""
    return sqrt(ratio * 0.01 / (dim - 2))


def problem(rng, *, ratio, n_weak=0, seeds=20, width=16, n=16, dim=64):
    """(model, data, starts): |u| = 1, |v| = 0.1, σ₀ = 0.01, alternating labels."""
    model = simulated.TwoLayerCNN(dim, width)
    data = simulated.sample(n, dim=dim, noise_std=noise_std(ratio, dim), n_weak=n_weak, size=(seeds,), rng=rng)
    return model, data, starts(model, rng, (seeds,))


def weak_accuracy(model, w, ratio, rng, count=4000):
    test = simulated.sample(count, noise_std=noise_std(ratio), weak_share=1.0, labels="random", rng=rng)
    return simulated.accuracy(model, w, test)


def orbits(c, starts, skip, steps, beta=0.0, kappa=KAPPA):
    """Outputs along simulated orbits of the four-number map after `skip` steps, (steps + 1, *starts)."""
    state = np.zeros((*np.shape(starts), 4))
    state[..., 0], state[..., 1] = starts, beta
    last = simulated.descend_reduced(state, c, kappa, skip, record_every=max(skip, 1))[-1]
    return simulated.descend_reduced(last, c, kappa, steps) @ SIGNS
