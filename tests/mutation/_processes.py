"""A fault in a living process: functions take changed code, modules are imported with it."""

import importlib.abc
import importlib.machinery
import importlib.util
import os
import pickle
import resource
import signal
import sys
import tempfile
import time
import traceback
import types
from pathlib import Path

from tests.mutation._faults import ROOT

WALL = 900    # seconds of one fault, after which it is taken for caught: a child that waits for ever
MEMORY = 8 * 2**30   # bytes that a child may ask for: a fault that takes all there is would end other processes
BROKEN = 77   # exit status of a child in which the tool itself fails
OPTIONAL = ("torch", "jax", "numba", "sklearn", "pyhessian", "curvlinops", "distributed")   # tests do without them


def codes(code):
    """A code object and those inside it, outermost first."""
    yield code
    for each in code.co_consts:
        if isinstance(each, types.CodeType):
            yield from codes(each)


def exchanges(old, new):
    """{code object: changed code object}, or None if the two are not built alike."""
    pairs = list(zip(codes(old), codes(new)))
    alike = len(pairs) == len(list(codes(old))) == len(list(codes(new))) and all(
        (one.co_qualname, one.co_freevars) == (other.co_qualname, other.co_freevars) for one, other in pairs)
    return {one: other for one, other in pairs if one != other} if alike else None


def exchange(functions, old, new):
    """Give living functions the changed code; how many took it."""
    changed = exchanges(old, new)
    if changed is None:
        raise RuntimeError("the changed module is built otherwise; its functions cannot be exchanged one by one")
    taken = [function for function in functions if function.__code__ in changed]
    for function in taken:
        function.__code__ = changed[function.__code__]
    return len(taken)


class Changed(importlib.abc.MetaPathFinder):
    """Imports one module of the project with a fault in it."""

    def __init__(self, path, tree):
        self.name = ".".join(Path(path).with_suffix("").parts).removesuffix(".__init__")
        self.path, self.tree = str(ROOT / path), tree

    def find_spec(self, name, path=None, target=None):
        """The spec of the changed module; None for all others."""
        if name != self.name:
            return None
        loader = importlib.machinery.SourceFileLoader(name, self.path)
        loader.get_code = lambda fullname: compile(self.tree, self.path, "exec", dont_inherit=True)
        return importlib.util.spec_from_file_location(name, self.path, loader=loader)


class Absent(importlib.abc.MetaPathFinder):
    """Other frameworks are not there: what they alone would notice is not counted, and their import costs seconds."""

    def find_spec(self, name, path=None, target=None):
        """Raises for the optional frameworks; None for all others."""
        if name in OPTIONAL:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def forked(work, wall=WALL):
    """(exit status, what `work` returned) of a call in a child process group; the result is None where it died."""
    with tempfile.NamedTemporaryFile() as file:
        child = os.fork()
        if child == 0:
            try:
                os.setpgid(0, 0)
                resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
                _leave(file.name, work(lambda value: _leave(file.name, value)))
            except BaseException:
                traceback.print_exc(file=sys.__stderr__)
            os._exit(BROKEN)
        late = time.monotonic() + wall
        done, status = 0, 0
        while not done:
            time.sleep(0.02)
            done, status = os.waitpid(child, os.WNOHANG)
            if not done and time.monotonic() > late:
                os.kill(child, signal.SIGKILL)
        try:
            os.killpg(child, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
        written = Path(file.name).read_bytes()
        if os.WIFEXITED(status) and os.WEXITSTATUS(status) == BROKEN:
            raise RuntimeError("the tool itself has failed in a child; see above")
    return status, pickle.loads(written) if written else None


def _leave(name, value):
    Path(name).write_bytes(pickle.dumps(value))
    os._exit(0)
