"""Threads for asynchronous callers, of the quotas' own: asyncio's default ones are few, and everybody's."""

import asyncio
import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import ParamSpec, TypeVar

# More wait at once than connections are there for; the rest of the time goes into the callers' own look-ups.
MOST_THREADS = 16
P = ParamSpec("P")
R = TypeVar("R")


class Threads:
    """Runs blocking calls beside an event loop. A thread starts when it is first needed."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(MOST_THREADS, thread_name_prefix="ops-quotas")

    async def run(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """The function's answer; it runs in a copy of the caller's context."""
        call = functools.partial(copy_context().run, function, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._executor, call)

    def start(self, function: Callable[[], object]) -> None:
        """Run something that nobody waits for; it must not raise."""
        self._executor.submit(function)
