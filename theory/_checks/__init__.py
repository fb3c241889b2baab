"""Argument checks shared by `refimpl` and `theory`, and how both publish names: the only room they share.

Every message names the argument, what came, what is wanted and the remedy.
"""

from theory._checks._arguments import (array, batch_size, broadcast, double, flag, generator, having, one_of, positive,
                                       real, room, scalar, scaled, shaped, sizes, unit, unmasked, whole, within_floats)
from theory._checks._hessians import hessians, symmetric
from theory._checks._public import publish
from theory._checks._renamed import renamed
from theory._checks._standard_streams import standard_streams

__all__ = ["array", "batch_size", "broadcast", "double", "flag", "generator", "having", "hessians", "one_of",
           "positive", "publish", "real", "renamed", "room", "scalar", "scaled", "shaped", "sizes", "standard_streams",
           "symmetric", "unit", "unmasked", "whole", "within_floats"]
