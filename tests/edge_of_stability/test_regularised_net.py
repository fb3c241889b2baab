"""The law of the amplitude on a net with weight decay: predicted from derivatives by hand, seen under gradient descent.

The nets are a fixed catalogue, as the losses of degree four are: the law is one of leading order.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.sparse.linalg import LinearOperator

from refimpl import edge_of_stability as simulated, network
from tests.support import refused
from theory import edge_of_stability as theory

pytestmark = pytest.mark.chance("exact")

DELTAS = np.array([2e-3, 5e-3, 1e-2, 2e-2])


class AtMinimum:
    """A tanh net [3, 5, 1] with decay 0.02 on 12 examples at its minimum, its derivatives, law and runs."""

    def __init__(self):
        x, y, *_ = network.teacher_set(12, 2, 3, rng=0)
        self.net = simulated.RegularisedNet(network.MLP((3, 5, 1)), x, y, 0.02)
        self.found = simulated.regularised_minimum(self.net, self.net.model.init(2))
        self.w, self.hessian = self.found.w, self.net.hessian(self.found.w)
        self.sharpness, self.top = self.found.eigenvalues[-1], np.linalg.eigh(self.hessian)[1][:, -1]
        self.rates = 2 * (1 + DELTAS) / self.sharpness
        self.laws = np.array([theory.oscillation_amplitude(self.hessian, self.third, self.fourth, lr)
                              for lr in self.rates])
        centre = -self.laws[:, None] ** 2 / 2 * np.linalg.solve(self.hessian, self.third(self.top))
        self.run = simulated.oscillate(self.net, self.w + centre + self.laws[:, None] * self.top, self.rates, 4000)

    def third(self, v):
        return self.net.third_along(self.w, v)

    def fourth(self, v):
        return self.net.fourth_along(self.w, v)


@pytest.fixture(scope="module")
def edge():
    return AtMinimum()


@pytest.mark.claim("MS26.amplitude-net")
def test_amplitude_on_a_net_to_first_order_beyond_the_edge(edge):
    """a within δ of its law at δ = 2e-3…2e-2, the error of order 1 in δ; T[v,v,v]²/λ for T H⁻¹ T is 4 times off."""
    assert edge.found.success and edge.run.success.all()
    errors = edge.run.amplitude / edge.laws - 1
    assert (np.abs(errors) < 1.2 * DELTAS).all()
    assert abs(np.polyfit(np.log(DELTAS), np.log(np.abs(errors)), 1)[0] - 1) < 0.02
    bend = edge.third(edge.top)
    wrong = 3 * (bend @ edge.top) ** 2 / edge.sharpness - edge.fourth(edge.top)
    null = np.sqrt(6 * (edge.sharpness - 2 / edge.rates) / wrong)
    assert (null / edge.run.amplitude > 3).all()
    bare = np.sqrt(6 * (edge.sharpness - 2 / edge.rates) / (3 * bend @ np.linalg.solve(edge.hessian, bend)))
    assert abs(bare[0] / edge.run.amplitude[0] - 1) > 3 * abs(errors[0])  # without F, at the smallest δ


@pytest.mark.claim("MS26.amplitude-net")
def test_the_orbit_on_a_net_gives_way_along_all_directions(edge):
    """The middle of both points is −½a²H⁻¹T[v, v] to first order in δ; −½a²T[v, v]/λ is caught."""
    middle = edge.run.points.mean(axis=0) - edge.w
    bend = edge.third(edge.top)
    laws = -edge.laws[:, None] ** 2 / 2 * np.linalg.solve(edge.hessian, bend)
    off = np.linalg.norm(middle - laws, axis=1) / np.linalg.norm(laws, axis=1)
    assert (off < 10 * DELTAS).all() and abs(np.polyfit(np.log(DELTAS), np.log(off), 1)[0] - 1) < 0.1
    null = -edge.laws[:, None] ** 2 / 2 * bend / edge.sharpness
    assert (np.linalg.norm(middle - null, axis=1) > 0.5 * np.linalg.norm(middle, axis=1)).all()


@pytest.mark.claim("CKLKT21.edge")
def test_below_the_edge_the_net_rests_at_its_minimum(edge):
    """η 1 % below 2/λ: back at the minimum, law 0; a limit at 2/(λ − decay), of the loss alone, would not be told."""
    lr = 1.98 / edge.sharpness
    run = simulated.oscillate(edge.net, edge.w + 1e-3 * edge.top, lr, 3000)
    assert theory.oscillation_amplitude(edge.hessian, edge.third, edge.fourth, lr) == 0
    assert np.linalg.norm(run.points[-1] - edge.w) < 1e-6


def test_derivatives_of_the_regularised_loss_by_differences(rng):
    """∇L, H, T[v, v], F[v, v, v, v] by central differences of the next lower; without the decay is caught."""
    x, y, *_ = network.teacher_set(6, 2, 3, rng=rng)
    net = simulated.RegularisedNet(network.MLP((3, 4, 1)), x, y, 0.3)
    w, v = net.model.init(rng), rng.standard_normal(net.parameter_shape)
    v, h = v / np.linalg.norm(v), 1e-4
    ahead, back = w + h * v, w - h * v
    size = 1 + np.abs(net.hessian(w)).max() + np.abs(net.third_along(w, v)).max() + abs(net.fourth_along(w, v))
    assert abs((net.loss(ahead) - net.loss(back)) / (2 * h) - net.gradient(w) @ v) < 1e-6 * size
    assert_allclose((net.gradient(ahead) - net.gradient(back)) / (2 * h), net.hessian(w) @ v, rtol=0, atol=1e-5 * size)
    assert_allclose(net.hessian_product(w, v), net.hessian(w) @ v, rtol=1e-12, atol=1e-13 * size)
    assert abs(((net.hessian(ahead) - net.hessian(back)) @ v / (2 * h) - net.third_along(w, v)) @ v) < 1e-4 * size
    assert abs(v @ (net.third_along(ahead, v) - net.third_along(back, v)) / (2 * h) - net.fourth_along(w, v)
               ) < 1e-4 * size
    assert np.abs(net.gradient(w) - net.model.gradient(w, x, y)).max() > 1e-3


def test_a_minimum_says_by_what_it_is_one(rng):
    """From a minimum found, the tolerance decides alone: 1e-300 is not met; nor is a saddle one, at which no Newton
    step is made: all weights 0 and labels of which no first layer knows the sign, after one step of the region."""
    net = simulated.RegularisedNet(network.MLP((1, 2, 1)), np.array([[1.0], [-0.5]]), np.array([1.0, 0.2]), 0.05)
    found = simulated.regularised_minimum(net, [0.5, -0.3, 0.1, 0.2, 0.7, 0.4, 0.0])
    assert found.success and found.status == 0 and 0 < found.eigenvalues[0] < 1
    again = simulated.regularised_minimum(net, found.w, tolerance=1e-300)
    assert again.gradient_norm > 0 and (again.success, again.status) == (False, 2)
    assert_allclose(again.w, found.w, rtol=0, atol=1e-12)
    flat = simulated.RegularisedNet(network.MLP((1, 2, 1)), np.array([[1.0], [-1.0]]), np.array([1.0, -1.0]), 0.05)
    saddle = simulated.regularised_minimum(flat, np.zeros(7), max_steps=1)
    assert (saddle.success, saddle.status) == (False, 2) and saddle.eigenvalues[0] < 0 and not saddle.w.any()


def test_by_products_as_by_the_matrix(edge, rng):
    """A Hessian given as products, small (taken whole) and of 90 dimensions (Lanczos, conjugate gradients): to 1e-9."""
    def products(matrix):
        return LinearOperator(matrix.shape, matvec=lambda v: matrix @ v, dtype=float)

    whole = theory.oscillation_coefficient(edge.hessian, edge.third, edge.fourth)
    assert_allclose(theory.oscillation_coefficient(products(edge.hessian), edge.third, edge.fourth), whole, rtol=1e-11)
    basis = np.linalg.qr(rng.standard_normal((90, 90)))[0]
    matrix = basis * np.append(np.geomspace(1e-3, 0.8, 89), 1.0) @ basis.T
    matrix = (matrix + matrix.T) / 2
    force = rng.standard_normal(90)
    derivatives = lambda v: force * (v @ force) ** 2, lambda v: -(v @ force) ** 4    # of the top vector, not its sign
    found = [[theory.oscillation_coefficient(given, *derivatives),
              theory.oscillation_amplitude(given, *derivatives, 2.01)] for given in (matrix, products(matrix))]
    assert_allclose(*found, rtol=1e-9)
    refused(r"below 2 / second eigenvalue = 2\.5", theory.oscillation_amplitude, products(matrix), *derivatives, 2.51)
    with pytest.raises(ValueError, match="hessian must be positive definite"):
        theory.oscillation_coefficient(products(matrix - 0.01 * np.eye(90)), lambda v: force, lambda v: 0.0)


@pytest.mark.parametrize("change, message", [
    ({"weight_decay": 0.0}, "weight_decay must be positive"),
    ({"model": network.MLP((3, 4, 1), activation="relu")}, "model must be smooth"),
    ({"y": np.zeros(4)}, "y must have shape")])
def test_bad_arguments_are_refused(change, message):
    given = {"model": network.MLP((3, 4, 1)), "x": np.zeros((5, 3)), "y": np.zeros(5), "weight_decay": 0.1}
    refused(message, simulated.RegularisedNet, **(given | change))
