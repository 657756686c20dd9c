"""What a person sees while things start."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


def say(text: str) -> None:
    """Print one line at once, so that progress shows in pipes and logs too."""
    print(text, flush=True)


@contextmanager
def step(title: str) -> Iterator[None]:
    """Show a step's title when it begins and its seconds when it is done."""
    began_at = time.monotonic()
    print(f"  {title} ... ", end="", flush=True)
    try:
        yield
    except BaseException:
        print("failed", flush=True)
        raise
    print(f"{time.monotonic() - began_at:.1f} s", flush=True)


class Counter:
    """A count that rewrites itself in a terminal, and shows every twentieth where there is none."""

    def __init__(self, total: int) -> None:
        self.total, self.count = total, 0
        self.in_terminal = sys.stdout.isatty()

    def advance(self) -> None:
        """Count one more and show it."""
        self.count = min(self.count + 1, self.total)
        text = f"{self.count} of {self.total}"
        if self.in_terminal:
            print(text + "\b" * len(text), end="", flush=True)
        elif self.count % 20 == 0:
            print(text, end=" ... ", flush=True)
