"""Beyond 2/λ: oscillation beside a minimum, sharpening up to the edge, and the catapult of a linear net."""

from figures.edge_of_stability import _catapult, _period_two, _sharpening

FIGURES = (_period_two.FIGURE, _sharpening.FIGURE, _catapult.FIGURE)
