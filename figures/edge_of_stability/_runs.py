"""Runs beyond the edge: losses of degree four with their laws, and linear nets from a given output and kernel."""

from dataclasses import dataclass

import numpy as np

from figures.network._runs import ensemble, first_images, path_exponent, sharpened, task
from refimpl import edge_of_stability as simulated, network, sgd
from refimpl.linear_stability import lyapunov_interval
from theory import edge_of_stability as predicted, linear_stability as stability

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


def products(lr, rng):
    """Two iterates in a row, (2, 20, 2), of u and v on ½(uv − 1)² after 3000 steps from near u = v = 1."""
    start = 1 + rng.uniform(-0.2, 0.2, (20, 2, 1))
    return np.array([sgd.run(simulated.LinearNet(1), start, np.ones(1), np.ones(1), lr=lr, steps=steps).w[..., 0]
                     for steps in (3000, 3001)])


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


def sharpening(plans, steps, records, rng):
    """Paths of one start on the teacher set for each (η, μ)."""
    problem = task(None)
    start = problem.model.init(rng)
    return _stacked([(lr, mu, simulated.sharpen(problem.model, start, problem.x, problem.y, lr=lr, momentum=mu,
                                                steps=steps, record_every=steps // records, rng=rng))
                     for lr, mu in plans], 1.0)


def sharpening_on_images(data, examples, plan, records, rng):
    """The same for (η, μ, steps) on images in the authors' setting of Table 1 and in its constants, with 100 units."""
    model, x, y, name = first_images(data, examples, 100)
    start = model.init(rng).astype(np.float32)
    paths = [(lr, mu, sharpened(model, start, x, y, lr, steps, records, rng=rng, momentum=mu))
             for lr, mu, steps in plan]
    return _stacked(paths, 2 / y.shape[1]) | {"data": f"{name}, first {len(x)} images"}


def _stacked(runs, scale):
    """Rows (η, μ, path) as arrays; the authors' loss is `scale` times the model's."""
    rates, momenta, paths = zip(*runs)
    return {"rates": np.array(rates), "momenta": np.array(momenta), "steps": np.array([path.steps for path in paths]),
            "sharpness": scale * np.array([path.sharpness for path in paths]),
            "loss": scale * np.array([path.loss for path in paths])}


def plateaus(plans, steps, length, rng):
    """Minima of SGD for each (η, μ, B): η over the exact threshold, sharpness over gradient descent's edge.

    And Λ of the linearised map at each over its standard error, from paths of
    `length` steps: at η where it is beyond the threshold (else NaN), and at
    the rate of which the minimum's sharpness would be gradient descent's edge.
    """
    problem, source = task(None), rng.spawn(1)[0]
    model, x, y, found = problem.model, problem.x, problem.y, []
    start = model.init(rng)
    for lr, mu, size in plans:
        path = simulated.sharpen(model, start, x, y, lr=lr, momentum=mu, batch_size=size, steps=steps,
                                 record_every=steps, rng=rng)
        w = network.polish(model, path.w, x, y)
        factors = ensemble(problem, w)
        star = stability.critical_lr(factors, size, momentum=mu)
        edge = 2 * (1 + mu) / float(network.sharpness(model, w, x, y, rng=rng))
        here, there = (_exponent(factors, rate, mu, size, length, source) if rate > star else np.nan
                       for rate in (lr, edge))
        found.append((lr / star, lr / edge, here, there))
    return dict(zip(("sgd_over_star", "sgd_over_edge", "sgd_exponent", "sgd_exponent_at_edge"), np.array(found).T))


def _exponent(factors, lr, mu, size, steps, rng):
    if not mu:
        return path_exponent(factors, lr, size, rng, steps, steps // 20)
    found = lyapunov_interval(factors, lr, size, momentum=mu, replicas=16, steps=steps // 40, rng=rng)
    return found.value / found.stderr


def held(data, lr, steps, count, rng):
    """Gradient descent on the two-class problem seen from the middle of two iterates, `count` times on its way."""
    problem = task(data, corrupt=True)
    model, x, y = problem.model, problem.x, problem.y
    w, every, rows = problem.start(rng), steps // count, []
    for _ in range(count):
        w = sgd.run(model, w, x, y, lr=lr, steps=every).w
        seen = simulated.middle(model, w, x, y, lr, rng=rng)
        try:
            law = predicted.stabilised_amplitude(seen.gradient, seen.third, seen.top) ** 2
        except ValueError:  # the flow lowers the sharpness here
            law = np.nan
        wanted = predicted.constrained_velocity(seen.gradient, seen.third, seen.top)
        rows.append((model.loss(seen.w, x, y), seen.sharpness, seen.displacement**2, law,
                     _apart(seen.drift, wanted), _apart(seen.drift, -seen.gradient)))
    names = ("loss", "sharpness", "square", "law", "drift_error", "flow_error")
    return {f"held_{name}": values for name, values in zip(names, np.array(rows).T)} | {
        "held_steps": every * np.arange(1, count + 1), "held_data": problem.name}


def _apart(found, wanted):
    return np.linalg.norm(found - wanted) / np.linalg.norm(wanted)
