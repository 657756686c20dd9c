"""Mail to people of the console."""

import logging
from datetime import timedelta

from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.utils import timezone

from ops_console import mail
from ops_console.access.models import User

logger = logging.getLogger(__name__)


def send_link(user: User, url: str, expires_in: timedelta) -> bool:
    """Mail somebody their link. False when it could not be sent: then it must be handed over another way."""
    if not mail.is_delivered():
        return False
    values = {"user": user, "url": url, "expires_at": timezone.now() + expires_in, "environment": settings.ENVIRONMENT}
    subject = f"Your way into the Ops Console ({settings.ENVIRONMENT})"
    try:
        return bool(send_mail(subject, render_to_string("access/link_mail.txt", values), None, [user.email]))
    except OSError as error:  # SMTP's errors are OSErrors too
        logger.warning("A link could not be mailed: %s", type(error).__name__)
        return False
