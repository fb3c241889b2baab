"""Row of the table of models for rates beyond 2/λ: the linear net u·v, its catapult, and losses of degree four."""

import numpy as np

from refimpl import edge_of_stability
from refimpl.testing._mistake_names import ROOT_WIDTH, ROOT_WIDTH_BACK
from refimpl.testing._model_table import Derived, Entry, Inputs
from refimpl.testing._portable_numbers import Numbers
from refimpl.testing._wrong_models import output_scaled, scaled
from theory import edge_of_stability as theory


def _net(numbers, n, width):
    return Inputs({"width": width}, numbers.real(2, width), numbers.real(n), numbers.real(n))


def _zero_example(numbers):
    inputs = _net(numbers, 3, 2)
    inputs.x[1] = 0
    return inputs.change(note="example 1 is zero: it has a loss, y²/2, and no gradient, and still counts in n")


def _at_rest(numbers):
    w = np.array([[2.0, 1.0, 0.0, 0.0], [1.0, -2.0, 1.0, 1.0]])
    return Inputs({"width": 4}, w, np.array([1.0, 3.0]), np.zeros(2), exact=True,
                  note="u·v is 0 and the labels are: loss and gradient are exactly 0, the Hessian is not")


def _saddle(numbers):
    inputs = _net(numbers, 2, 3)
    return inputs.change(w=0 * inputs.w, exact=True, x=np.array([1.0, 2.0]), y=np.array([0.5, -1.0]),
                         note="all weights are 0: gradient 0, and a Hessian with negative eigenvalues")


def _huge(numbers):
    inputs = _net(numbers, 2, 3)
    return inputs.change(w=inputs.w * 2.0**60, note="outputs of about 1e36: no intermediate result may overflow")


def _variants(model, inputs):
    root = np.sqrt(model.width)
    return {(ROOT_WIDTH, 0): output_scaled(model, root, 2), (ROOT_WIDTH_BACK, 0): scaled(model, root)}


def _laws(inputs):
    """The catapult's map and ends, and the amplitude on losses of degree four; they depend on no data."""
    if inputs.w.shape != (2, 1):
        return {}
    found = {}
    for key, f, kernel, lr, width in (("", 0.75, 2.5, 0.625, 9), (":m=3", -0.3125, 1.75, 1.375, 3),
                                      (":m=25", 1.25, 3.5, 0.5625, 25)):
        state = {"f": f, "kernel": kernel}
        found |= {f"catapult_step{key}": Derived(theory.catapult_step, state | {"lr": lr}, {"width": width}),
                  f"final_kernel{key}": Derived(theory.final_kernel, state | {"lr": lr}, {"width": width}),
                  f"flow_kernel{key}": Derived(lambda f, kernel, width: theory.flow_kernel(f, kernel, width), state,
                                               {"width": width})}
    for key, dim, top, above in (("", 2, 3.5, 0.1875), (":flatter", 2, 2.0, 0.0625), (":d=3", 3, 3.0, 0.125)):
        hessian, third, fourth = _derivatives(Numbers(f"degree four {top}"), dim, top)
        data = {"hessian": hessian, "third": third, "fourth": fourth}
        point = {"w": Numbers(f"point {top}").real(dim)}
        found |= {f"oscillation_coefficient{key}": Derived(_coefficient, data),
                  f"oscillation_amplitude{key}": Derived(_amplitude, data | {"lr": 2 * (1 + above) / top}),
                  f"degree_four_loss{key}": Derived(_of_degree_four("loss"), data | point),
                  f"degree_four_gradient{key}": Derived(_of_degree_four("gradient"), data | point)}
    return found


def _derivatives(numbers, dim, top):
    """H with eigenvalue `top` on the first axis; T large beside F, so that the coefficient is positive."""
    hessian = np.diag(top * np.arange(dim, 0, -1.0) / dim)
    loss = _loss(hessian, 2 + numbers.real(*(dim,) * 3), numbers.real(*(dim,) * 4))
    return hessian, loss.third, loss.fourth


def _loss(*derivatives):
    """A loss from arrays that need not be symmetric: of each the symmetric part counts."""
    return edge_of_stability.CubicQuartic.symmetrised(*derivatives)


def _of_degree_four(name):
    return lambda hessian, third, fourth, w: getattr(_loss(hessian, third, fourth), name)(w)


def _coefficient(hessian, third, fourth):
    loss = _loss(hessian, third, fourth)
    return theory.oscillation_coefficient(loss.hessian, loss.third_along, loss.fourth_along)


def _amplitude(hessian, third, fourth, lr):
    loss = _loss(hessian, third, fourth)
    return theory.oscillation_amplitude(loss.hessian, loss.third_along, loss.fourth_along, lr)


EDGE = {
    "LinearNet": Entry(edge_of_stability.LinearNet, _net, {
        "n1-m1": {"n": 1, "width": 1}, "n2-m3": {"n": 2, "width": 3}, "n5-m2": {"n": 5, "width": 2},
        "n3-m4": {"n": 3, "width": 4}, "n16-m50": {"n": 16, "width": 50},
    }, {"n": (1, 5), "width": (1, 4)}, {
        "zero-example": _zero_example, "at-rest": _at_rest, "saddle": _saddle, "huge-output": _huge,
    }, single=("at-rest", "saddle"), lr=0.0625, big_lr=2.0**20, scalars=_laws, variants=_variants, loss="half-square"),
}
