"""`dev.py lock`: compile requirements*.in into the hashed locks."""

import argparse

from embedded import environment


def run(_arguments: argparse.Namespace) -> int:
    """Compile both locks."""
    environment.compile_locks()
    return 0
