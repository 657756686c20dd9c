"""Where alerts go: the addresses of ALERT_CHANNELS, in apprise's form, and our own `people://` for mail to people.

Addresses hold secrets: they stand in the environment alone, and what is kept or shown is apprise's private form.
"""

from functools import cache
from typing import Any

import apprise
from apprise.decorators import notify
from django.conf import settings
from django.core.mail import EmailMessage

from ops_console import mail
from ops_console.access.models import User
from ops_console.access.roles import Role


@notify(on="people", name="Mail to operators and admins")
def _mail(body: str, title: str, *_: Any, **__: Any) -> bool:
    """Every active operator and admin with an address, by Django's own mail settings."""
    active = User.objects.filter(is_active=True, role__in=[Role.OPERATOR, Role.ADMIN]).exclude(email="")
    addresses = list(active.order_by("pk").values_list("email", flat=True))
    # One mail with hidden copies: it goes to all or is tried again for all.
    return bool(addresses and EmailMessage(title, body, bcc=addresses).send())


@cache
def _plugins(addresses: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(apprise.Apprise.instantiate(address, suppress_exceptions=True) for address in addresses)


def channels() -> list[str]:
    """Every channel as it may be shown; one that cannot be read says so by its number."""
    return [_shown(number, plugin) for number, plugin in enumerate(_plugins(tuple(settings.ALERT_CHANNELS)), 1)]


def unreadable() -> list[int]:
    """The numbers of channels whose addresses cannot be read."""
    return [number for number, plugin in enumerate(_plugins(tuple(settings.ALERT_CHANNELS)), 1) if plugin is None]


class Undeliverable(Exception):
    """A channel cannot deliver as it is configured: trying again changes nothing. The text may be shown."""


def send(number: int, title: str, body: str) -> bool:
    """Send through a channel; False when it did not take the message, or is not there any more.

    Raises Undeliverable for mail without a mail server.
    """
    plugins = _plugins(tuple(settings.ALERT_CHANNELS))
    if not 1 <= number <= len(plugins) or plugins[number - 1] is None:
        return False
    if _is_people(plugins[number - 1]) and not mail.is_delivered():
        raise Undeliverable(mail.NOT_DELIVERED)
    return bool(plugins[number - 1].notify(title=title, body=body))


def _shown(number: int, plugin: Any) -> str:
    if plugin is None:
        return f"channel {number}: its address cannot be read"
    if _is_people(plugin):
        return "mail to operators and admins"
    return f"{plugin.service_name}: {plugin.url(privacy=True).split('?')[0]}"[:300]


def _is_people(plugin: Any) -> bool:
    return bool(plugin.url(privacy=True).startswith("people://"))
