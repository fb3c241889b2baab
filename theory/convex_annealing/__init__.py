r"""Learning-rate annealing on a convex problem (Nakkiran 2020).

Train loss L(w) = ½ rᵀHr and test loss P(w) = ½ rᵀGr with r = w − w*: both
convex, both zero at w*. Training stops when L = ε. Which point of that contour
it stops at depends on the learning rates, and so does P.

*Hessian* means the matrix of second derivatives everywhere. The losses of the
slides carry no ½, so that their sample (e₁, e₁, e₂),

.. math:: \hat L = \tfrac23 r_1^2 + \tfrac13 r_2^2, \qquad L_D = \tfrac12 r_1^2 + \tfrac12 r_2^2,

has H = diag(4/3, 2/3) and G = I, and β ← β − η∇L̂ is stable below η = 3/2.

A small rate stops with its train loss in the flattest direction, where
P/L → v_minᵀGv_min / λ_min (3/2 on the slides). A large rate, annealed in time,
stops with it in the sharpest one, where P/L → v_maxᵀGv_max / λ_max (3/4).
Large means above `crossover_lr`, 2/(λ_min + λ_max).

Notation
--------
====================  ===============================================================
L, P                  train and test loss; L̂, L_D on the slides
ε                     target: the run stops at the first L ≤ ε
r = w − w*            displacement from the common minimum; β − β* on the slides
H, G, λ, v            second derivatives of L and P; eigenvalues and -vectors of H
η, K                  learning rate; number of large steps
A, B                  train loss held by the sharp and the flat direction (slides)
s, q                  flat direction's share of L at the stop; exp(−4t/3) there
c_j, n, p             counts of a sample of n; sampling factor of a batch
====================  ===============================================================

In functions of batches B is their size, `batch_size`; nowhere else.

References
----------
.. [NAK20] P. Nakkiran, "Learning rate annealing can provably help
   generalization, even for convex problems", arXiv:2005.07360, 2020, as
   presented on slides whose headings are cited.
"""

from theory._checks import publish
from theory.convex_annealing._law import StoppingLaw, sgd_stopping_law
from theory.convex_annealing._limits import crossover_lr, limit_ratios, mean_benefit, ratio_bounds
from theory.convex_annealing._sample import (mean_square_crossover, mean_square_lr, mean_square_multipliers,
                                             population_hessian, sample_hessian)
from theory.convex_annealing._slides import annealed_loss_ratio, flow_loss_ratio, flow_stop_time, reversal_target
from theory.convex_annealing._stop import StoppingPoint, steps_to_loss, stopping_point
from theory.convex_annealing._trajectory import gradient_descent, gradient_flow, quadratic_loss

__all__ = ["sample_hessian", "population_hessian", "quadratic_loss", "gradient_descent", "gradient_flow",
           "steps_to_loss", "stopping_point", "StoppingPoint", "flow_loss_ratio", "flow_stop_time",
           "annealed_loss_ratio", "reversal_target", "limit_ratios", "ratio_bounds", "crossover_lr", "mean_benefit",
           "mean_square_multipliers", "mean_square_lr", "mean_square_crossover", "sgd_stopping_law", "StoppingLaw"]

publish(__name__)
