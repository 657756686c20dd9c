"""What the pages of people and their ways in say besides their forms."""

import re
from collections.abc import Iterator

from django import template
from django.forms import BoundField, Form
from django.http import HttpRequest
from django.shortcuts import resolve_url
from django.template import Context
from django.utils.http import url_has_allowed_host_and_scheme

from ops_console.access import tokens
from ops_console.access.models import ApiToken
from ops_console.access.queries import SecondFactorRule, second_factor_rule
from ops_console.access.throttle import cache_warning

register = template.Library()
# A capitalised word after another one; WebAuthn, QR and the first word stay.
_CAPITALISED = re.compile(r"(?<=[\w)][ -])[A-Z][a-z]+\b")


@register.filter(is_safe=True)
def sentence_case(text: str) -> str:
    """`Two-Factor Authentication` as this console writes headings and buttons: `Two-factor authentication`."""
    return _CAPITALISED.sub(lambda found: found[0].lower(), text)


@register.filter
def sentence_labels(form: Form) -> Iterator[BoundField]:
    """The fields of a form of allauth's, labelled as ours are, without placeholders that repeat the label."""
    for bound in form:
        bound.label = sentence_case(str(bound.label))
        bound.field.widget.attrs.pop("placeholder", None)
        yield bound


@register.simple_tag
def sign_in_warning() -> str:
    """That attempts are not being slowed down, while the cache is away."""
    return cache_warning()


@register.simple_tag
def second_factor_policy() -> SecondFactorRule:
    """Whether everybody needs a second factor, and from when."""
    return second_factor_rule()


@register.simple_tag(takes_context=True)
def page_after_set_up(context: Context) -> str:
    """The page that was asked for before the set-up was shown: an address of this console, else the overview."""
    request: HttpRequest = context["request"]
    wanted = request.GET.get("next", "")
    return wanted if url_has_allowed_host_and_scheme(wanted, allowed_hosts=None) else resolve_url("overview")


@register.simple_tag
def token_ending(token: ApiToken) -> str:
    """Why an API token does not work, "" while it does."""
    return tokens.ending(token)
