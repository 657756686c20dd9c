"""Many callers at one moment."""

import threading

from ops_client.breaker.breaker import Breaker
from ops_client.errors import BreakerOpen


def through_at_once(breaker: Breaker, callers: int = 20) -> int:
    """How many of so many callers at once get through, all of them inside before any ends."""
    gate, release = threading.Barrier(callers + 1), threading.Event()
    through: list[int] = []
    refused = threading.Semaphore(0)

    def call() -> None:
        gate.wait()
        try:
            with breaker:
                through.append(1)
                refused.release()
                release.wait(10)
        except BreakerOpen:
            refused.release()

    threads = [threading.Thread(target=call) for _ in range(callers)]
    for thread in threads:
        thread.start()
    gate.wait()
    for _ in range(callers):
        assert refused.acquire(timeout=10)
    release.set()
    for thread in threads:
        thread.join()
    return len(through)
