"""A thread pool of the quotas' own for asynchronous callers: asyncio's default pool is small and shared."""

import asyncio
import functools
import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import ParamSpec, TypeVar

from ops_client.errors import OpsError

logger = logging.getLogger("ops_client")

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

    async def run_to_end(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """The same for what must happen even if the caller is cancelled meanwhile: it is still run."""
        call = functools.partial(copy_context().run, function, *args, **kwargs)
        return await asyncio.shield(asyncio.wrap_future(self._executor.submit(call)))

    async def acquire(
        self, undo: Callable[[R], object], function: Callable[P, R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """The same for what holds something: if the caller is cancelled, `undo` gets what it would have got."""
        call = functools.partial(copy_context().run, function, *args, **kwargs)
        future = self._executor.submit(call)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            future.add_done_callback(lambda done: self._undo(undo, done))
            raise

    def _undo(self, undo: Callable[[R], object], done: "Future[R]") -> None:
        if not done.cancelled() and done.exception() is None:
            self._executor.submit(_logged, undo, done.result())

    def start(self, function: Callable[[], object]) -> None:
        """Run something without waiting for it; it must not raise."""
        self._executor.submit(function)


def _logged(undo: Callable[[R], object], result: R) -> None:
    try:
        undo(result)
    except OpsError as error:
        logger.warning("ops_client: what a cancelled call held stays until it runs out: %s", error)
