"""Dates and times that people type: in their own time zone, with UTC beside it.

The browser's zone is in a cookie that the pages set; without one it is UTC. A field posts its zone along, so that the
link of a filtered list means the same moment to everybody, and what programs send without a zone is UTC.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from asgiref.sync import iscoroutinefunction
from django import forms
from django.http import HttpRequest
from django.utils import timezone
from django.utils.decorators import sync_and_async_middleware
from django.utils.functional import lazy
from django.utils.html import format_html
from django.utils.safestring import SafeString

COOKIE = "timezone"
_SUFFIX = "_zone"


class Typed(str):
    """What was typed into a field, with the zone that its page named."""

    zone = ""


class MomentInput(forms.DateTimeInput):
    """The browser's own input for a date and time, with its zone as a hidden field and the same moment in UTC."""

    def __init__(self, attrs: dict[str, Any] | None = None, seconds: bool = False) -> None:
        kind = {"type": "datetime-local", **({"step": "1"} if seconds else {})}
        super().__init__({**kind, **(attrs or {})}, "%Y-%m-%dT%H:%M:%S" if seconds else "%Y-%m-%dT%H:%M")

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> Any:
        text = super().value_from_datadict(data, files, name)
        if not isinstance(text, str):
            return text
        typed = Typed(text)
        typed.zone = data.get(name + _SUFFIX) or ""
        return typed

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        zone = timezone.get_current_timezone_name()
        drawn = super().render(name, value, {**(attrs or {}), "data-zone": zone}, renderer)
        if zone == "UTC":
            return format_html('{}<input type="hidden" name="{}{}" value="UTC">', drawn, name, _SUFFIX)
        utc = _in_utc(value) if isinstance(value, datetime) else ""
        return format_html(
            '{}<input type="hidden" name="{}{}" value="{}"><output class="utc">{}</output>',
            drawn,
            name,
            _SUFFIX,
            zone,
            utc,
        )


class MomentField(forms.DateTimeField):
    """A moment typed in the zone that its label names; cleans to UTC."""

    def __init__(self, *, label: str, seconds: bool = False, **kwargs: Any) -> None:
        kwargs.setdefault("widget", MomentInput(seconds=seconds))
        super().__init__(label=_in_zone(label), **kwargs)

    def to_python(self, value: Any) -> datetime | None:
        with timezone.override(zone_named(getattr(value, "zone", ""))):
            found = super().to_python(value)
        if found and not 2 <= found.year <= 9998:  # the ends of the calendar do not exist in every zone
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return found.astimezone(UTC) if found else None

    def prepare_value(self, value: Any) -> Any:
        """Shown again in the viewer's zone, whichever it was typed in; what cannot be read stays as it is."""
        if isinstance(value, Typed):
            try:
                value = self.to_python(value) or value
            except forms.ValidationError:
                return value
        return super().prepare_value(value)


@sync_and_async_middleware
def zone_middleware(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Pages show times in the zone of the browser that asks."""
    if iscoroutinefunction(get_response):

        async def answer(request: HttpRequest) -> Any:
            with timezone.override(zone_named(request.COOKIES.get(COOKIE, ""))):
                return await get_response(request)

        return answer

    def answer_sync(request: HttpRequest) -> Any:
        with timezone.override(zone_named(request.COOKIES.get(COOKIE, ""))):
            return get_response(request)

    return answer_sync


def zone_named(name: str) -> ZoneInfo:
    """The zone of that name; UTC for one that does not exist, whatever it looks like."""
    return ZoneInfo(name if name in _zones() else "UTC")


def exact(moment: datetime) -> str:
    """A moment as a sentence names it: `2026-12-07 18:00 CET (17:00 UTC)`."""
    here, utc = timezone.localtime(moment), moment.astimezone(UTC)
    if here.utcoffset() == utc.utcoffset():
        return f"{utc:%Y-%m-%d %H:%M} UTC"
    day = "" if here.date() == utc.date() else f"{utc:%Y-%m-%d} "
    return f"{here:%Y-%m-%d %H:%M %Z} ({day}{utc:%H:%M} UTC)"


def filter_names(form: forms.Form) -> list[str]:
    """The parameters that a form has in a URL: its fields, and the zones of its moments."""
    return [*form.fields, *(name + _SUFFIX for name, field in form.fields.items() if isinstance(field, MomentField))]


def _in_zone(label: str) -> Any:
    """The label with the zone of whoever reads it."""
    return lazy(lambda: f"{label} ({timezone.get_current_timezone_name()})", str)()


def _in_utc(local: datetime) -> str:
    aware = local if timezone.is_aware(local) else timezone.make_aware(local)
    return f"{aware.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())
