"""Nakkiran 2020: the slides' three panels, what the ratio depends on, and what true SGD does."""

from figures.convex_annealing import _crossover, _pairs, _paths, _sgd, _target

FIGURES = (_paths.FIGURE, _target.FIGURE, _crossover.FIGURE, _pairs.FIGURE, _sgd.FIGURE)
