"""The conformance kit as a study: its cases are made once for all tests, and anew where a fault lies in making them.

Which test happens to make the cases of a model first says nothing about the tests that rest on them. The kit is
imported by the tests alone, watched: what runs then cannot be exchanged.
"""

import importlib
import sys

STANDING = ("test_cases.py", "test_vectors.py")   # of all models, beside those that name the model


def cases_made(plugin):
    """{model: lines of the kit that make its cases}; from then on they are there."""
    kit, found = importlib.import_module("refimpl.testing._cases"), {}
    for model in kit.MODELS:
        forget_cases()
        plugin.lines, plugin.often = set(), {}
        sys.settrace(plugin.watch)
        kit.shared(model)
        sys.settrace(None)
        found[model] = plugin.lines
    for model in kit.MODELS:
        kit.required(model)
    return found


def forget_cases():
    """Whoever asks for cases next makes them."""
    kit, tolerances = (importlib.import_module(f"refimpl.testing.{name}") for name in ("_cases", "_tolerances"))
    for each in (kit.shared, kit.required, *vars(tolerances).values()):
        if hasattr(each, "cache_clear"):
            each.cache_clear()


def of_models(order, near, models):
    """Tests of cases of these models, the digests of their inputs first; planted mistakes last."""
    def rank(item):
        return "test_inputs_are" not in item.nodeid, "test_planted" in item.nodeid, item not in near

    def concerned(item):
        if any(f"[{model}" in item.nodeid for model in models):
            return True
        return "test_inputs_are" not in item.nodeid and (item in near or item.path.name in STANDING)

    return sorted(filter(concerned, order), key=rank)
