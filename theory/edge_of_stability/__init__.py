r"""Beyond 2/λ: what gradient descent does where the minimum is unstable and the loss is not quadratic.

Three settings. **Period two**: a minimum with an invertible Hessian H whose top
eigenvalue λ is above 2/η; the third and fourth derivatives decide whether
gradient descent then alternates between two points beside the minimum, and
how far apart they are. **Catapult**: the net f = u·v/√m on one example with the
loss f²/2, whose curvature at a minimum is the kernel κ = (|u|² + |v|²)/m; above
ηκ = 2 the loss grows at first, and the kernel falls. **Self-stabilisation**: a net
whose minima form a valley sharpens until λ = 2/η; there it alternates, by just so
much as keeps λ where it is, and its middle slides along the valley.

Notation
--------
=============  ======================================================================
η              learning rate of gradient descent
H, λ, v        Hessian at the minimum, its top eigenvalue and unit eigenvector
T, F           third and fourth derivatives: T[v, v] is a vector, F[v, v, v, v] a number
a              amplitude: the orbit is x = ±a v + O(a²) beside the minimum
δ              ηλ/2 − 1, how far beyond the edge
T⊥             T[v, v] less its part along v: the gradient of λ across v
α, β           −∇L·T⊥, by which the flow raises λ; |T⊥|², by which an oscillation lowers it
μ, B, η*       momentum; batch size; largest rate that SGD is stable at in mean square
u, v, m, f     weights (vectors of m) and output of the net; v is its own there
κ              kernel (|u|² + |v|²)/m of the net
x, k           ηf/√m and ηκ, in which the net's map has no parameter
=============  ======================================================================

The study lies outside the four sources of the others.

References
----------
.. [CKLKT21] J. Cohen, S. Kaur, Y. Li, J. Z. Kolter, A. Talwalkar, "Gradient
   descent on neural networks typically occurs at the edge of stability", ICLR 2021.
.. [LBDSG20] A. Lewkowycz, Y. Bahri, E. Dyer, J. Sohl-Dickstein, G. Gur-Ari, "The
   large learning rate phase of deep learning: the catapult mechanism",
   arXiv:2003.02218, 2020.
.. [CB22] L. Chen, J. Bruna, "Beyond the edge of stability via two-step gradient
   updates", arXiv:2206.04172, 2022.
.. [MS26] R. Mulayoff, S. U. Stich, "On the stability of nonlinear dynamics in GD
   and SGD: beyond quadratic potentials", COLT 2026, arXiv:2602.14789.
.. [DNL23] A. Damian, E. Nichani, J. D. Lee, "Self-stabilization: the implicit
   bias of gradient descent at the edge of stability", ICLR 2023.
"""

from theory._checks import publish
from theory.edge_of_stability._catapult import catapult_step, final_kernel, flow_kernel
from theory.edge_of_stability._period_two import oscillation_amplitude, oscillation_coefficient
from theory.edge_of_stability._stabilisation import constrained_velocity, stabilised_amplitude

__all__ = ["oscillation_coefficient", "oscillation_amplitude", "stabilised_amplitude", "constrained_velocity",
           "catapult_step", "final_kernel", "flow_kernel"]

publish(__name__)
