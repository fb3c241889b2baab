"""Plant one small fault at a time in a study's `theory` and `refimpl`, and see whether its tests notice.

    OPENBLAS_NUM_THREADS=1 python -m tests.mutation STUDY [--faults 150] [--seed 0] [--json OUT]

A place is drawn among all operators, constants, comparisons, signs, conditions and arguments of the study, then
one of its changes (messages, annotations and drawings are left out). Nothing is written: one process collects
the tests; for each fault it forks, and the child exchanges the code of the function and runs the tests that
execute the changed statement, cheapest first, until one fails. A fault in what runs at import (a default, a
constant of a module) is imported into a fresh process instead. The tests of a study are those of its folder, and
of the shared files `SHARED`. A statement that no test executes is a hole without a run; a test that takes ten
times its own time, and ten seconds, has caught the fault.
"""

import argparse
import ast
import copy
import gc
import importlib.abc
import importlib.machinery
import json
import os
import pickle
import random
import signal
import sys
import tempfile
import time
import traceback
import types
import zlib
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pytest

from tests.testing._variants import changes, of_arguments

ROOT = Path(__file__).parent.parent
SHARED = ("tests/reference/test_reference.py", "tests/test_arguments.py", "tests/test_laws.py")
DRAWINGS = ("_plot.py",)
BROKEN = 77     # exit status of a child in which the tool itself fails
OPTIONAL = ("torch", "jax", "numba", "sklearn", "pyhessian", "curvlinops", "distributed")   # tests do without them
OFTEN = 3000    # events of one function and test, after which its lines are known
WALL = 900    # seconds of one fault, after which it is taken for caught: a child that waits for ever


@dataclass(frozen=True)
class Fault:
    """One change of one node of a file, and how it went."""

    path: str
    number: int    # of the node in ast.walk
    change: int
    line: int
    room: str      # function that the node is in, "" at import
    what: str
    text: str      # first line of the statement
    status: str = ""    # caught, survived, not executed
    by: str = ""
    seconds: float = 0.0

    def tree(self, source):
        """The syntax tree with the fault in it."""
        tree = copy.deepcopy(source)
        node = next(each for k, each in enumerate(ast.walk(tree)) if k == self.number)
        _changes(node)[self.change][1](node)
        return ast.fix_missing_locations(tree)


def _changes(node):
    return [*changes(node, (), ()), *of_arguments(node)]


def files(study, root=ROOT):
    """The modules of a study, relative to the root."""
    found = [path for top in ("theory", "refimpl") for path in (
        *(root / top / study).rglob("*.py"), *(root / top).glob(f"{study}.py"))]
    return sorted(str(path.relative_to(root)) for path in found if path.name not in DRAWINGS)


def names_of(study, root=ROOT):
    """The study's name and those of its classes, by which a shared test says that it is about them."""
    return {study} | {node.name for path in files(study, root) for node in ast.parse(
        (root / path).read_text(encoding="utf-8")).body if isinstance(node, ast.ClassDef)}


def _is_exact(name):
    """Of the laws of models only those of values: the others are slow and about arguments."""
    return "test_law[" not in name or "derivative" in name


def sites(source):
    """(number, node, statement, name of the innermost function or "") of every node that a fault may change."""
    numbers = {id(node): k for k, node in enumerate(ast.walk(source))}

    def walk(node, statement, room):
        statement = node if isinstance(node, ast.stmt) else statement
        if isinstance(node, (ast.JoinedStr, ast.Raise)) or _is_message(node):
            return
        if _changes(node):
            yield numbers[id(node)], node, statement, room
        for field, value in ast.iter_fields(node):
            inner = room
            if field in ("annotation", "returns", "decorator_list"):
                continue
            if field == "body" and isinstance(node, (ast.FunctionDef, ast.Lambda)):
                inner = getattr(node, "name", room or "lambda")
            for each in value if isinstance(value, list) else [value]:
                if isinstance(each, ast.AST):
                    yield from walk(each, statement, inner)

    yield from walk(source, None, "")


def _is_message(node):
    """A warning, or a list of public names."""
    if isinstance(node, ast.Call):
        return getattr(node.func, "attr", getattr(node.func, "id", "")) in ("warn", "publish", "ValueError")
    return isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__"


def extent(statement):
    """Lines that a tracer reports while a statement's own expressions are evaluated."""
    inner = [part.lineno for part in getattr(statement, "body", ()) if isinstance(part, ast.stmt)]
    return range(statement.lineno, max(min(inner, default=statement.end_lineno + 1), statement.lineno + 1))


def draw(study, count, seed, root=ROOT):
    """`count` faults: places without repetition, one change each."""
    found = []
    for path in files(study, root):
        text = (root / path).read_text(encoding="utf-8")
        tree, lines = ast.parse(text), text.split("\n")
        found += [(path, *site, lines[site[2].lineno - 1].strip()) for site in sites(tree)]
    chance, faults = random.Random(seed), []
    chance.shuffle(found)
    for path, number, node, statement, room, text in found[:count]:
        change = chance.randrange(len(_changes(node)))
        faults.append((Fault(path, number, change, node.lineno, room, _changes(node)[change][0], text),
                       extent(statement)))
    return faults, len(found)


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
    changed = exchanges(old, new) or {}
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


class Tests:
    """A plugin of pytest that takes the loop over: measures each test once, then tries the faults."""

    def __init__(self, paths, job):
        self.paths, self.job, self.lines, self.often, self.failed = paths, job, set(), {}, None

    def watch(self, frame, event, _):
        """A tracer of the study's own lines; what has run often in a test is left alone, for speed."""
        code = frame.f_code
        if code.co_filename not in self.paths or code.co_name == "<module>":
            return None
        self.lines.add((code.co_filename, frame.f_lineno))
        self.often[code] = self.often.get(code, 0) + 1
        return self.watch if self.often[code] < OFTEN else None

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self):
        """A failing example is not made smaller: that it fails is enough."""
        import hypothesis
        hypothesis.settings.register_profile(
            "mutation", parent=hypothesis.settings.get_profile("house"), report_multiple_bugs=False,
            phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate))
        hypothesis.settings.load_profile("mutation")

    def pytest_runtest_logreport(self, report):
        if report.failed and self.failed is not None:
            self.failed(report.nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session):
        """Called with the tests collected."""
        session.config.get_terminal_writer()._file = open(os.devnull, "w")
        self.job(self, session.items)
        return True

    def measured(self, item):
        """(seconds of CPU, lines of the study that it executes) of one test run by itself."""
        def work(leave):
            self.failed, self.lines = (lambda test: leave((float("nan"), set()))), set()
            self.often.clear()
            begun = time.process_time()
            sys.settrace(self.watch)
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
            sys.settrace(None)
            return time.process_time() - begun, self.lines
        return forked(work)[1] or (float("nan"), set())


def tried(plugin, chosen, seconds, change):
    """("survived" or "caught", by what) of a fault that `change()` plants, by the chosen tests in their order."""
    def work(leave):
        plugin.failed = lambda test: leave(("caught", test))
        change()
        for item, following in zip(chosen, [*chosen[1:], None]):
            signal.setitimer(signal.ITIMER_PROF, 10 + 10 * seconds[item])
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        signal.setitimer(signal.ITIMER_PROF, 0)
        return "survived", f"{len(chosen)} tests"
    status, found = forked(work)
    return found or ("caught", f"end of the process, signal {os.WTERMSIG(status)}")


def measured(plugin, items, options):
    """{test: (seconds, lines)}; kept between runs for as long as neither the study nor the test's file changes."""
    study = "".join((ROOT / path).read_text(encoding="utf-8") for path in files(options.study))
    keys = {item: (item.nodeid, zlib.crc32((study + item.path.read_text(encoding="utf-8")).encode())) for item in items}
    kept = pickle.loads(options.measures.read_bytes()) if options.measures and options.measures.exists() else {}
    fresh = {key: kept.get(key) or plugin.measured(item) for item, key in keys.items()}
    if options.measures:
        options.measures.write_bytes(pickle.dumps(fresh))
    return {item: fresh[key] for item, key in keys.items()}


def main(words=None):
    """Draw, try, write, and say the share."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("study")
    parser.add_argument("--faults", type=int, default=150)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="leave out so many of the faults drawn")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--measures", type=Path, help="file that keeps what each test executes, for the next run")
    options = parser.parse_args(words)
    faults, places = draw(options.study, options.faults, options.seed)
    faults = faults[options.first:]
    sys.meta_path.insert(0, Absent())
    import hypothesis, matplotlib.pyplot, scipy.integrate, scipy.optimize, scipy.stats  # noqa: E401, F401  (before forks)
    done, later = [], []

    def report(fault, status, by, begun):
        done.append(replace(fault, status=status, by=by, seconds=round(time.monotonic() - begun, 2)))
        if options.json:
            options.json.write_text(json.dumps({"study": options.study, "seed": options.seed, "places": places,
                                                "faults": [asdict(each) for each in done]}, indent=1))

    def job(plugin, items):
        sys.settrace(None)
        imported, named = plugin.lines, names_of(options.study)
        items = [item for item in items if f"tests/{options.study}/" in item.nodeid
                 or any(name in item.nodeid for name in named) and _is_exact(item.nodeid)]
        measures = measured(plugin, items, options)
        seconds = {item: each[0] for item, each in measures.items() if each[0] == each[0]}
        sys.stderr.write(f"{options.study}: {places} places, {len(seconds)} tests of {sum(seconds.values()):.0f} s, "
                         f"not usable: {[item.nodeid for item in items if item not in seconds]}\n")
        living = [each for each in gc.get_objects() if isinstance(each, types.FunctionType)]
        for fault, lines in faults:
            begun, name = time.monotonic(), str(ROOT / fault.path)
            own = {(name, line) for line in lines}
            mirror = f"test_{Path(fault.path).stem.removeprefix('_')}.py"
            order = sorted(seconds, key=lambda item: seconds[item] * (0.2 if item.path.name == mirror else 1))
            chosen = [item for item in order if own & measures[item][1]]
            source = ast.parse(Path(name).read_text(encoding="utf-8"))
            if fault.room and not own & imported:
                if not chosen:
                    report(fault, "not executed", "", begun)
                    continue
                taken = []

                def change():
                    tree = fault.tree(source)
                    sys.meta_path.insert(0, Changed(fault.path, tree))
                    taken.append(exchange([each for each in living if each.__code__.co_filename == name],
                                          compile(source, name, "exec"), compile(tree, name, "exec")))
                report(fault, *tried(plugin, chosen, seconds, change), begun)
            else:
                study = sorted(order, key=lambda item: item not in chosen)   # what calls it, then all of the study
                later.append((fault, [item.nodeid for item in study], sum(seconds.values())))
        return done, later

    def first(leave):
        plugin = Tests({str(ROOT / path) for path in files(options.study)},
                       lambda plugin, items: leave(job(plugin, items)))
        sys.settrace(plugin.watch)
        pytest.main(ARGUMENTS + [f"tests/{options.study}", *SHARED], plugins=[plugin])

    done, later = forked(first, wall=1e9)[1]
    for fault, names, total in later:
        begun = time.monotonic()

        def fresh(leave):
            def run(plugin, items):
                plugin.failed = lambda test: leave(("caught", test))
                signal.setitimer(signal.ITIMER_PROF, 30 + 10 * total)
                for item, following in zip(items, [*items[1:], None]):
                    item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                leave(("survived", f"{len(items)} tests, imported anew"))
            sys.meta_path.insert(0, Changed(fault.path, fault.tree(ast.parse((ROOT / fault.path).read_text(
                encoding="utf-8")))))
            pytest.main(ARGUMENTS + names, plugins=[Tests(set(), run)])
            return "caught", "cannot be imported"
        status, found = forked(fresh)
        report(fault, *(found or ("caught", f"end of the process, signal {status}")), begun)
    counts = {status: sum(each.status == status for each in done) for status in ("caught", "survived", "not executed")}
    sys.stdout.write(f"{options.study}: {len(done)} faults, {counts}\n")
    for each in done:
        if each.status != "caught":
            sys.stdout.write(f"  {each.status}: {each.path}:{each.line} {each.room}: {each.what}: {each.text}\n")


ARGUMENTS = ["-q", "-x", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning"]

if __name__ == "__main__":
    sys.exit(main())
