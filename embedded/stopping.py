"""Turns the signals that mean 'stop' into one exception, so that everything is stopped on the way out."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from embedded.errors import Stopped

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def stop_signals() -> Iterator[None]:
    """Raise Stopped at the first stop signal and ignore later ones: the stopping is bounded in time."""
    before = {number: signal.signal(number, _stop) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(signal_number: int, _frame: FrameType | None) -> None:
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise Stopped(signal_number)
