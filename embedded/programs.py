"""The demo's programs, in the order in which they start."""

from collections.abc import Iterator

from embedded import paths
from embedded.ports import HOST
from embedded.process import Command
from embedded.surroundings import Surroundings

CELERY = ("-m", "celery", "-A", "ops_console")
UVICORN = ("-m", "uvicorn", "--host", HOST, "--no-access-log", "--timeout-graceful-shutdown", "3")
# One process, alone on its broker, has nobody to gossip with.
WORKER = ("worker", "--concurrency", "2", "--loglevel", "INFO", "--without-gossip", "--without-mingle")
BEAT = ("beat", "--pidfile", "", "--loglevel", "INFO")


def programs(surroundings: Surroundings, traffic: bool) -> Iterator[Command]:
    """Console, worker, beat, demo backend and, where wanted, its traffic; each as its own database role."""
    console = surroundings.of_role("ops_console")
    backend = surroundings.of_role("podcast_backend")
    schedule = str(paths.LOCAL / "beat-schedule")
    port, backend_port = str(surroundings.port), str(surroundings.backend_port)
    yield _python("web", console, *UVICORN, "--port", port, "ops_console.asgi:application")
    yield _python("backend", backend, *UVICORN, "--port", backend_port, "--factory", "demo.app:create_app")
    yield _python("worker", console, *CELERY, *WORKER)
    yield _python("beat", console, *CELERY, *BEAT, "--schedule", schedule)
    if traffic:
        yield _python("traffic", backend, "-m", "demo.traffic", "--backend", surroundings.backend_url)


def _python(name: str, environment: dict[str, str], *arguments: str) -> Command:
    return Command(
        name=name,
        arguments=[str(paths.python_of(paths.VENV)), *arguments],
        log=paths.LOG / f"{name}.log",
        environment=environment,
    )
