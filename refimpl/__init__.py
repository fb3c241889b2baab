"""Simulate: data, models with hand-written forward and backward passes, SGD.

Modules carry the name of the study they simulate; `refimpl.sgd` is the hot
loop that all of them share. Nothing here imports `theory`: predictions and
simulations are derived apart so that they can check each other. Only
`refimpl.testing`, the conformance kit for other implementations, sees both.
"""

import importlib
import importlib.util
from importlib.machinery import PathFinder

__all__ = ["benign_oscillation", "convex_annealing", "curvature", "datasets", "edge_of_stability", "images",
           "learning_order", "linear_stability", "network", "sgd", "sweep", "testing"]
__version__ = "0.1.0"


def __getattr__(name):
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; its studies are {', '.join(__all__)}")


def __dir__():
    return sorted({*globals(), *__all__})


def _refuse_another_theory():
    """A file or folder of the user's that is called theory, earlier on the path, would be imported in place of ours."""
    found = importlib.util.find_spec("theory")
    places = list(found.submodule_search_locations or ()) if found else []
    if not PathFinder.find_spec("theory._checks", places):
        raise ImportError(f"refimpl needs the package theory that is installed with it, but `import theory` finds "
                          f"{found and found.origin or ', '.join(places) or 'nothing'}; rename that file or folder")


_refuse_another_theory()
