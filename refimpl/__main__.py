"""``python -m refimpl models | template | check | export``: the conformance kit from the command line."""

import sys

from refimpl.testing._command_line import main

if __name__ == "__main__":
    sys.exit(main())
