"""Predict: closed forms and exact recursions, no simulation, no random numbers.

Modules carry the name of the study they describe; `theory.claims` is the
ledger of every claim of the sources. Nothing here imports the simulations of
`refimpl`: the two are derived apart so that they can check each other.
"""

import importlib

__all__ = ["benign_oscillation", "claims", "convex_annealing", "edge_of_stability", "images", "learning_order",
           "linear_stability"]


def __getattr__(name):
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; its studies are {', '.join(__all__)}")


def __dir__():
    return sorted({*globals(), *__all__})
