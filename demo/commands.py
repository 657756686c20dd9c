"""What operators command from the console, done here: an episode's assembly again."""

from demo.assembly import NotOurs, NotThere, start_again
from demo.database import Database
from demo.meta import CannotAssemble
from demo.worker import Worker
from ops_client.operations import CommandRejected, RetryCommand

KIND = "episode_assembly"


class EpisodeCommands:
    """Handlers for the kind `episode_assembly`. A command may come twice, and then does nothing more."""

    def __init__(self, database: Database, worker: Worker) -> None:
        self._database = database
        self._worker = worker

    def retry(self, command: RetryCommand) -> None:
        """Give the episode to the worker. Raises CommandRejected for a row that cannot be, DatabaseAway."""
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
