"""Beyond 2/λ: oscillation beside a minimum, and the catapult of a linear net."""

from figures.edge_of_stability import _catapult, _period_two

FIGURES = (_period_two.FIGURE, _catapult.FIGURE)
