"""Stability of a minimum under SGD: the poster's toy and diagram, what eq. 4 leaves out, and SGD as it is run."""

from figures.linear_stability import (_almost_sure, _batch_sharpness, _batch_size, _loss_floor, _momentum_limit,
                                      _path_limits, _stability_diagram, _sufficient_condition, _tail_exponent,
                                      _two_minima)

_MODULES = (_two_minima, _stability_diagram, _sufficient_condition, _batch_size, _almost_sure, _path_limits,
            _tail_exponent, _batch_sharpness, _momentum_limit, _loss_floor)
FIGURES = tuple(module.FIGURE for module in _MODULES)
