"""Follows the configuration: hears of a change or polls for it, reads it as of one moment, and swaps it in."""

import logging
import random
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from ops_client import lastgood
from ops_client.errors import CannotListen, StoreUnavailable
from ops_client.store import Row, Store
from ops_client.threads import SupervisedThread, ThreadSupervisor

logger = logging.getLogger("ops_client")
RETRY_SECONDS = 1.0
SLICE_SECONDS = 1.0


class Follower(Protocol):
    """A component that needs configuration: the statements it reads, and what it does with their rows."""

    statements: Sequence[str]

    def apply(self, tables: dict[str, list[Row]], revision: int) -> None:
        """Swap in the new configuration. Must not raise on invalid rows: they are reported."""

    def standing(self, source: str, reachable: bool) -> None:
        """Where the configuration in force comes from, and whether the database answered just now."""


class Sync:
    """The background thread and what it knows: the revision applied, and where it came from.

    `source` is `none` (nothing yet: callers get their defaults), `file` (last known good) or `database`. The token of a
    revision differs where another server counted to the same number, as after a failover.
    """

    def __init__(
        self,
        store: Store,
        followers: Sequence[Follower],
        *,
        snapshot_path: Path | None,
        poll_seconds: float,
        listen: bool,
        threads: ThreadSupervisor,
    ) -> None:
        self._store = store
        self._followers = followers
        self._path = snapshot_path
        self._poll_seconds = poll_seconds
        self._listen = listen
        self._stop = threading.Event()
        self._threads = threads
        self._thread = threads.add(SupervisedThread("ops-sync", self._run, self._stop))
        self._unsaved: lastgood.LastGood | None = None
        self._encoded: lastgood.Encoded = {}
        self.revision: int | None = None
        self.token: int | None = None
        self.source = "none"
        self.reachable = False

    def start(self) -> None:
        """Load once before returning (database, else file), then keep following in the background."""
        self._first_load()
        self._tell()
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(SLICE_SECONDS + 2)
        self._save()

    def refresh(self) -> bool:
        """Ask for the revision and load it if it is not the one applied. Raises StoreUnavailable."""
        current = self._store.fetch("revision")[0]
        self.reachable = True
        # Any difference: after a failover the number may be lower, or the same for other changes.
        if (current["revision"], current["token"]) == (self.revision, self.token) and self.source == "database":
            return False
        self._load()
        return True

    def _first_load(self) -> None:
        try:
            self.refresh()
        except StoreUnavailable as error:
            self._load_file(error)
        except Exception as error:
            # The backend's first call must be answered whatever the database returns; the thread tries again.
            logger.exception("ops_client: the configuration could not be read")
            self._load_file(error)

    def _load_file(self, reason: Exception) -> None:
        saved = lastgood.load(self._path) if self._path else None
        if saved is None:
            logger.error("ops_client: no database and no saved snapshot: defaults are answered. %s", reason)
            return
        logger.warning("ops_client: no database: revision %s comes from %s.", saved.revision, self._path)
        with suppress(Exception):  # logged by `_apply`; the first question must be answered
            self._apply(saved.tables, saved.revision, None, "file")

    def _load(self) -> None:
        names = [name for follower in self._followers for name in follower.statements]
        tables = self._store.snapshot(["revision", *names])
        current = tables.pop("revision")[0]
        revision = int(current["revision"])
        self._apply(tables, revision, int(current["token"]), "database")
        self._unsaved = lastgood.LastGood(revision, tables)

    def _save(self) -> None:
        """Keep what is in force on disk: later, since the first question waits for the load."""
        unsaved, self._unsaved = self._unsaved, None
        if self._path and unsaved is not None:
            lastgood.save(self._path, unsaved, self._encoded)

    def _apply(self, tables: dict[str, list[Row]], revision: int, token: int | None, source: str) -> None:
        failure: Exception | None = None
        for follower in self._followers:
            try:
                follower.apply({name: tables.get(name, []) for name in follower.statements}, revision)
            except Exception as error:
                # The others follow; the revision is not reported as applied, and is loaded again.
                logger.exception("ops_client: %s could not apply revision %s", type(follower).__name__, revision)
                failure = error
        if failure is not None:
            raise failure
        self.revision, self.token, self.source = revision, token, source

    def _run(self) -> None:
        while not self._stop.is_set():
            self._threads.ensure()
            try:
                self._save()
                heard = self._wait()
                if not self._stop.is_set():
                    missed = self.refresh() and not heard
                    self._tell()
                    if missed and self._listen:
                        self._listen_anew()
            except StoreUnavailable as error:
                self._note_away(error)
                self._tell()
                self._stop.wait(RETRY_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311 - spreads retries, no secret
            except Exception:
                logger.exception("ops_client: following the configuration failed; it goes on with what it has")
                self._stop.wait(RETRY_SECONDS)

    def _wait(self) -> bool:
        """Wait for a change, no longer than until the next poll; False where none was heard of."""
        # Polls of many processes must not fall on one moment.
        seconds = self._poll_seconds * random.uniform(0.75, 1.25)  # noqa: S311
        if self._listen:
            return self._listen_or_sleep(seconds)
        self._stop.wait(seconds)
        return False

    def _listen_or_sleep(self, seconds: float) -> bool:
        try:
            until = time.monotonic() + seconds
            # In slices, so that closing the client does not wait for the next poll.
            while not self._stop.is_set() and (left := until - time.monotonic()) > 0:
                if self._store.wait_for_revision(min(left, SLICE_SECONDS)):
                    return True
            return False
        except CannotListen as error:
            logger.info("ops_client: %s Changes are polled for every %g s.", error, self._poll_seconds)
            self._listen = False
            self._stop.wait(seconds)
            return False
        except StoreUnavailable as error:
            # The poll that follows shows whether the database is unreachable or only this connection was cut.
            logger.info("ops_client: %s", error)
            self._stop.wait(min(seconds, RETRY_SECONDS))
            return True  # lost and noticed: it is made anew by itself

    def _listen_anew(self) -> None:
        """A poll found what listening had not: that connection may be dead without having been closed."""
        logger.info("ops_client: revision %s was polled and not heard; listening anew.", self.revision)
        self._store.listen_anew()

    def _note_away(self, error: StoreUnavailable) -> None:
        if self.reachable:
            logger.warning("ops_client: %s Revision %s stays in force.", error, self.revision)
        self.reachable = False

    def _tell(self) -> None:
        for follower in self._followers:
            try:
                follower.standing(self.source, self.reachable)
            except Exception:
                logger.exception("ops_client: %s does not know the store's state", type(follower).__name__)

    def status(self) -> dict[str, Any]:
        """For health pages and the instance report. `stale`: there may be newer configuration than what is in force."""
        stale = self.source != "database" or not self.reachable
        known = {"revision": self.revision, "source": self.source, "reachable": self.reachable, "stale": stale}
        return {**known, "listening": self._listen}
