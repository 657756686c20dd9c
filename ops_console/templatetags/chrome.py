"""The frame round every page: rail, environment, toasts."""

from typing import Any

from django import template
from django.contrib.messages import get_messages
from django.http import HttpRequest
from django.template import Context

from ops_console.live.application import stream_url
from ops_console.web.assets import bundle_urls
from ops_console.web.markup import address_if_any
from ops_console.web.navigation import Link, rail
from ops_console.web.toasts import Toast, from_message

register = template.Library()
_COLOURS = {"production": "red", "prod": "red", "staging": "amber", "demo": "green", "development": "green"}


@register.simple_tag(takes_context=True)
def navigation(context: Context) -> list[tuple[str, list[Link]]]:
    """The rail's groups for whoever is signed in."""
    request: HttpRequest = context["request"]
    return rail(request)


@register.simple_tag(takes_context=True)
def theme(context: Context) -> str:
    """light or dark as chosen in this browser; "" follows the system."""
    chosen: str = context["request"].COOKIES.get("theme", "")
    return chosen if chosen in ("light", "dark") else ""


@register.filter
def environment_colour(name: str) -> str:
    """The class of an environment's colour; an environment of another name is violet."""
    return f"env-{_COLOURS.get(str(name).lower(), 'violet')}"


@register.simple_tag(takes_context=True)
def notices(context: Context) -> list[Toast]:
    """The toasts that the last response left for this page."""
    return [from_message(message) for message in get_messages(context["request"])]


@register.simple_tag
def address(name: str, *args: Any) -> str:
    """The URL of that name, or "" while no page has it."""
    return address_if_any(name, *args)


@register.simple_tag
def bundle(name: str) -> list[str]:
    """The URLs of a bundle of styles or scripts."""
    return bundle_urls(name)


@register.simple_tag(takes_context=True)
def live_stream(context: Context) -> str:
    """The URL of the event stream that this page opens; "" without one."""
    return stream_url(context["request"])
