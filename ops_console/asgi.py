"""The ASGI application that serves pages, the API and the event stream."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ops_console.settings")

_console = get_asgi_application()

from ops_console.contract import watchdog  # noqa: E402 - needs the settings to be set up
from ops_console.contract.presence import Presence  # noqa: E402 - as above
from ops_console.heap import settle  # noqa: E402 - as above
from ops_console.live.application import prepared  # noqa: E402 - as above
from ops_console.logs import log_uncaught  # noqa: E402 - as above
from ops_console.web.body_limit import limited  # noqa: E402 - as above

application = prepared(limited(_console))

log_uncaught()
settle()
Presence("web").start()
watchdog.start()
