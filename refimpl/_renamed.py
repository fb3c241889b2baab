"""Names of arguments and constants that changed: the old one is taken for this version, with a DeprecationWarning."""

import sys
from warnings import warn

from theory import _checks

renamed = _checks.renamed


def old_constants(package, **names):
    """A module's `__getattr__` that serves constants under their old names; `names` maps old to new."""
    def serve(name):
        if name not in names:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        warn(f"{package}.{name} is now {package}.{names[name]}; the old name goes in the next version",
             DeprecationWarning, stacklevel=2)
        return getattr(sys.modules[package], names[name])
    return serve
