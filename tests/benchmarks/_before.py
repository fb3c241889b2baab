"""An earlier state of the repository as one more contender: its own rows, by name, in a process of its own."""

import pickle
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

BEFORE = "before"
_SERVER = """
import importlib, pickle, sys
from time import process_time
sys.modules.update(torch=None, jax=None, numba=None)    # contenders of its rows that nobody asks for
answers, sys.stdout = sys.stdout.buffer, sys.stderr
rows, function = {}, None
for module in sys.argv[1:]:
    for rows_of in importlib.import_module("tests.benchmarks." + module).BENCHMARKS.values():
        rows.update((row.name, row) for row in rows_of())
while sys.stdin.buffer.peek(1):            # until the other side has gone
    name, size = pickle.load(sys.stdin.buffer)
    if name is None:
        began = process_time()
        function()
        answer = process_time() - began
    else:
        function = answer = None
        if name in rows:
            made = rows[name].make() if size is None else rows[name].make(size)
            function = made if callable(made) else next(iter(made.values()))
            answer = function()
    pickle.dump((function is not None, answer), answers)
    answers.flush()
"""


@dataclass(frozen=True)
class Remote:
    """A function in the other process: `answer` is what its first call returned there."""

    state: object
    answer: object

    def __call__(self):
        return self.answer

    def seconds(self):
        """Seconds of the processor of one more call."""
        return self.state.ask(None)[1]


class State:
    """A checkout in `directory`, of whose `tests.benchmarks` these modules are read."""

    def __init__(self, directory, modules):
        self.directory = Path(directory)
        self.process = subprocess.Popen([sys.executable, "-c", _SERVER, *modules], cwd=directory,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, name, size=None):
        """(whether there is such a row, what its first call returned), or of None the seconds of another call."""
        pickle.dump((name, size), self.process.stdin)
        self.process.stdin.flush()
        return pickle.load(self.process.stdout)

    def contender(self, name, size=None):
        """{BEFORE: its function} of the row of that name, empty where it has none."""
        found, answer = self.ask(name, size)
        return {BEFORE: Remote(self, answer)} if found else {}

    def name(self):
        """Its commit and day, or what its directory is called."""
        done = subprocess.run(["git", "log", "-1", "--format=%h of %as"], cwd=self.directory, capture_output=True,
                              text=True, check=False)
        return done.stdout.strip() or self.directory.name
