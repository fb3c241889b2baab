r"""Simulate gradient descent beyond 2/λ: orbits of period two, the catapult, and sharpening up to the edge.

- `CubicQuartic` is ½wᵀHw + T[w, w, w]/6 + F[w, w, w, w]/24, any Hessian, third and
  fourth derivative at its minimum 0; `RegularisedNet` a net of `refimpl.network`
  on a set, L + ½λ|w|², as a function of its parameters alone, with the same
  derivatives at a minimum of its own (`regularised_minimum`). `oscillate` runs
  gradient descent on either and says whether it ends in an orbit of period two.
- `LinearNet` is f = u·v x/√m with the loss ½(f − y)² and runs by `refimpl.sgd.run`
  as any model; with one example x = 1, y = 0 its kernel is κ = (|u|² + |v|²)/m.
- `sharpen` follows loss and sharpness along a run up to its edge; `middle` looks at
  gradient descent there: the middle of two iterates, how far they are out of it,
  where it moves, and the derivatives that say why.
"""

from theory import _checks
from refimpl.edge_of_stability._degree_four import CubicQuartic, random_loss
from refimpl.edge_of_stability._linear_net import LinearNet
from refimpl.edge_of_stability._oscillate import ALTERNATES, DIVERGED, UNDECIDED, Oscillation, oscillate
from refimpl.edge_of_stability._regularised_net import RegularisedMinimum, RegularisedNet, regularised_minimum
from refimpl.edge_of_stability._sharpening import Middle, Sharpening, middle, sharpen

__all__ = ["CubicQuartic", "random_loss", "RegularisedNet", "RegularisedMinimum", "regularised_minimum", "Oscillation",
           "oscillate", "LinearNet", "sharpen", "Sharpening", "middle", "Middle", "ALTERNATES", "DIVERGED", "UNDECIDED"]

_checks.publish(__name__)
