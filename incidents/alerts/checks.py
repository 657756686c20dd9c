"""What `manage.py check --deploy` says about the channels of alerts."""

from typing import Any

from django.core.checks import CheckMessage, Error


def check_channels(**_: Any) -> list[CheckMessage]:
    """Addresses are not quoted: they hold secrets."""
    # Importing apprise takes longer than most commands.
    from incidents.alerts.channels import unreadable

    hint = "Compare its scheme and its parts with apprise's list of services; a comma in it is written %2C."
    return [
        Error(f"The address number {number} of ALERT_CHANNELS cannot be read.", hint=hint, id="alerts.E001")
        for number in unreadable()
    ]
