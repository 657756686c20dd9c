"""The one error that `dev.py` shows without a traceback."""


class StartError(Exception):
    """Something is missing or in the way; the message says what, and what to do about it."""


class Stopped(BaseException):
    """A stop signal arrived. Not an Exception, so that no broad handler swallows it."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal_number)
        self.signal_number = signal_number
