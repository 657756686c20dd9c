"""What a page does, as a line to copy: by curl, and by manage.py."""

from typing import Any

from django import template
from django.template import Context
from django.utils.safestring import SafeString

from ops_console.api_base.lines import command, curl
from ops_console.api_base.names import path_of
from ops_console.templatetags.ui import copy_line

register = template.Library()


@register.simple_tag(takes_context=True)
def curl_line(
    context: Context, method: str, path: str, *names: object, version: int | str | None = None, **body: Any
) -> SafeString:
    """`{% curl_line "POST" "/flags/{}/state" flag.name version=flag.version state="off" %}`.

    `names` fill the path's braces, `version` is what If-Match says, everything else is the body.
    """
    url = context["request"].build_absolute_uri(path_of(path, *map(str, names)))
    sent = body or (None if method in ("GET", "DELETE") else {})
    return copy_line(curl(method, url, sent, version), "curl")


@register.simple_tag
def cli_line(*words: object) -> SafeString:
    """`{% cli_line "flags" "off" flag.name "--as" user.username %}`."""
    return copy_line(command(*words), "CLI")
