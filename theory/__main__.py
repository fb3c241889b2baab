"""Command line of the predictions: ``python -m theory --help``."""

import argparse
import importlib
import sys

# Each command is a module with `add_arguments(parser)` and `run(options)`, which returns the exit status; only the one
# that is asked for is imported.
COMMANDS = {
    "stability": ("theory.linear_stability._command", "is a minimum stable for SGD at this rate and batch size?"),
    "claims": ("theory.claims._command", "what became of the claims of the sources: a line each, or one in full"),
}


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong."""

    def error(self, message):
        self.exit(2, f"{self.prog}: error: {message}\n")


def main(words=None):
    """Run the command; the exit status is 0, 1 if something was judged and failed, 2 if it could not begin."""
    words = sys.argv[1:] if words is None else list(words)
    try:
        return _run(words)
    except KeyboardInterrupt:
        return 130


def _run(words):
    from theory._checks import standard_streams  # here, so that Ctrl-C is quiet while NumPy loads

    standard_streams()
    parser = _Parser(prog="python -m theory", description="Predictions at the prompt.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    modules = {}
    for name, (module, words_of_help) in COMMANDS.items():
        command = commands.add_parser(name, help=words_of_help, description=words_of_help)
        if name in words[:1]:
            modules[name] = importlib.import_module(module)
            modules[name].add_arguments(command)
    options = parser.parse_args(words)
    try:
        status = modules[options.command].run(options)
        sys.stdout.flush()
        return status
    except (ValueError, RuntimeError, MemoryError, OSError) as error:
        print(f"{parser.prog} {options.command}: error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
