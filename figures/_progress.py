"""What is said while figures are drawn: a line that moves on a terminal; start and end of each figure otherwise."""

import shutil
import sys
import time
from collections import Counter


class Progress:
    """Elapsed and expected time of the figures in `seconds`, {name: expected seconds}, on so many workers."""

    interval = 0.5  # seconds between two looks

    def __init__(self, seconds, workers):
        self.seconds, self.begun, self.running, self.done = seconds, time.monotonic(), {}, 0
        self.expected = max(sum(seconds.values()) / workers, *seconds.values(), 0.0) if seconds else 0.0
        self.live = sys.stderr.isatty()

    def say(self, line):
        """A line that stays."""
        self.clear()
        print(line, flush=True)

    def clear(self):
        """Take the moving line away."""
        if self.live:
            print("\r\033[K", end="", file=sys.stderr, flush=True)

    def started(self, name):
        """A figure is being drawn from now on."""
        self.running[name] = time.monotonic()
        if not self.live:
            self.say(f"{name}: started (expected {self.seconds[name]:g} s)")

    def seconds_of(self, name):
        """For how long it has been drawn."""
        return time.monotonic() - self.running[name]

    def show(self):
        """Bring the moving line up to date."""
        if self.live and self.running:
            names = ", ".join(f"{name} {self.seconds_of(name):.0f}/{self.seconds[name]:.0f} s" for name in self.running)
            line = (f"{self.done} of {len(self.seconds)} figures, {time.monotonic() - self.begun:.0f} s of about "
                    f"{self.expected:.0f} s; drawing {names}")
            print(f"\r\033[K{line[:shutil.get_terminal_size().columns - 1]}", end="", file=sys.stderr, flush=True)

    def finished(self, outcome):
        """A figure is done; says how long it took and how its rows stand."""
        self.done += 1
        self.running.pop(outcome.name, None)
        rows = ", ".join(f"{count} {verdict}" for verdict, count in sorted(Counter(outcome.verdicts).items()))
        self.say(f"{outcome.name}: {outcome.seconds:.1f} s (expected {self.seconds[outcome.name]:g}), "
                 f"{f'not drawn: {outcome.error}' if outcome.error else rows or 'no rows'}")
