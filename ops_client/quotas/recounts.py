"""Measuring what is really stored, when the console asks: nightly for everybody, or one user now."""

import logging
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice

from ops_client.batches import write_each
from ops_client.errors import InvalidInput, StoreRefused, StoreUnavailable
from ops_client.store import Row, Store
from ops_client.text import replace_unstorable

logger = logging.getLogger("ops_client")
BATCH = 1_000

# Given a user's id, what that user has stored; given None, what everybody has. Users that are left out have nothing.
Measure = Callable[[str | None], Mapping[str, int] | Iterable[tuple[str, int]]]


class Recounts:
    """The functions that can measure, by resource, and the work of one request at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._measures: dict[str, Measure] = {}
        self._holder = uuid.uuid4()

    def again(self) -> "Recounts":
        """The same measures in a child process, with nothing of the parent's work."""
        child = Recounts()
        child._measures = self._measures
        return child

    def add(self, resource: str, measure: Measure) -> None:
        """Raises InvalidInput where the resource has a measure already."""
        if resource in self._measures:
            raise InvalidInput("resource", f"{resource} is measured already in this process")
        self._measures = {**self._measures, resource: measure}

    @property
    def measurable(self) -> list[str]:
        return sorted(self._measures)

    def look(self, store: Store) -> None:
        """Claim a request that waits and answer it on a thread of its own. Raises StoreUnavailable."""
        if not self._measures or self._lock.locked():
            return
        for request in store.fetch("quota_claim_recount", measurable=self.measurable, holder=self._holder):
            threading.Thread(target=self._work, args=(store, request), name="ops-recount", daemon=True).start()

    def _work(self, store: Store, request: Row) -> None:
        with self._lock:
            try:
                self._answer(store, request)
            except (StoreUnavailable, StoreRefused) as error:
                logger.warning("ops_client: %s is measured again later: %s", request["resource"], error)

    def _answer(self, store: Store, request: Row) -> None:
        failure = ""
        try:
            found = self._measures[request["resource"]](request["user_id"] or None)
            refused = sum(self._write(store, request, batch) for batch in _batches(found, request["user_id"]))
            if refused:
                failure = f"The database could not store what {refused:,} users have; the log of the backend says why."
        except StoreUnavailable:
            raise
        except BaseException as error:
            # The backend's own function failed; the console says how, and nothing follows from half a measuring.
            logger.exception("ops_client: %s could not be measured", request["resource"])
            failure = str(replace_unstorable(f"{type(error).__name__}: {error}"))[:500]
        store.fetch("quota_finish_recount", id=request["id"], holder=self._holder, failure=failure)

    def _write(self, store: Store, request: Row, batch: list[tuple[str, int]]) -> int:
        def write(few: Sequence[tuple[str, int]]) -> None:
            users, totals = [user for user, _ in few], [total for _, total in few]
            store.fetch("quota_measured", id=request["id"], holder=self._holder, users=users, totals=totals)

        return write_each(batch, write, f"measured users of {request['resource']}")


def _batches(found: Mapping[str, int] | Iterable[tuple[str, int]], only_user: str) -> Iterator[list[tuple[str, int]]]:
    pairs = iter(found.items() if isinstance(found, Mapping) else found)
    wanted = ((str(user), int(total)) for user, total in pairs if only_user in ("", str(user)))
    while batch := list(islice(wanted, BATCH)):
        yield batch
