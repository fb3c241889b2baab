r"""Benign oscillation of SGD with a large learning rate (Lu, Wu, Yang, Zou 2024).

Two features: u, strong but not in every example, and v, weak, in every one,
u ⊥ v and κ = |v|²/|u|² small. The network is the mean over m filters of
σ(⟨w_r, x_p⟩) with σ = ReLU², summed over patches, F₊ minus F₋; the loss is
(f − y)² **without ½**; one example is visited at a time. Everything depends on

.. math:: c = 4\eta|u|^2/m ,

which is 1 and 8/5 at the ends of the window of large learning rates of the
poster's paper (arXiv:2310.17074).

===================  ====================================================================
c                    the strong feature, before anything else is learned
===================  ====================================================================
c < 1                f → 1; the weak feature is left where it was
1 < c < √5 − 1       f alternates between two values
√5 − 1 … 3√3/2 − 1   further doublings and chaos, bounded
c > 3√3/2 − 1        filters turn off: the strong feature is lost
===================  ====================================================================

While f oscillates the weak feature grows exponentially, and until it has grown
to β* no interpolating point is stable: the oscillation lasts until then.

Notation
--------
=============  ======================================================================
η, m           learning rate; filters of each of F₊ and F₋
u, v, ξ        strong and weak feature; noise patch, of variance σ_p² per direction
κ              |v|²/|u|², so that c_v = κc is the rate of the weak feature
α, β           (1/m) Σ ⟨w_r, u⟩₊² and the same of v over filters of the right class
α⁻, β⁻         the same over filters of the other class
f, e           output α + β − α⁻ − β⁻ times the label, and residual 1 − f
X              1 + ce, by which a step multiplies ⟨w_r, u⟩
F, f±, δ       map of the strong feature alone; its orbit of period two; min |e|
β*, β_∞        weak strength from which f = 1 is stable; weak strength in the end
ρ, n_c         share of weak examples; strong examples of a class
=============  ======================================================================

What is proved here: one example, any rate: the map of four strengths, its
orbits and their stability, the Jensen argument, the growth beyond κ log α, and
that no interpolating point with β < β* attracts. What is only numerical: that
from small starts the orbit stays bounded and then settles with f = 1 and
`weak_limit`; averages beyond √5 − 1; half-times up to O(κ); and the laws on
data sets.

References
----------
.. [LWYZ24] M. Lu, B. Wu, X. Yang, D. Zou, "Benign oscillation of stochastic
   gradient descent with large learning rates", ICLR 2024, as presented on a
   poster whose headings are cited.
"""

from theory._checks import publish
from theory.benign_oscillation._averages import lyapunov_exponent, mean_residual, mean_square_residual
from theory.benign_oscillation._data import (accuracy_without_weak, data_half_time, full_batch_onset,
                                             memorisation_exponent)
from theory.benign_oscillation._map import (OSCILLATION_ONSET, PERIOD_DOUBLING, SIGN_STABILITY_LIMIT, attractor_bounds,
                                            effective_rate, feature_map, fixed_point_multiplier, orbit_multiplier,
                                            period_two_orbit, reduced_map)
from theory.benign_oscillation._sums import accumulation_bounds, update_balance, weak_excess
from theory.benign_oscillation._weak_end import (interpolation_multiplier, small_rate_limit, stable_weak_strength,
                                                 weak_limit)
from theory.benign_oscillation._weak_growth import weak_drift, weak_growth_rate, weak_half_time

__all__ = ["OSCILLATION_ONSET", "PERIOD_DOUBLING", "SIGN_STABILITY_LIMIT", "effective_rate", "feature_map",
           "reduced_map", "fixed_point_multiplier", "period_two_orbit", "orbit_multiplier", "attractor_bounds",
           "mean_residual", "mean_square_residual", "lyapunov_exponent", "weak_excess", "update_balance",
           "accumulation_bounds", "stable_weak_strength", "interpolation_multiplier", "weak_growth_rate",
           "weak_drift", "weak_half_time", "weak_limit", "small_rate_limit", "data_half_time",
           "memorisation_exponent", "accuracy_without_weak", "full_batch_onset"]

publish(__name__)
