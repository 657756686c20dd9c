"""Whether mail leaves the console at all."""

from django.conf import settings

# These write mail where nobody receives it: the first of them to standard output.
_NOWHERE = ("django.core.mail.backends.console.EmailBackend", "django.core.mail.backends.dummy.EmailBackend")
NOT_DELIVERED = "EMAIL_URL names no mail server: mail is not delivered."


def is_delivered() -> bool:
    """False without a mail server. What was not delivered must not be recorded as sent."""
    return settings.EMAIL_BACKEND not in _NOWHERE
