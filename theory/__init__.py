"""Predict: closed forms and exact recursions, no simulation, no random numbers.

Modules carry the name of the study they describe; `theory.claims` is the
ledger of every claim of the sources. Nothing here imports the simulations of
`refimpl`: the two are derived apart so that they can check each other.
"""
