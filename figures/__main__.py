"""Command line of the figures: ``python -m figures --help``."""

import sys


def main(words=None):
    """Run the command; the exit status is 0, 1 if something was judged and differs, 2 if it could not begin, 130 on
    Ctrl-C."""
    try:
        from figures._command import run  # here, so that Ctrl-C is quiet while NumPy and matplotlib load

        return run(words)
    except ModuleNotFoundError as error:
        if error.name != "matplotlib":
            raise
        print("python -m figures: error: matplotlib is missing; install it with python -m pip install '.[figures]'",
              file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader, head or less, has seen enough; what was to be drawn is not
        sys.stderr.close()
        return 1
    except KeyboardInterrupt:
        print("python -m figures: interrupted before anything was drawn", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
