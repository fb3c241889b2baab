"""What is under test: made once for each settings, its functions found, called, timed, watched for side effects."""

import difflib
import inspect
import os
import reprlib
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from warnings import warn

import numpy as np

from refimpl.testing._case import function_of, leading_names
from refimpl.testing._conversion import given, same, snapshot, to_numpy

NOT_IMPLEMENTED = "not implemented"
_HERE = os.path.join(os.path.dirname(__file__), "")
_FRAMES = 6  # innermost, of what a candidate raises: a recursion has a thousand


@dataclass(frozen=True)
class Outcome:
    """What came of one call: an array, or an error with its traceback; its time; the arguments that it changed."""

    got: np.ndarray | None
    seconds: float
    error: str = ""
    traceback: str = ""
    changed: tuple = ()


class Candidate:
    """A mapping or object with functions, or a factory of such, which is called once for every settings.

    Parameters
    ----------
    source : mapping, object or callable
        As for `check_model`.
    names : iterable of str
        Names of all functions that cases of the model ask for: what has any of
        them is a candidate itself, whatever else can be done with it.
    """

    def __init__(self, source, names):
        self.source, self._made, self._raised = source, {}, {}
        own = not isinstance(source, type) and any(_holds(source, name) for name in names)
        self.is_factory = callable(source) and not own

    def of(self, settings):
        """The candidate for some settings; what a factory raised, it raises again."""
        if not self.is_factory:
            return self.source
        key = repr(sorted(settings.items()))
        if key not in self._made:
            try:
                self._made[key] = self.source(**settings), None
            except BaseException as error:
                end_if_asked(error)
                self._made[key] = None, error
                self._raised[key] = error.__traceback__
        made, error = self._made[key]
        if error is not None:     # raised again and again, its traceback would grow each time
            raise error.with_traceback(self._raised[key])
        return made

    def function(self, name, settings):
        """The function of that name, or None."""
        candidate = self.of(settings)
        function = candidate.get(name) if isinstance(candidate, Mapping) else getattr(candidate, name, None)
        return _under_old_name(function) if name == "descend" else function

    def has(self, case, quantity):
        """Whether the candidate for a case has the function of a quantity, or fails in being made."""
        try:
            return self.function(function_of(quantity), case.settings) is not None
        except BaseException as error:
            end_if_asked(error)
            return True

    def why_skipped(self, case, quantity):
        """Why a check cannot be made of it, or ""; what cannot even be made is not skipped, it fails."""
        name = function_of(quantity)
        try:
            function = self.function(name, case.settings)
        except BaseException as error:
            end_if_asked(error)
            return ""
        if function is None:
            return f"the candidate has no {name}"
        lacking = refused(function, case.expected[quantity].arguments)
        return f"{name} takes no argument {', '.join(lacking)}" if lacking else ""

    def call(self, case, quantity, convert=None, single=False):
        """The `Outcome` of the function on fresh copies of everything; nothing that it raises gets out."""
        expected, begun = case.expected[quantity], time.perf_counter()
        try:
            function = self.function(function_of(quantity), case.settings)
            first = [given(part, convert, single) for part in case.leading(quantity)]
            rest = {key: given(part, convert, single) for key, part in expected.arguments.items()}
            watched = dict(zip(leading_names(quantity), first)) | rest
            before = {name: snapshot(part) for name, part in watched.items()}
            begun = time.perf_counter()
            with np.errstate():     # what a candidate sets there is its own
                value = function(*first, **rest)
            seconds = time.perf_counter() - begun
            changed = tuple(name for name, part in watched.items() if not same(before[name], snapshot(part)))
            return Outcome(to_numpy(value), seconds, changed=changed)
        except BaseException as error:
            end_if_asked(error)
            says = (NOT_IMPLEMENTED,) if isinstance(error, NotImplementedError) else described(error)
            return Outcome(None, time.perf_counter() - begun, *says)


def end_if_asked(error):
    """Raise what ends a run on purpose: an interrupt, or the test runner's word (a time limit of pytest-timeout)."""
    runner = any(kind.__module__.startswith("_pytest") for kind in type(error).__mro__)
    if runner or isinstance(error, KeyboardInterrupt):
        raise error


def _holds(source, name):
    """Whether an object has a name; a property that raises is there."""
    try:
        return hasattr(source, name)
    except Exception:
        return True


def refuse(candidate, asked, every):
    """Refuse at the door what cannot be judged: no function, a name that nothing asks for, an argument that is missing.

    Parameters
    ----------
    candidate : Candidate
    asked : list of (Case, quantity)
        The checks that are asked for.
    every : dict of str to tuple of str
        All functions that cases of any model ask for, and the arguments that every case of this model gives them.
    """
    wanted, first = {}, {}
    if candidate.is_factory:
        _takes_settings(candidate.source, asked[0][0].settings)
    for case, quantity in asked:
        wanted[function_of(quantity)] = None
        first.setdefault((function_of(quantity), repr(case.settings)), case)
    found = False
    for (name, _), case in first.items():
        try:
            function = candidate.function(name, case.settings)
        except BaseException as error:  # a factory that fails is a finding, made check by check
            end_if_asked(error)
            found = True
            continue
        if function is None:
            continue
        found = True
        if not callable(function):
            raise ValueError(f"candidate's {name} must be a function, got {type(function).__name__}; give one that can "
                             "be called")
        lacking = refused(function, every.get(name, ()))
        if lacking:
            raise ValueError(f"candidate's {name} must take {', '.join(every[name])} by keyword, which every case "
                             f"gives, got {name}{inspect.signature(function)} without {', '.join(lacking)}; name "
                             "its arguments so")
    if not found:
        raise ValueError(f"candidate must have at least one of {', '.join(wanted)}, got "
                         f"{reprlib.repr(candidate.of(case.settings))}; give its functions these names")
    for name, function in candidate.source.items() if isinstance(candidate.source, Mapping) else ():
        if callable(function) and name not in every and not str(name).startswith("_"):
            close = difflib.get_close_matches(str(name), list(wanted), 1)
            raise ValueError(f"candidate must hold functions that cases ask for ({', '.join(wanted)}), got {name!r}, "
                             f"which none does; {f'did you mean {close[0]!r}?' if close else 'leave it out'}")


def _takes_settings(factory, settings):
    """Refuse what can be called, but not with the settings of a case: a bare function, a class without them."""
    try:
        inspect.signature(factory).bind(**settings)
    except TypeError as error:
        raise ValueError(f"candidate must be functions by name, or take a case's settings {[*settings]} by keyword, "
                         f"got {reprlib.repr(factory)}: {error}; give a dict of functions or an object with methods"
                         ) from None
    except Exception:   # no signature to be had
        return


def refused(function, arguments):
    """The keyword arguments that a function cannot take, a list."""
    try:
        parameters = inspect.signature(function).parameters
    except Exception:   # none to be had, or an object that cannot even be compared
        return []
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return []
    return [name for name in arguments if name not in parameters]


def _under_old_name(descend):
    """A candidate's `descend` that still takes `switch_loss`, for this version: called with that, and warned of."""
    if "switch_loss" not in refused(descend, ["anneal_loss", "switch_loss"]) and refused(descend, ["anneal_loss"]):
        warn("candidate's descend takes switch_loss, which is now anneal_loss; the old name goes in the next version",
             DeprecationWarning, stacklevel=2)

        def renamed(w, x, y, *, anneal_loss, **rest):
            return descend(w, x, y, switch_loss=anneal_loss, **rest)

        return renamed
    return descend


def described(error):
    """(what an error says and where it was raised, the end of its traceback without the frames of the kit)."""
    try:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__)
                  if not frame.filename.startswith(_HERE)][-_FRAMES:]
        place = "".join(f" (line {frame.lineno} of {frame.name})" for frame in frames[-1:])
        says = f"{type(error).__name__}: {error}".rstrip(": ")
        return says + place, "".join(traceback.format_list(frames)) + says
    except Exception:  # an error that cannot even be printed
        return type(error).__name__, ""
