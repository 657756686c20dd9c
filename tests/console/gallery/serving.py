"""The console on a real ASGI server in a thread: the test client and live_server cannot stream."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.asgi import get_asgi_application
from django.db import connection

from tests.waiting import until


@contextmanager
def served() -> Iterator[str]:
    """The address of a server on a free port, for as long as the block lasts."""
    app = ASGIStaticFilesHandler(get_asgi_application())
    config = uvicorn.Config(app, port=0, log_config=None, lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        until(lambda: server.started)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        # A request that was cut off by the stop never gives its connection back.
        connection.close()
        connection.close_pool()
