"""Runs beyond the edge: losses of degree four with their laws, and linear nets from a given output and kernel."""

from dataclasses import dataclass

import numpy as np

from refimpl import edge_of_stability as simulated, network, sgd
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


@dataclass(frozen=True)
class NetAtMinimum:
    """A tanh net [4, 6, 1] with decay 0.01 on 20 examples at a minimum of its regularised loss: always the same."""

    net: simulated.RegularisedNet
    w: np.ndarray
    hessian: np.ndarray
    sharpness: float
    top: np.ndarray

    def third(self, v):
        """T[v, v] at the minimum."""
        return self.net.third_along(self.w, v)

    def fourth(self, v):
        """F[v, v, v, v] at the minimum."""
        return self.net.fourth_along(self.w, v)

    def laws(self, deltas):
        """Predicted amplitudes at η = 2(1 + δ)/λ."""
        return np.array([predicted.oscillation_amplitude(self.hessian, self.third, self.fourth,
                                                         2 * (1 + delta) / self.sharpness) for delta in deltas])

    def nulls(self, deltas):
        """The same with T[v, v, v]²/λ in place of T[v, v]ᵀH⁻¹T[v, v]."""
        along = self.third(self.top) @ self.top
        wrong = 3 * along**2 / self.sharpness - self.fourth(self.top)
        return np.sqrt(6 * self.sharpness * (1 - 1 / (1 + deltas)) / wrong)

    def amplitudes(self, deltas, steps):
        """Simulated amplitudes of runs from beside the minimum, NaN where a run does not alternate."""
        start = self.w + 0.5 * self.laws(deltas)[:, None] * self.top
        run = simulated.oscillate(self.net, start, 2 * (1 + deltas) / self.sharpness, steps)
        return np.where(run.success, run.amplitude, np.nan)


def net_at_minimum():
    """The net of the figure, carried to its minimum."""
    x, y, *_ = network.teacher_set(20, 2, 4, rng=0)
    net = simulated.RegularisedNet(network.MLP((4, 6, 1)), x, y, 0.01)
    found = simulated.regularised_minimum(net, net.model.init(1))
    hessian = net.hessian(found.w)
    return NetAtMinimum(net, found.w, hessian, float(found.eigenvalues[-1]), np.linalg.eigh(hessian)[1][:, -1])


def well():
    """(1 − a²)²/4 from a = 1 on, on which gradient descent at rate c is the map f ↦ f(1 + c(1 − f))² of f = a²."""
    return simulated.CubicQuartic([[2.0]], [[[6.0]]], [[[[6.0]]]])


def well_path(rates, steps):
    """Iterates a of gradient descent on the well at each rate, from a = 0.9, (steps, rates)."""
    loss, a, path = well(), np.full((len(rates), 1), 0.9), []
    for _ in range(steps):
        a = a - rates[:, None] * loss.gradient(a - 1)
        path.append(a[:, 0])
    return np.array(path)


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
