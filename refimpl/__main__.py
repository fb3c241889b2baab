"""``python -m refimpl models | template | check | export``: the conformance kit from the command line."""

import sys


def main(words=None):
    """Run the command line, see `refimpl.testing._command_line`; 130 on Ctrl-C."""
    try:
        from refimpl.testing._command_line import main as run  # here, so that Ctrl-C is quiet while NumPy loads

        return run(words)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return 130


if __name__ == "__main__":
    sys.exit(main())
