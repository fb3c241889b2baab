"""Command line of the figures: ``python -m figures --help``."""

import os
import sys


def main(words=None):
    """Run the command; the exit status is 0, 1 if something was judged and differs, 2 if it could not begin, 130 on
    Ctrl-C."""
    try:
        from theory._checks import standard_streams  # here, so that Ctrl-C is quiet while NumPy and matplotlib load

        standard_streams()
        from figures._command import run

        status = run(words)
        sys.stdout.flush()
        return status
    except ModuleNotFoundError as error:
        if error.name != "matplotlib":
            raise
        print("python -m figures: error: matplotlib is missing; install it with python -m pip install '.[figures]'",
              file=sys.stderr)
        return 2
    except OSError as error:  # of standard output
        print(f"python -m figures: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("python -m figures: interrupted before anything was drawn", file=sys.stderr)
        return 130


if __name__ == "__main__":
    os.environ["MPLBACKEND"] = "agg"    # no window is opened, and a backend that is not there ends nothing
    sys.exit(main())
