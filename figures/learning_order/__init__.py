"""Figures of Li, Wei and Ma 2019, sections 2 to 6: a file per figure, their runs in `_runs`."""

from figures.learning_order import (_annealing_time, _coupling, _curvature_law, _kappa, _memorising_net, _order,
                                    _turnover, _variants)

FIGURES = (_memorising_net.FIGURE, _annealing_time.FIGURE, _order.FIGURE, _variants.FIGURE, _kappa.FIGURE,
           _curvature_law.FIGURE, _turnover.FIGURE, _coupling.FIGURE)
