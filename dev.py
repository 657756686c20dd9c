#!/usr/bin/env python3
"""One entry for people and CI: `dev.py demo | test | check | bench | ...`. Standard library only."""

import sys

# Before anything else is imported: the other files hold syntax that an older Python cannot read.
if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit("Ops Console needs Python 3.11 or newer, and this is %d.%d." % sys.version_info[:2])  # noqa: UP031

from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from embedded.cli import main

if __name__ == "__main__":
    sys.exit(main())
