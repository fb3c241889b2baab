"""Standard output and error of a command: what can happen to them is no fault of what is computed."""

import io
import os
import sys


class _Stream(io.TextIOWrapper):
    """A stream whose reader may leave, as head does: what is not read is dropped, and the status stays that of the
    work."""

    def write(self, text):
        self._unless_broken(super().write, text)
        return len(text)

    def flush(self):
        self._unless_broken(super().flush)

    def _unless_broken(self, do, *given):
        try:
            do(*given)
        except OSError as error:
            with open(os.devnull, "wb") as nothing:  # for what is left in buffers, also at the end
                os.dup2(nothing.fileno(), self.fileno())
            if not isinstance(error, BrokenPipeError):
                raise


def standard_streams():
    """Make standard output and error, where they are those of the process, take whatever a command says.

    One that is closed swallows it, one whose reader leaves too; what its encoding lacks is written as an escape.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))
        elif stream is getattr(sys, f"__{name}__") and isinstance(stream, io.TextIOWrapper):
            options = {key: getattr(stream, key) for key in ("encoding", "line_buffering", "write_through")}
            setattr(sys, name, _Stream(stream.detach(), errors="backslashreplace", **options))
