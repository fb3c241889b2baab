"""Argument checks shared by `refimpl` and `theory`: the only room they share.

Every message names the argument, what came, what is wanted and the remedy.
"""

from theory._checks._arguments import (array, batch_size, broadcast, double, generator, having, one_of, positive, real,
                                       scalar, shaped, sizes, unmasked, whole, within_floats)
from theory._checks._hessians import hessians, symmetric
from theory._checks._renamed import renamed

__all__ = ["array", "batch_size", "broadcast", "double", "generator", "having", "hessians", "one_of", "positive",
           "real", "renamed", "scalar", "shaped", "sizes", "symmetric", "unmasked", "whole", "within_floats"]
