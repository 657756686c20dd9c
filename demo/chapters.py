"""Finds chapter marks of recordings: work that the backend tracks, so that the console sees it live."""

import logging
import random
import tempfile
import threading
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from demo.database import Database, DatabaseAway
from demo.guards import GuardedProvider
from demo.providers import ProviderError
from ops_client.errors import FallbackExhausted
from ops_client.operations import CommandRejected, OperationLost, RetryCommand
from ops_client.operations.client import OperationsClient

log = logging.getLogger(__name__)

KIND = "chapter_marks"
PIECES = 6
# A piece takes from, to; now and then the whole takes longer than it is expected to, and shows as slow.
PIECE_SECONDS = (0.5, 4.0)
EXPECTED_SECONDS = 14.0
PAUSE_SECONDS = 5.0
RECENT = """
SELECT e.id::text AS episode_id, e.title, e.user_id::text AS user_id, u.tier
FROM public.episode AS e JOIN public."user" AS u ON u.id = e.user_id
WHERE e.status = 'processed' ORDER BY e.processed_at DESC LIMIT 50
"""


class Interrupted(Exception):
    """The process ends before the work does."""


@dataclass(frozen=True)
class Wanted:
    """Marks to find; `version` where an operator asked for them again."""

    id: str
    about: dict[str, Any]
    version: int | None = None


class ChapterMarks:
    """A thread that takes up recordings by itself, and first of all what operators retry."""

    def __init__(
        self,
        database: Database,
        operations: OperationsClient,
        provider: GuardedProvider,
        seconds: tuple[float, float] = PIECE_SECONDS,
    ) -> None:
        self._database = database
        self._operations = operations
        self._provider = provider
        self._seconds = seconds
        self._retried: deque[Wanted] = deque()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="chapter-marks", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def retry(self, command: RetryCommand) -> None:
        """The console's command: again, under the same id. A second time with one version is refused by `track`.

        Raises CommandRejected where the provider answers 402: repeating does not pay the account.
        """
        try:
            self._provider.provider.require_paid()
        except ProviderError as error:
            raise CommandRejected("account", f"{error}: the account has no credit left. Pay, then retry.") from error
        about = dict(command.payload)
        self._retried.append(Wanted(command.operation_id, about, command.version))

    def find(self, wanted: Wanted) -> None:
        """Find all marks of one recording. Raises FallbackExhausted, Interrupted, OperationLost."""
        about = wanted.about
        with self._operations.track(
            KIND,
            wanted.id,
            owner_id=about.get("user_id", ""),
            title=f"Chapters of {about.get('title', wanted.id)}",
            tier=about.get("tier", ""),
            payload=about,
            providers=[self._provider.provider.name],
            expected_seconds=EXPECTED_SECONDS,
            dead_after_seconds=30,
            version=wanted.version,
        ) as operation:
            draft = Path(tempfile.gettempdir()) / f"{wanted.id}.chapters"
            operation.temporary(draft.as_uri(), lambda _: draft.unlink(missing_ok=True))
            for piece in range(PIECES):
                operation.progress(piece / PIECES, f"piece {piece + 1} of {PIECES}")
                draft.write_text(f"{self._provider.ask().value}\n")
                self._rest(random.uniform(*self._seconds))

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._one()
            except (FallbackExhausted, OperationLost, Interrupted, DatabaseAway) as error:
                log.info("no chapter marks: %s", error)
            self._stop.wait(PAUSE_SECONDS)

    def _one(self) -> None:
        if self._retried:
            self.find(self._retried.popleft())
        elif rows := self._database.fetch(RECENT):
            self.find(Wanted(uuid4().hex, dict(random.choice(rows))))

    def _rest(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise Interrupted("The backend was stopped.")
