"""The demo's programs and what they are started with."""

from collections.abc import Iterator

from embedded import paths
from embedded.ports import HOST
from embedded.process import Command
from embedded.surroundings import Surroundings

CELERY = ("-m", "celery", "-A", "ops_console")
CONSOLE = (str(paths.ROOT / "manage.py"), "serve")
BACKEND = ("-m", "uvicorn", "--no-access-log", "--timeout-graceful-shutdown", "3", "--factory", "demo.app:create_app")
# Workers have nothing to tell each other; without it they come back more surely when their broker does.
ALONE = ("--without-gossip", "--without-mingle", "--without-heartbeat")
WORKER = ("worker", "--concurrency", "2", "--loglevel", "INFO", *ALONE)
BEAT = ("beat", "--pidfile", "", "--loglevel", "INFO")


def served(surroundings: Surroundings) -> Iterator[tuple[Command, int]]:
    """The console and the demo backend, each as its own database role, with their ports."""
    for name, role, port, server in (
        ("web", "ops_console", surroundings.port, CONSOLE),
        ("backend", "podcast_backend", surroundings.backend_port, BACKEND),
    ):
        yield _python(name, surroundings.of_role(role), *server, "--host", HOST, "--port", str(port)), port


def background(surroundings: Surroundings, traffic: bool) -> Iterator[Command]:
    """The console's worker and beat and, where wanted, the demo backend's traffic."""
    console, backend = surroundings.of_role("ops_console"), surroundings.of_role("podcast_backend")
    yield _python("worker", console, *CELERY, *WORKER)
    yield _python("beat", console, *CELERY, *BEAT, "--schedule", str(paths.LOCAL / "beat-schedule"))
    if traffic:
        yield _python("traffic", backend, "-m", "demo.traffic", "--backend", surroundings.backend_url)


def _python(name: str, environment: dict[str, str], *arguments: str) -> Command:
    return Command(
        name=name,
        arguments=[str(paths.python_of(paths.VENV)), *arguments],
        log=paths.LOG / f"{name}.log",
        environment=environment,
    )
