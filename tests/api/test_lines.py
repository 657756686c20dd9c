"""Lines to copy: a shell reads back exactly what the page meant."""

import shlex

import pytest
from django.template import Context, Template
from django.test import RequestFactory

from ops_console.api_base.lines import command, curl

ODD = """it's "odd" $HOME `x` \\ ü"""


def test_curl_survives_the_shell() -> None:
    """Quotes, dollars and backslashes of a body arrive as they were; the version becomes If-Match."""
    words = shlex.split(curl("PATCH", "http://ops/api/v1/flags/x", {"note": ODD}, 7))
    assert words[words.index("-X") + 1] == "PATCH"
    assert 'If-Match: "7"' in words and "Authorization: Bearer $OPS_TOKEN" in words
    assert words[-1] == '{"note": "it\'s \\"odd\\" $HOME `x` \\\\ ü"}'


def test_reading_sends_neither_method_nor_body() -> None:
    """A GET is the plainest line there is."""
    assert curl("GET", "http://ops/api/v1/flags") == (
        'curl -sS --fail-with-body http://ops/api/v1/flags -H "Authorization: Bearer $OPS_TOKEN"'
    )


def test_a_command_survives_the_shell() -> None:
    """A name with spaces and quotes is one word."""
    assert shlex.split(command("flags", "off", ODD)) == ["python", "manage.py", "flags", "off", ODD]


@pytest.mark.parametrize(
    ("tag", "shown"),
    [
        (
            '{% curl_line "POST" "/flags/{}/state" "a/b" version=3 state="off" %}',
            [
                "http://testserver/api/v1/flags/a%252Fb/state",
                "&quot;state&quot;: &quot;off&quot;",
                "If-Match",
                "data-copy=",
            ],
        ),
        ('{% cli_line "flags" "off" "a b" %}', ["python manage.py flags off &#x27;a b&#x27;"]),
    ],
)
def test_pages_show_lines(tag: str, shown: list[str]) -> None:
    """The tags fill names into paths, the rest into the body, and offer the line to copy, escaped."""
    html = Template("{% load api_lines %}" + tag).render(Context({"request": RequestFactory().get("/flags/")}))
    assert all(part in html for part in shown), html
