"""What is wrong with the settings of this app, found before the first request."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning, register
from sentry_sdk.utils import BadDsn, Dsn


@register()
def sentry_address(**_: Any) -> list[CheckMessage]:
    """A tracker that was asked for and cannot start is worse than none: nobody looks for its silence."""
    if not settings.SENTRY_DSN:
        return []
    try:
        Dsn(settings.SENTRY_DSN)
    except BadDsn as error:
        hint = "It reads https://KEY@HOST/PROJECT; leave it empty to send no errors."
        return [Warning(f"SENTRY_DSN cannot be read: {error}", hint=hint, id="telemetry.W001")]
    return []
