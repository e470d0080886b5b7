"""``python -m benchloom`` is the command ``loom``."""

import sys

from benchloom.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
