"""`manage.py serve`: the web process, started in the one way that the console's rules rely on."""

import signal
import sys
from argparse import ArgumentParser
from typing import Any

import uvicorn
from django.core.management.base import BaseCommand

# Open event streams would otherwise keep a stopping process for ever.
GRACEFUL_SECONDS = 3


class Command(BaseCommand):
    help = "Serve pages, the API and the event stream by uvicorn, in one process. Start several behind your proxy."
    # Some ask the database, and the web process starts and answers without one.
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
        parser.add_argument("--port", type=int, default=8000, help="the port to listen on (default: %(default)s)")
        parser.add_argument("--uds", metavar="PATH", help="a Unix socket to listen on instead")

    def handle(self, *args: Any, host: str, port: int, uds: str | None, **options: Any) -> None:
        # uvicorn raises the signal again once it has stopped; by default that ends Python without its exit handlers,
        # and the process could not record that it ended cleanly.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        uvicorn.run(
            "ops_console.asgi:application",
            host=host,
            port=port,
            uds=uds,
            # By default uvicorn believes X-Forwarded-For of 127.0.0.1. TRUSTED_PROXIES alone decides here.
            proxy_headers=False,
            server_header=False,
            access_log=False,
            log_config=None,
            lifespan="off",
            timeout_graceful_shutdown=GRACEFUL_SECONDS,
        )
