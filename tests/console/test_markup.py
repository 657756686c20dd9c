"""Markup and addresses of rows: escaped as Django's own, and kept."""

import pytest
from django.test import override_settings
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from ops_console.web.markup import address, address_if_any, draw, joined

HOSTILE = """<b title="x" class='y'>&amp; {0} {name}</b>"""


@pytest.mark.parametrize("value", [HOSTILE, SafeString("<i>ready</i>"), 5, None, ["<"]])
def test_values_are_escaped_as_django_does(value: object) -> None:
    """By place and by name; only what is marked as markup stays as it is."""
    assert draw("<p>{}</p>", value) == format_html("<p>{}</p>", value)
    assert draw('<p id="{name}">', name=value) == format_html('<p id="{name}">', name=value)
    assert isinstance(draw("{}", value), SafeString)


def test_joined_markup_is_markup() -> None:
    """Pieces stay as they are, and what is no markup is escaped here too."""
    assert joined([SafeString("<b>"), HOSTILE]) == "<b>" + format_html("{}", HOSTILE)  # type: ignore[list-item]


def test_addresses_are_those_of_the_resolver() -> None:
    """With arguments of every kind, asked for twice; of a name that no page has there is none."""
    for _ in range(2):
        assert address("flags:page", 7) == reverse("flags:page", args=[7])
        assert address("breakers:page", "a/b c") == reverse("breakers:page", args=["a/b c"])
        assert (address_if_any("system"), address_if_any("no-such-page")) == (reverse("system"), "")
        with pytest.raises(NoReverseMatch):
            address("no-such-page")


def test_addresses_of_other_patterns_are_others() -> None:
    """What is kept belongs to the patterns that were in force."""
    assert address_if_any("flags:list")
    with override_settings(ROOT_URLCONF="tests.console.admin_urls"):
        assert address_if_any("flags:list") == ""
