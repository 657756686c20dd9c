"""Arguments of the command line that are no text."""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from django.core.management import BaseCommand, get_commands, load_command_class

from embedded import paths
from ops_client.errors import OpsError
from ops_console.access.roles import Role
from ops_console.access.shell import actor_of_shell
from ops_console.audit.services import check_reason
from ops_console.errors import ConsoleError
from quotas.services import person_of
from tests.people import person

pytestmark = pytest.mark.django_db
SURROGATE = b"caf\xe9".decode("utf-8", "surrogateescape")


def test_an_argument_that_is_no_utf8_is_named() -> None:
    """A sentence with the argument's number, instead of an error of the driver at the first statement."""
    done = subprocess.run(
        [os.fsencode(sys.executable), b"manage.py", b"flags", b"show", b"caf\xe9"],
        cwd=paths.ROOT,
        env=os.environ,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr.decode().strip()) == (1, r"Argument 3 is not UTF-8 text: 'caf\udce9'")


@pytest.mark.parametrize("bad", [SURROGATE, "a\0"])
@pytest.mark.parametrize("check", [check_reason, actor_of_shell, person_of], ids=lambda check: check.__name__)
def test_services_refuse_what_cannot_be_stored(check: object, bad: str) -> None:
    """Whoever calls them: a console's error, which every entry point shows, and none of the driver."""
    person(Role.ADMIN)
    with pytest.raises((ConsoleError, OpsError)):
        check(bad)  # type: ignore[operator]


def _destinations(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Names under which a command's own arguments arrive in its options, those of its acts included."""
    for action in parser._actions:
        yield action.dest
        for each in action.choices.values() if isinstance(action, argparse._SubParsersAction) else ():
            yield from _destinations(each)


def test_no_argument_hides_one_of_django() -> None:
    """An argument named `settings` replaces --settings: the command fails in a shell, and not in call_command."""
    django = set(_destinations(BaseCommand().create_parser("manage.py", "base"))) - {"help"}
    ours = {name: app for name, app in get_commands().items() if (paths.ROOT / app.replace(".", "/")).is_dir()}
    assert "quotas" in ours
    for name, app in ours.items():
        found = list(_destinations(load_command_class(app, name).create_parser("manage.py", name)))
        assert [each for each in found if each in django and found.count(each) > 1] == [], name
