"""The parts of one running backend process, and how a route gets at them."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from demo import __version__, chapters
from demo.commands import KIND, EpisodeCommands
from demo.database import Database
from demo.guards import GuardedProvider, config_for
from demo.people import People
from demo.providers import make_providers
from demo.storage import measure_for
from demo.worker import Worker
from ops_client.client import OpsClient

SERVICE = "podcast-api"


@dataclass
class Backend:
    """Everything that routes share; made once a process by `make_backend`."""

    database: Database
    people: People
    worker: Worker
    chapters: chapters.ChapterMarks
    ops: OpsClient
    guarded: dict[str, GuardedProvider]

    def start(self) -> None:
        """Start what runs in the background. Needs no database to be there."""
        self.ops.start()
        self.database.open()
        self.worker.start()
        self.chapters.start()

    def stop(self) -> None:
        self.chapters.stop()
        self.worker.stop()
        self.database.close()
        self.ops.close()


def make_backend(conninfo: str, ops: OpsClient | None = None) -> Backend:
    """The parts of a backend on the database that `conninfo` names, not started yet; `ops` by default there too."""
    database = Database(conninfo)
    ops = ops or OpsClient(conninfo, service=SERVICE, version=__version__)
    worker = Worker(database)
    measure_for(ops, database)
    episodes = EpisodeCommands(database, worker)
    ops.operations.on_command(KIND, retry=episodes.retry)
    ops.operations.on_free_resources(KIND, episodes.free)
    guarded = {
        provider.name: GuardedProvider(provider, ops.breaker(provider.name, config_for(provider.name)))
        for provider in make_providers()
    }
    marks = chapters.ChapterMarks(database, ops.operations, guarded["assemblyai"])
    ops.operations.on_command(chapters.KIND, retry=marks.retry)
    return Backend(database, People(database), worker, marks, ops, guarded)


def _of_request(request: Request) -> Backend:
    backend: Backend = request.app.state.backend
    return backend


BackendHere = Annotated[Backend, Depends(_of_request)]
