"""What the pages of people and their ways in say besides their forms."""

from django import template

from ops_console.access import tokens
from ops_console.access.models import ApiToken
from ops_console.access.queries import second_factor_rule
from ops_console.access.throttle import cache_warning

register = template.Library()


@register.simple_tag
def sign_in_warning() -> str:
    """That attempts are not being slowed down, while the cache is away."""
    return cache_warning()


@register.simple_tag
def second_factor_demanded() -> bool:
    """Whether everybody needs a second factor."""
    return second_factor_rule().required


@register.simple_tag
def token_ending(token: ApiToken) -> str:
    """Why an API token does not work, "" while it does."""
    return tokens.ending(token)
