"""Runs beyond the edge: losses of degree four with their laws, and linear nets from a given output and kernel."""

import numpy as np

from refimpl import edge_of_stability as simulated, sgd
from theory import edge_of_stability as predicted

# the losses are a fixed catalogue: a law of leading order promises nothing for all that could be drawn
CATALOGUE = 2026
FOURTH = 4.0      # standard deviation of their fourth derivatives: coefficients of both signs


def catalogue(count):
    """(losses, their top eigenvectors, coefficients, the null's coefficients with T[v, v, v]²/λ)."""
    losses = simulated.random_loss(3, size=(count,), fourth_std=FOURTH, rng=CATALOGUE)
    top = np.linalg.eigh(losses.hessian)[1][..., -1]
    laws = np.array([predicted.oscillation_coefficient(one.hessian, one.third_along, one.fourth_along)
                     for one in single(losses)])
    null = 3 * (losses.third_along(top) * top).sum(axis=-1) ** 2 - losses.fourth_along(top)
    return losses, top, laws, null


def single(losses):
    """The losses of a stack one by one."""
    return [simulated.CubicQuartic(*parts) for parts in zip(losses.hessian, losses.third, losses.fourth)]


def amplitudes(losses, top, delta, steps):
    """Simulated amplitudes at η = 2(1 + δ)/λ, NaN where the run does not alternate."""
    run = simulated.oscillate(losses, 0.3 * np.sqrt(delta) * top, 2 * (1 + delta), steps)
    return np.where(run.success, run.amplitude, np.nan)


def weights(rng, width, f, kernel):
    """Random weights (2, m) with this output and kernel, |u ± v|² = m(κ ± 2f/√m) in any directions."""
    parts = rng.standard_normal((2, width))
    lengths = np.sqrt(width * (kernel + np.array([2, -2]) * f / np.sqrt(width)))
    p, q = parts * (lengths / np.linalg.norm(parts, axis=1))[:, None]
    return np.stack([p + q, p - q]) / 2


def net_run(w0, lr, steps):
    """Outputs and kernels of a net along gradient descent on x = 1, y = 0; w0 (*S, 2, m), lr (*S)."""
    net = simulated.LinearNet(w0.shape[-1])
    run = sgd.run(net, w0, np.ones(1), np.zeros(1), lr=np.broadcast_to(lr, (steps, *w0.shape[:-2])), steps=steps,
                  divergence_limit=1e6, observe={"f": lambda w, x, y: net.predict(w, x)[..., 0],
                                                 "kernel": lambda w, x, y: net.tangent_kernel(w)})
    return run.observed["f"], run.observed["kernel"]
