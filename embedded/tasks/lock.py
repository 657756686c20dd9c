"""`dev.py lock`: compile the *.in files into hashed locks."""

import argparse

from embedded import environment


def run(_arguments: argparse.Namespace) -> int:
    """Compile all locks."""
    environment.compile_locks()
    return 0
