"""Names that would deceive a reader: shown with what cannot be seen, in pages and on a terminal."""

import io

import pytest
from django.core.management import call_command
from django.core.management.base import OutputWrapper
from django.db import connection

from flags.models import Flag
from ops_client.text import show_invisible
from ops_console.access.roles import Role
from ops_console.web.visible import ConsoleCommand
from tests.people import signed_in

pytestmark = pytest.mark.django_db
DECEIVING = "pay\u202egnp.exe"
TERMINAL = "pay\x1b[2J\x07"


@pytest.fixture
def flag() -> Flag:
    """A flag whose name was not checked: an earlier version, or SQL, wrote it."""
    flag = Flag.objects.create(name="placeholder", note="first\u2028second")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE ops.flags_flag SET name = %s WHERE id = %s", [DECEIVING, flag.pk])
    return flag


def test_pages_show_what_cannot_be_seen(flag: Flag) -> None:
    """In the list and on the flag's own page, in Django's admin too."""
    client = signed_in(Role.ADMIN)
    for address in ("/flags/", f"/flags/{flag.pk}/", "/admin/flags/flag/"):
        page = client.get(address).content.decode()
        assert "pay&lt;U+202E&gt;gnp.exe" in page
        assert f">{DECEIVING}<" not in page


def test_a_field_keeps_its_value(flag: Flag) -> None:
    """An untouched save changes nothing: only text between tags is replaced."""
    page = signed_in(Role.ADMIN).get(f"/admin/flags/flag/{flag.pk}/change/").content.decode()
    assert f'value="{DECEIVING}"' in page
    assert "first\u2028second</textarea>" in page


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (DECEIVING, "pay<U+202E>gnp.exe"),
        (TERMINAL, "pay<U+001B>[2J<U+0007>"),
        ("zero\u200bwidth\ufeff", "zero<U+200B>width<U+FEFF>"),
        ("tab\tand\nline", "tab\tand\nline"),
        ("\u0645\u06cc\u200c\u062e \U0001f469\u200d\U0001f680", "\u0645\u06cc\u200c\u062e \U0001f469\u200d\U0001f680"),
    ],
)
def test_only_what_acts_on_a_reader_is_shown(text: str, shown: str) -> None:
    """Persian needs its joiner, and so does an emoji of two."""
    assert show_invisible(text) == shown


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_no_control_character(flag: Flag) -> None:
    """Neither from a command's output nor from its errors, whose colour stays."""
    out, errors = Terminal(), Terminal()

    class Command(ConsoleCommand):
        def handle(self, *args: object, **options: object) -> None:
            self.stdout.write(flag.name + TERMINAL)

    call_command(Command(stdout=OutputWrapper(out), stderr=OutputWrapper(errors), force_color=True))
    command = Command(stdout=out, stderr=errors, force_color=True)
    command.execute(force_color=True, no_color=False, skip_checks=True, stdout=out)
    command.stderr.write(TERMINAL)
    assert "pay<U+001B>[2J<U+0007>" in out.getvalue()
    assert "\x1b[2J" not in out.getvalue() + errors.getvalue()
    assert errors.getvalue().startswith("\x1b[31")


def test_every_command_writes_this_way() -> None:
    """A new command cannot forget it."""
    from django.core.management import get_commands, load_command_class

    ours = {
        name: app
        for name, app in get_commands().items()
        if app.startswith(("ops_console", "flags", "quotas", "incidents"))
    }
    without = {name for name, app in ours.items() if not isinstance(load_command_class(app, name), ConsoleCommand)}
    assert without == {"serve", "seed_demo"}
