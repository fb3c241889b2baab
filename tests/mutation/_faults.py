"""Where a fault may be planted, and which are drawn."""

import ast
import copy
import random
from dataclasses import dataclass
from pathlib import Path

from tests.testing._variants import changes, of_arguments

ROOT = Path(__file__).parents[2]
DRAWINGS = ("_plot.py",)


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
        if isinstance(getattr(node, "test", None), ast.Constant):   # or the compiler would leave out the other branch
            node.test = ast.Call(ast.Name("bool", ast.Load()), [node.test], [])
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
