"""Wu, Ma and E 2018: the toy, the stability diagram, and what eq. 4 leaves out."""

from figures.linear_stability import _almost_sure, _batch_size, _stability_diagram, _sufficient_condition, _two_minima

FIGURES = tuple(module.FIGURE for module in (_two_minima, _stability_diagram, _sufficient_condition, _batch_size, _almost_sure))
