"""Run the command line as ``python -m miden``."""

import sys

from miden.cli import main

if __name__ == "__main__":
    sys.exit(main())
