"""From the report to files: pictures and numbers beside it, functions and tests where they are."""

import inspect
import os
import re
from functools import cached_property
from pathlib import Path

TESTS = Path(__file__).parent.parent.parent / "tests"


class Links:
    """Links from a report in `directory`."""

    def __init__(self, directory):
        self.directory = directory

    def files(self, name):
        """Links to the files beside the report that are there."""
        there = [suffix for suffix in ("png", "svg", "npz", "json") if (self.directory / f"{name}.{suffix}").exists()]
        return "".join(f'<a href="{name}.{suffix}">{suffix}</a> · ' for suffix in there)

    def function(self, claim):
        """The function that computes the claim, linked to its file."""
        formula = inspect.unwrap(claim.formula)
        return self._link(Path(inspect.getsourcefile(formula)), claim.function)

    def test(self, claim):
        """The test that shows the claim, linked to its file where the tests are here."""
        name = claim.test.split("::")[-1]
        path = self._tests.get(name)
        return self._link(path, claim.test) if path else f"<code>{claim.test}</code>"

    @cached_property
    def _tests(self):
        """{test function: its file}."""
        return {name: path for path in sorted(TESTS.rglob("test_*.py"))
                for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), flags=re.MULTILINE)}

    def _link(self, path, words):
        try:
            target = Path(os.path.relpath(path.resolve(), self.directory.resolve())).as_posix()
        except ValueError:  # on another drive
            return f"<code>{words}</code>"
        return f'<a href="{target}"><code>{words}</code></a>'
