"""Single-fault variants of a source, made by machine: one operator, comparison, constant, name or branch changed."""

import ast
import copy
from dataclasses import dataclass

NEUTRAL = {"_constant_0": 0, "_constant_1": 1}    # names that a name is turned into, so that a node keeps its class
_OPERATORS = {ast.Add: (ast.Sub, ast.Mult), ast.Sub: (ast.Add,), ast.Mult: (ast.Add, ast.Div), ast.Div: (ast.Mult,),
              ast.Pow: (ast.Mult,), ast.Mod: (ast.FloorDiv,)}
_COMPARED = {ast.Gt: (ast.GtE, ast.Lt), ast.Lt: (ast.LtE, ast.Gt), ast.LtE: (ast.Lt, ast.Gt), ast.GtE: (ast.Gt, ast.Lt),
             ast.Eq: (ast.NotEq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,)}


@dataclass(frozen=True)
class Variant:
    """Where a variant differs from its source: a top-level node, a node within it, which of its changes."""

    place: int
    number: int
    change: int
    room: tuple    # (name of the top-level node, name of its method or "")
    line: int
    what: str

    def tree(self, source):
        """The syntax tree of the variant; what is not changed is shared with that of the source."""
        body = list(source.body)
        body[self.place] = copy.deepcopy(body[self.place])
        node = next(each for k, each in enumerate(ast.walk(body[self.place])) if k == self.number)
        list(changes(node, *_names(body[self.place])))[self.change][1](node)
        return ast.fix_missing_locations(ast.Module(body, []))


def variants(source):
    """Every single-fault `Variant` of the functions, classes and tables (dicts) of a syntax tree."""
    for place, top in enumerate(source.body):
        table = isinstance(top, ast.Assign) and isinstance(top.value, ast.Dict)
        if not table and not isinstance(top, (ast.ClassDef, ast.FunctionDef)):
            continue
        names = _names(top)
        for number, node in enumerate(ast.walk(top)):
            line = getattr(node, "lineno", top.lineno)
            for k, (what, _) in enumerate(changes(node, *names)):
                yield Variant(place, number, k, room_of(source, line), line, what)


def room_of(source, line):
    """(name of the top-level node, name of its method or "") that a line is in."""
    for top in source.body:
        if top.lineno <= line <= top.end_lineno:
            for part in top.body if isinstance(top, ast.ClassDef) else ():
                if part.lineno <= line <= part.end_lineno:
                    return name_of(top), name_of(part)
            return name_of(top), ""
    return "", ""


def name_of(node):
    if isinstance(node, ast.Assign):
        return getattr(node.targets[0], "id", "")
    return getattr(node, "name", "")


def _names(top):
    """Names that may be taken for each other: arguments anywhere in a node, attributes of self."""
    arguments = {each.arg for part in ast.walk(top) if isinstance(part, (ast.FunctionDef, ast.Lambda))
                 for each in (*part.args.args, *part.args.kwonlyargs)} - {"self"}
    stored = {part.attr for part in ast.walk(top) if isinstance(part, ast.Attribute) and _is_own(part)
              and isinstance(part.ctx, ast.Store)}
    return sorted(arguments), sorted(stored)


def _is_own(node):
    return isinstance(node.value, ast.Name) and node.value.id == "self"


def changes(node, names, stored):
    """(what is changed, function that changes a node like this one in place)."""
    if isinstance(node, (ast.BinOp, ast.AugAssign)):
        for other in _OPERATORS.get(type(node.op), ()):
            yield f"{type(node.op).__name__} → {other.__name__}", lambda n, other=other: setattr(n, "op", other())
    if isinstance(node, ast.BinOp):
        neutral = 0 if isinstance(node.op, (ast.Add, ast.Sub)) else 1
        for side in ("left", "right"):
            yield f"{side} operand dropped", lambda n, side=side: setattr(n, side, ast.Constant(neutral))
    if isinstance(node, ast.BoolOp):
        other = ast.Or if isinstance(node.op, ast.And) else ast.And
        yield f"{type(node.op).__name__} → {other.__name__}", lambda n: setattr(n, "op", other())
        for k in range(len(node.values)):
            yield f"condition {k} dropped", lambda n, k=k: n.values.__setitem__(
                k, ast.Constant(isinstance(n.op, ast.And)))
    if isinstance(node, ast.Compare):
        for k, operator in enumerate(node.ops):
            for other in _COMPARED.get(type(operator), ()):
                yield f"{type(operator).__name__} → {other.__name__}", lambda n, k=k, other=other: n.ops.__setitem__(
                    k, other())
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        for value in dict.fromkeys((node.value + 1, node.value - 1, 2 * node.value, node.value / 2)):
            whole = int(value) if isinstance(node.value, int) and value == int(value) else value
            if whole != node.value:
                yield f"{node.value} → {whole}", lambda n, whole=whole: setattr(n, "value", whole)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield "sign dropped", lambda n: setattr(n, "op", ast.UAdd())
    yield from _of_names(node, names, stored)
    yield from _of_branches(node)


def _of_names(node, names, stored):
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in names:
        for other in (*names, *NEUTRAL):
            if other != node.id:
                yield f"{node.id} → {other.removeprefix('_constant_')}", lambda n, other=other: setattr(n, "id", other)
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and _is_own(node) and node.attr in stored:
        for other in stored:
            if other != node.attr:
                yield f"self.{node.attr} → self.{other}", lambda n, other=other: setattr(n, "attr", other)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "zip" and len(node.args) == 2:
        yield "zip exchanged", lambda n: n.args.reverse()
    if isinstance(node, ast.Slice):
        for end in ("lower", "upper", "step"):
            if getattr(node, end) is not None:
                yield f"{end} end dropped", lambda n, end=end: setattr(n, end, None)


def _of_branches(node):
    if isinstance(node, ast.IfExp):
        yield "branches exchanged", _exchange
    if isinstance(node, (ast.IfExp, ast.If)):
        yield "condition always true", lambda n: setattr(n, "test", ast.Constant(True))
        yield "condition always false", lambda n: setattr(n, "test", ast.Constant(False))


def _exchange(node):
    node.body, node.orelse = node.orelse, node.body


_EXCHANGED = {"mean": "sum", "sum": "mean", "max": "min", "min": "max", "maximum": "minimum", "minimum": "maximum",
              "any": "all", "all": "any", "floor": "ceil", "ceil": "floor", "zeros": "ones", "ones": "zeros",
              "sin": "cos", "cos": "sin", "expm1": "exp", "log1p": "log", "argmax": "argmin", "argmin": "argmax"}
_SYMMETRIC = ("max", "min", "maximum", "minimum", "hypot", "add", "multiply")


def of_arguments(node):
    """Changes of calls and of the order of operands: neighbours exchanged, mean for sum, largest for smallest."""
    if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) not in _SYMMETRIC:
        starred = any(isinstance(each, ast.Starred) for each in node.args)
        for k in range(0 if starred else len(node.args) - 1):
            yield f"arguments {k} and {k + 1} exchanged", lambda n, k=k: n.args.__setitem__(
                slice(k, k + 2), n.args[k:k + 2][::-1])
    if isinstance(node, ast.Call) and isinstance(node.func, (ast.Attribute, ast.Name)):
        name = "attr" if isinstance(node.func, ast.Attribute) else "id"
        if getattr(node.func, name) in _EXCHANGED:
            other = _EXCHANGED[getattr(node.func, name)]
            yield f"{getattr(node.func, name)} → {other}", lambda n: setattr(n.func, name, other)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "not dropped", lambda n: setattr(n, "op", ast.UAdd())
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Sub, ast.Div, ast.MatMult, ast.Pow)) and (
            ast.dump(node.left) != ast.dump(node.right)):
        yield "operands exchanged", lambda n: n.__dict__.update(left=n.right, right=n.left)
