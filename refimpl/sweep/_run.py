"""`run`: a function over a grid, and its results put together."""

import itertools
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from refimpl._parallel import count, executor
from refimpl._streams import streams
from refimpl.sweep._dying_workers import pooled, submitted
from refimpl.sweep._point import COMPLETED, LOST, NOT_RUN, Task, attempt
from refimpl.sweep._stored_points import identity, load, stored, stream
from theory import _checks

_KINDS = ("completed", "raised an error", "not run", "lost with their worker")


@dataclass(frozen=True)
class Sweep:
    """What a function returned over a grid of shape G, one axis for each argument that varied.

    Attributes
    ----------
    axes : dict of str to tuple
        The arguments and their values, in the order of the axes of G.
    values : dict of str to ndarray (*G, …)
        What was returned, by name. Where a point has no result, NaN (and
        integers and booleans become floats).
    status : ndarray G of int
        0 completed, 1 the function raised, 2 not run because the callback
        stopped the sweep, 3 its worker died on it twice, the executor for good, or
        a callable lost it.
    success : ndarray G of bool
        ``status == 0``.
    errors : dict of tuple to str
        Grid index to error, for status 1 and 3.
    nit : int
        Points computed in this call.
    reused : int
        Points read from the directory.
    message : str
    """

    axes: dict
    values: dict
    status: np.ndarray
    success: np.ndarray
    errors: dict
    nit: int
    reused: int
    message: str

    def take(self, name, **point):
        """The values of one result at some values of the axes; the other axes remain.

        Parameters
        ----------
        name : str
            Of `values`.
        **point
            Axis = value, as given in the grid.

        Returns
        -------
        ndarray

        Raises
        ------
        ValueError
            If there is no such result, axis or value.
        """
        _checks.one_of(name, "name", tuple(self.values))
        index = [slice(None)] * len(self.axes)
        for axis, value in point.items():
            _checks.one_of(axis, "axis", tuple(self.axes))
            _checks.one_of(value, axis, self.axes[axis])
            index[list(self.axes).index(axis)] = self.axes[axis].index(value)
        return self.values[name][tuple(index)]


@dataclass(frozen=True)
class Progress:
    """What the callback of `run` is told after each point: points done so far (with those reused), of how many, and
    the last one's arguments and status."""

    done: int
    total: int
    point: dict
    status: int


def run(function, grid, *, fixed=None, keep=None, rng=None, workers=1, directory=None, callback=None):
    """Call a function at every point of a grid.

    Parameters
    ----------
    function : callable
        Called as ``function(**point, **fixed)``. It returns a number or array,
        a dict of them, or a dataclass, whose numbers, arrays and dicts of
        arrays are taken (as ``field`` and ``field.key``); shapes must be the
        same at all points. An error it raises is recorded, and the sweep goes on.
    grid : dict of str to sequence
        Values of each argument that varies: numbers, strings, booleans or None.
    fixed : dict, optional
        The other arguments.
    keep : sequence of str, optional
        Results to keep; the default is all.
    rng : None, int, SeedSequence or Generator
        If given, `function` also gets ``rng=Generator``, a stream of its own
        for every point, which depends on the point's arguments and not on the
        rest of the grid. None passes nothing: random functions then take a
        seed as an axis or in `fixed`.
    workers : int, executor or callable
        Processes, -1 for all cores; an executor with the ``submit`` of
        `concurrent.futures` (a pool, MPI's, a Dask client or its executor); or
        a map-like callable ``workers(func, iterable)``. Everything must pickle.
        A worker that dies takes no other's points with it; its own are tried
        once more in a new one. A `ProcessPoolExecutor` is broken by the first
        death: what was done is kept, the rest has status 3. A callable sees to
        that itself, and what it raises ends the sweep.
    directory : path-like, optional
        Each point is written there when it is done, by the process that ran
        it, so all workers must see it. Points found there are not run again.
        They are known by the function's name, by all arguments and by the
        stream, not by the function's code: take another directory when that changes.
    callback : callable, optional
        ``callback(intermediate_result=Progress)`` after every point; raising
        StopIteration ends the sweep; processes finish the points under way.

    Returns
    -------
    Sweep

    Raises
    ------
    ValueError
        If an argument is not as above, before the first point; or if points
        return different names or shapes.
    RuntimeError
        If every point raised or was lost; the message has the first error.

    Examples
    --------
    >>> from refimpl.linear_stability import simulate
    >>> fixed = {"hessians": [[1.0, 0.0], [0.0, 2.0]], "w0": [1.0, 1.0], "steps": 3, "rng": 0}
    >>> found = run(simulate, {"lr": [0.1, 0.5], "batch_size": [1, 2]}, fixed=fixed, keep=["w", "nit"])
    >>> found.values["w"].shape, found.take("nit", lr=0.5)
    ((2, 2, 2), array([3, 3]))
    """
    if not isinstance(fixed or {}, dict) or not (callback is None or callable(callback)):
        raise ValueError(f"fixed must be a dict and callback a function, got {str(fixed)[:40]} and {str(callback)[:40]}"
                         "; give the other arguments by name")
    axes, fixed = _grid(grid), dict(fixed or {})
    shared = (set(axes) & set(fixed)) | ({"rng"} & (set(axes) | set(fixed)) if rng is not None else set())
    if shared:
        raise ValueError(f"an argument must be given once, got {', '.join(sorted(shared))} in two places; drop one of "
                         "them")
    if not callable(function):
        raise ValueError(f"function must be callable, got {function!r}; give the function itself")
    shape = tuple(map(len, axes.values()))
    points = [dict(zip(axes, values)) for values in itertools.product(*axes.values())]
    seed = None if rng is None else streams(rng, 1)[0]
    known = None if directory is None else identity(function, fixed, seed)
    tasks = [Task(place, function, point, fixed, None if seed is None else stream(seed, point),
                  *stored(directory, known, point), None if keep is None else tuple(keep))
             for place, point in enumerate(points)]
    if directory is not None:
        Path(directory).mkdir(parents=True, exist_ok=True)
    if workers != 1:
        _must_pickle(tasks[0])
    outcomes, done = {}, 0
    found = {task.place: values for task in tasks if (values := load(task.path, task.key, task.keep)) is not None}
    outcomes.update({place: (COMPLETED, values, "") for place, values in found.items()})
    source = _source([task for task in tasks if task.place not in found], workers)
    try:
        for place, outcome in source:
            done += place not in outcomes
            outcomes[place] = outcome
            if callback is not None:
                callback(intermediate_result=Progress(len(outcomes), len(tasks), points[place], outcome[0]))
        lost = LOST, None, "workers gave back no result for it"
        outcomes.update({task.place: lost for task in tasks if task.place not in outcomes})
    except StopIteration:
        pass
    finally:
        if hasattr(source, "close"):
            source.close()
    return _assemble(axes, shape, outcomes, done, len(found))


def _grid(grid):
    if not isinstance(grid, Mapping) or not grid:
        raise ValueError(f"grid must be a dict of argument to values, got {grid!r}; name at least one argument")
    axes = {}
    for axis, values in grid.items():
        if isinstance(values, (str, bytes, Mapping)) or not hasattr(values, "__iter__"):
            raise ValueError(f"grid[{axis!r}] must be a sequence of values, got {values!r}; put it into a list, or "
                             "into fixed")
        values = tuple(value.item() if isinstance(value, np.generic) else value for value in values)
        wrong = [value for value in values if not (value is None or isinstance(value, (bool, int, float, str)))
                 or value != value]
        if wrong or not values or len(set(values)) < len(values):
            got = f"{wrong[0]!r}" if wrong else f"{values!r}"
            raise ValueError(f"grid[{axis!r}] must hold different numbers, strings, booleans or None, at least one, "
                             f"got {got}; give names or numbers and build what they stand for in the function")
        axes[str(axis)] = values
    return axes


def _must_pickle(task):
    try:
        pickle.dumps(task)
    except Exception as error:  # pickle raises many kinds
        raise ValueError(f"function and fixed must pickle for workers other than 1, got {error}; use a function "
                         "defined in a module, or workers=1") from None


def _source(tasks, workers):
    """(place, outcome) of the tasks as they are done."""
    if (found := executor(workers)) is not None:
        return submitted(tasks, found)
    if callable(workers):
        found = workers(attempt, tasks)
        if not hasattr(found, "__iter__"):
            raise ValueError(f"workers must give back the results, got {found!r}; give a map-like callable "
                             "workers(func, iterable)")
        return iter(found)
    return map(attempt, tasks) if count(workers) == 1 or not tasks else pooled(tasks, count(workers))


def _assemble(axes, shape, outcomes, nit, reused):
    total = int(np.prod(shape))
    status = np.array([outcomes[place][0] if place in outcomes else NOT_RUN for place in range(total)]).reshape(shape)
    errors = {tuple(int(i) for i in np.unravel_index(place, shape)): text
              for place, (_, _, text) in sorted(outcomes.items()) if text}
    good = {place: values for place, (_, values, _) in sorted(outcomes.items()) if values is not None}
    if errors and not good:
        first = next(iter(errors))
        raise RuntimeError(f"no point has a result; the first error, at {_at(axes, first)}: {errors[first]}")
    values = _stacked(good, total)
    counts = [f"{amount} {kind}" for kind, amount in zip(_KINDS, np.bincount(status.ravel(), minlength=4)) if amount]
    shaped = {name: whole.reshape(*shape, *whole.shape[1:]) for name, whole in values.items()}
    return Sweep(axes, shaped, status, status == COMPLETED, errors, nit, reused,
                 f"{total} points: {', '.join(counts)}; {reused} read from disk")


def _stacked(good, total):
    """{name: (total, …) array} of results {place: {name: array}}, NaN where there is none."""
    want = {name: value.shape for name, value in next(iter(good.values()), {}).items()}
    for found in good.values():
        got = {name: value.shape for name, value in found.items()}
        if got != want:
            raise ValueError(f"function must return the same names and shapes at all points, got {got} after {want}; "
                             "reduce them, or choose names with keep")
    stacks = {}
    for name, shape in want.items():
        whole = len(good) == total
        dtype = np.result_type(*(found[name].dtype for found in good.values()), *([] if whole else [np.float32]))
        stacks[name] = np.full((total, *shape), 0 if whole else np.nan, dtype)
        for place, found in good.items():
            stacks[name][place] = found[name]
    return stacks


def _at(axes, index):
    return ", ".join(f"{axis}={values[i]!r}" for (axis, values), i in zip(axes.items(), index))
