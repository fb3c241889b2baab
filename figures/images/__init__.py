"""Figures of Li, Wei and Ma 2019, section 6 and figures 1 and 3, and the slides' figure 4: a file per figure."""

from figures.images import _arms, _controls, _examples, _plain, _threshold

FIGURES = (_examples.FIGURE, _arms.FIGURE, _plain.FIGURE, _threshold.FIGURE, _controls.FIGURE)
