"""The tool that plants faults: where it plants them, and that a living function takes them."""

import ast

from tests.mutation import _faults, _processes

SOURCE = '''
SIZE = 3

def scaled(x, *, by: int = 2):
    """Twice."""
    if x < 0:
        raise ValueError(f"x must be at least {0}, got {x - 1}")
    return (
        by * x
    )

def total(values):
    if values:
        return sum(scaled(value) for value in values)
    return 0
'''


def test_faults_are_planted_in_what_computes_and_not_in_what_is_said():
    found = [(node.lineno, type(node).__name__, room) for _, node, _, room in _faults.sites(ast.parse(SOURCE))]
    assert found == [(2, "Constant", ""), (4, "Constant", ""), (6, "If", "scaled"), (6, "Compare", "scaled"),
                     (6, "Constant", "scaled"), (9, "BinOp", "scaled"), (13, "If", "total"), (14, "Call", "total"),
                     (15, "Constant", "total")]


def test_a_living_function_takes_the_fault_and_only_it():
    """Also one that another function holds by name. The null: the code as it is changes nothing."""
    tree, scope = ast.parse(SOURCE), {}
    code = compile(tree, "made", "exec")
    exec(code, scope)
    number = next(number for number, node, _, _ in _faults.sites(tree) if isinstance(node, ast.BinOp))
    fault = _faults.Fault("made", number, 0, 9, "scaled", "Mult → Add", "")
    living = [scope["scaled"], scope["total"]]
    assert _processes.exchange(living, code, compile(SOURCE, "made", "exec")) == 0 and scope["total"]([1, 5]) == 12
    assert _processes.exchange(living, code, compile(fault.tree(tree), "made", "exec")) == 1
    assert scope["total"]([1, 5]) == 10
    number = [number for number, node, _, _ in _faults.sites(tree) if isinstance(node, ast.If)][1]
    never = _faults.Fault("made", number, 1, 13, "total", "condition always false", "")    # the sum is still compiled
    assert _processes.exchange(living, code, compile(never.tree(tree), "made", "exec")) == 1
    assert scope["total"]([1, 5]) == 0 and "by * x" in ast.unparse(tree)


def test_a_draw_is_the_same_again_and_reaches_both_roles():
    faults, places = _faults.draw("images", 40, seed=1)
    assert faults == _faults.draw("images", 40, seed=1)[0] != _faults.draw("images", 40, seed=2)[0]
    assert len({(fault.path, fault.number) for fault, _ in faults}) == 40 < places
    assert {fault.path.split("/")[0] for fault, _ in faults} == {"theory", "refimpl"}
    assert all(fault.line in lines or fault.line > lines[-1] for fault, lines in faults)
