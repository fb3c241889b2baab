"""Simulate: data, models with hand-written forward and backward passes, SGD.

Modules carry the name of the study they simulate; `refimpl.sgd` is the hot
loop that all of them share. Nothing here imports `theory`: predictions and
simulations are derived apart so that they can check each other. Only
`refimpl.testing`, the conformance kit for other implementations, sees both.
"""

import importlib

__all__ = ["benign_oscillation", "convex_annealing", "curvature", "datasets", "edge_of_stability", "images", "learning_order",
           "linear_stability", "network", "sgd", "sweep", "testing"]
__version__ = "0.1.0"


def __getattr__(name):
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; its studies are {', '.join(__all__)}")


def __dir__():
    return sorted({*globals(), *__all__})
