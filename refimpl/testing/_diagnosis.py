"""Diagnosis: which of the known mistakes gives exactly what a candidate gave.

A cause is named when the mistaken recomputation gives what the candidate gave,
to rounding, on every case that failed, and the right values on every case that
passed. What explains a part of the failures says so, "in k of n". Where the
cases at hand cannot tell several mistakes apart, all are named. Nothing in here
raises: a mistake that cannot be recomputed explains nothing.
"""

from collections import Counter, defaultdict

import numpy as np

from refimpl.testing import _mistake_names as name
from refimpl.testing._case import PATHS, function_of
from refimpl.testing._comparison import Judging, last_if
from refimpl.testing._mistakes import mistakes

_ROUNDING = 10  # times r: the recomputation may round otherwise than the candidate
_SINGLE = 1e5   # tolerances within which single precision is still what it is: 1e-4 relative
_AVERAGED = ("loss", "gradient", "hvp")


def diagnose(entry, observations, judging=Judging()):
    """Likely causes by check.

    One mistake must explain all that a function gave, or all that it gave
    under one setting (one loss, one activation), or else, quantity by
    quantity, the same; what is left has no cause.
    """
    causes = {}
    for every in observations.values():
        try:
            causes |= _Group(entry, every, judging).causes()
        except Exception:  # an unforeseen result of a candidate must not hide what failed
            continue
    return causes


class _Group:
    """What one function gave on several cases: (Case, quantity, what came, whether it failed) each."""

    def __init__(self, entry, observations, judging):
        self.entry, self.judging = entry, judging
        self.every = observations
        self.failed = [each for each in observations if each[3]]
        self._tables, self._fits, self._models = {}, {}, {}

    def causes(self):
        """{check: cause} of the failures."""
        if not self.failed:
            return {}
        cause = self.explain(self.every)
        if cause:
            return dict.fromkeys(map(_check, self.failed), cause)
        return self._by_setting() or self._by_quantity()

    def _by_setting(self):
        """One mistake for each value of a setting, if together they explain everything."""
        switches = dict.fromkeys(key for case, *_ in self.every for key, value in case.settings.items()
                                 if isinstance(value, (str, bool)))
        for switch in switches:
            parts = defaultdict(list)
            for each in self.every:
                parts[each[0].settings.get(switch)].append(each)
            found = {}
            for part in parts.values():
                found |= dict.fromkeys(map(_check, (each for each in part if each[3])), self._of_part(part))
            if all(found.values()):
                return found
        return {}

    def _by_quantity(self):
        """One mistake for each quantity; how many of all failures it explains is said."""
        found = {}
        for quantity in dict.fromkeys(quantity for _, quantity, *_ in self.failed):
            part = [each for each in self.every if each[1] == quantity]
            found |= dict.fromkeys(map(_check, (each for each in part if each[3])), self._of_part(part))
        counts = Counter(cause for cause in found.values() if cause)
        return {check: f"{cause} (in {counts[cause]} of {len(self.failed)} failures)" for check, cause in found.items()
                if cause}

    def _of_part(self, part):
        """The cause of a part; a single failure among several fits too much to be named."""
        return self.explain(part) if sum(each[3] for each in part) > 1 else ""

    def explain(self, observations):
        """One cause, "several causes fit: …", or "" if none does."""
        ordered = sorted(observations, key=lambda each: (not each[3], each[0].x.size * each[0].w.size))
        failed = [each for each in ordered if each[3]]
        keys = self._table(ordered[0])  # which failed: a mistake that is not there does not explain it
        found = list(dict.fromkeys(key[0] for key in keys if all(self._fit(key, each) for each in ordered)))
        if all(not np.isfinite(got).all() for _, _, got, _ in failed):
            found = found or [name.NOT_FINITE]
        elif all(_is_zero(*each[:3]) for each in ordered):
            found = found or [name.ZEROS]
        elif not self.judging.single and all(_is_single(*each[:3]) for each in failed) and not all(
                _is_half(got) for _, _, got, _ in failed):
            found.append(name.PRECISION)
        found = found or self._fitted(ordered, failed)
        return found[0] if len(found) == 1 else f"several causes fit: {'; '.join(found)}" if found else ""

    def _table(self, each):
        key = id(each[0]), each[1]
        if key not in self._tables:
            try:
                self._tables[key] = mistakes(self.entry, *each[:2], self._models)
            except Exception:  # of a case that somebody else made
                self._tables[key] = {}
        return self._tables[key]

    def _fit(self, key, each):
        """Whether a mistake gives what came; one that changes nothing here fits what passed."""
        case, quantity, got, failed = each
        compute = self._table(each).get(key)
        if compute is None:
            return not failed
        place = key, id(case), quantity
        if place not in self._fits:
            try:
                with np.errstate(all="ignore"):
                    value = np.asarray(compute(), dtype=float)
                self._fits[place] = self._close(case, quantity, got, value)
            except Exception:  # outside the domain of the right function
                self._fits[place] = False
        return self._fits[place]

    def _close(self, case, quantity, got, value):
        allowed, relative = self.judging.allowed(case, quantity), case.expected[quantity].relative
        path = function_of(quantity) in PATHS
        if path:
            value = last_if(got, value)
        if got.shape != value.shape:
            return False
        if path and got.ndim == allowed.ndim:   # step by step; a mistake may make more or fewer of them
            axes = tuple(range(1, value.ndim))
            allowed = allowed[np.minimum(np.arange(len(value)), len(allowed) - 1)]
        else:
            axes = None
        size = np.abs(value).max(axis=axes, keepdims=axes is not None, initial=0.0)
        with np.errstate(invalid="ignore"):
            close = np.isfinite(value) & (np.abs(got - value) <= allowed + _ROUNDING * relative * size)
        return bool((close | ~(np.isfinite(got) | np.isfinite(value))).all())

    def _fitted(self, ordered, failed):
        """A cause with a number, read off the first failure, that holds on all others, in a list."""
        case, quantity, got, _ = failed[0]
        with np.errstate(all="ignore"):
            factor = got.sum() / case.expected[quantity].value.sum()
            divisor = np.round(len(case.x) / factor)
            forms = {name.FIXED_DIVISOR.format(divisor): lambda n: n / divisor} if (
                function_of(quantity) in _AVERAGED and factor) else {}
            forms[name.CONSTANT.format(factor)] = lambda n: factor
            return [text for text, times in forms.items() if len(failed) > 1 and all(
                self._close(case, quantity, got, times(len(case.x)) * case.expected[quantity].value)
                for case, quantity, got, _ in ordered)][:1]


def _check(each):
    return f"{each[0].name}/{each[1]}"


def _is_zero(case, quantity, got):
    """Whether zeros came in the right shape."""
    return not got.any() and got.shape == last_if(got, case.expected[quantity].value).shape


def _is_single(case, quantity, got):
    """Whether float32 numbers came, off by single precision, where float64 was given."""
    expected = case.expected[quantity]
    if case.dtype != "float64" or got.shape != expected.value.shape:
        return False
    if not np.isfinite(got).all():   # beyond what float32 can hold nothing else can come out
        return np.abs(expected.value).max() > np.finfo(np.float32).max
    with np.errstate(over="ignore"):
        single = (got == got.astype(np.float32)).all()
    return bool(single and (np.abs(got - expected.value) <= _SINGLE * np.asarray(expected.tolerance)).all())


def _is_half(got):
    with np.errstate(over="ignore"):
        return bool((got == got.astype(np.float16)).all())
