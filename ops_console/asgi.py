"""The ASGI application that serves pages, the API and the event stream."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ops_console.settings")

application = get_asgi_application()

from ops_console.contract.presence import Presence  # noqa: E402 - needs the settings to be set up

Presence("web").start()
