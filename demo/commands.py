"""What operators command from the console, done here: an episode's assembly again, or its leavings freed."""

import logging
from pathlib import PurePosixPath

from demo.assembly import NotOurs, NotThere, start_again
from demo.database import Database
from demo.files import OutsideOfStorage, audio_folder, free, working_file
from demo.meta import CannotAssemble
from demo.worker import Worker
from ops_client.operations import CommandRejected, FreeCommand, RetryCommand

log = logging.getLogger(__name__)
KIND = "episode_assembly"
FAILED = "SELECT status::text, final_audio_path, user_id::text FROM public.episode WHERE id = %(id)s::uuid"


class EpisodeCommands:
    """Handlers for the kind `episode_assembly`. A command may come twice, and then does nothing more."""

    def __init__(self, database: Database, worker: Worker) -> None:
        self._database = database
        self._worker = worker

    def retry(self, command: RetryCommand) -> None:
        """Give the episode to the worker: the same row again, never a new one. The job's id is made of the episode's id
        and the command's version, so a second delivery of the same command finds its job there and changes nothing.

        Raises CommandRejected for a row that cannot be retried, and DatabaseAway, after which the command comes again.
        A 402 is a CommandRejected too: see `chapters.ChapterMarks.retry`.
        """
        try:
            job = start_again(self._database, command.operation_id, command.version, command.payload)
        except NotThere as error:
            raise CommandRejected("id", str(error)) from error
        except CannotAssemble as error:
            raise CommandRejected(error.field, str(error)) from error
        except NotOurs as error:
            raise CommandRejected("status", str(error)) from error
        if job is not None:
            self._worker.take(job)

    def free(self, command: FreeCommand) -> None:
        """Remove an episode's working files; a finished recording stays. Raises CommandRejected, DatabaseAway."""
        rows = self._database.fetch(FAILED, {"id": command.operation_id})
        if not rows:
            raise CommandRejected("id", "The episode is gone, and nothing says whose files these are.")
        row = rows[0]
        if row["status"] not in ("error", "failed"):
            raise CommandRejected("status", f"The episode is {row['status']} by now: its files are in use.")
        kept = frozenset({PurePosixPath(row["final_audio_path"]).name} if row["final_audio_path"] else ())
        freed = free(audio_folder(row["user_id"], command.operation_id), kept)
        if name := command.resources.get("working_audio_name"):
            freed += self._free_working(name)
        log.info("freed %d files of episode %s", freed, command.operation_id)

    def _free_working(self, name: str) -> int:
        try:
            return free(working_file(name))
        except OutsideOfStorage as error:
            raise CommandRejected("working_audio_name", str(error)) from error
