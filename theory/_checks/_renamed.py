"""Keywords that changed their names: the old one is taken for this version, with a DeprecationWarning."""

from functools import wraps
from warnings import warn


def renamed(**names):
    """Decorate a function so that keywords old=… are passed on as new=…; `names` maps old to new."""
    def decorate(function):
        @wraps(function)
        def call(*args, **given):
            for old in names.keys() & given.keys():
                new = names[old]
                if new in given:
                    raise ValueError(f"{new} must be given once, got {old} (its old name) as well; drop {old}")
                warn(f"{function.__name__}({old}=…) is now {new}=…; the old name goes in the next version",
                     DeprecationWarning, stacklevel=2)
                given[new] = given.pop(old)
            return function(*args, **given)
        return call
    return decorate
