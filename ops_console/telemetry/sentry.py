"""The console's own errors go to Sentry where SENTRY_DSN names one."""

import logging
from typing import Any

from django.conf import settings

from ops_client.errors import OpsError
from ops_client.telemetry.sentry import start_sentry

logger = logging.getLogger(__name__)


def start(transport: Any = None) -> bool:
    """Start the tracker; False when none is named, or when it could not start: the console runs either way."""
    try:
        return start_sentry(
            settings.SENTRY_DSN,
            service="ops-console",
            version=settings.VERSION,
            environment=settings.ENVIRONMENT,
            transport=transport,
        )
    except OpsError as error:
        logger.error("Errors are not sent to Sentry. %s", error.message)
        return False
