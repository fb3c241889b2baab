"""Any study over a grid of arguments: in one process, in a pool, on a cluster; resumed where it was interrupted.

A point of the grid is one call of a function with keyword arguments. What it
returns must depend on these arguments alone, and on the generator that the
sweep hands it; the numbers are then the same however the points are spread.
"""

from theory import _checks
from refimpl.sweep._run import Sweep, run

__all__ = ["Sweep", "run"]

_checks.publish(__name__)
