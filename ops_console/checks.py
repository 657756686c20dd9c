"""What `manage.py check --deploy` says about settings that work, but not as a deployment needs them."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register

from ops_console import mail
from ops_console.beat import file_fault


@register(Tags.security, deploy=True)
def mail_server(**_: Any) -> list[CheckMessage]:
    """Alerts, invitations and notices to users are mail."""
    if mail.is_delivered():
        return []
    hint = "Set EMAIL_URL, e.g. smtp+tls://USER:PASSWORD@HOST:587. Until then alerts by mail are recorded as failed."
    return [Warning(mail.NOT_DELIVERED, hint=hint, id="ops_console.W001")]


@register(Tags.security, deploy=True)
def beat_file(**_: Any) -> list[CheckMessage]:
    """The directory of beat's file, as this machine sees it."""
    fault = file_fault(settings.CELERY_BEAT_SCHEDULE_FILENAME)
    return [Warning(fault, hint="It concerns the host of beat alone.", id="ops_console.W002")] if fault else []
