"""Waiting for what takes its time, without sleeping for luck."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(condition: Callable[[], T], seconds: float = 10, message: str = "") -> T:
    """Ask until the answer is true and return it. Raises AssertionError with the message when time is up."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"{message or condition} (after {seconds:g} s; last answer: {answer!r})")
        time.sleep(0.02)
