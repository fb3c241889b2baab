"""``python -m refimpl export DIR``: write golden vectors for other languages."""

import argparse
import sys

from refimpl.testing import export_vectors, models


def main(words=None):
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m refimpl", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    export = commands.add_parser("export", help="write the cases of refimpl.testing as JSON and npz files")
    export.add_argument("directory", help="a new or empty directory, or one written by an earlier export")
    export.add_argument("--model", action="append", choices=models(), help="only this model (may be given again)")
    options = parser.parse_args(words)
    try:
        manifest = export_vectors(options.directory, options.model)
    except (ValueError, OSError) as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    sys.stdout.write(f"{manifest}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
