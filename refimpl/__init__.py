"""Simulate: data, models with hand-written forward and backward passes, SGD.

Modules carry the name of the study they simulate; `refimpl.sgd` is the hot
loop that all of them share. Nothing here imports `theory`: predictions and
simulations are derived apart so that they can check each other. Only
`refimpl.testing`, the conformance kit for other implementations, sees both.
"""

__version__ = "0.1.0"
