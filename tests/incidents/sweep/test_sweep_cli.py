"""`manage.py sweep`: the same services through the shell's door."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from incidents.sweep import services
from incidents.sweep.models import Arming
from ops_console.access.roles import Role
from ops_console.audit.models import Entry
from tests.incidents.operations.conftest import make_episode
from tests.people import person

pytestmark = pytest.mark.django_db
KIND = "episode_assembly"


def run(*arguments: str) -> dict[str, Any]:
    """What it prints, by kind."""
    out = StringIO()
    call_command("sweep", *arguments, stdout=out)
    return {line["kind"]: line for line in map(json.loads, out.getvalue().splitlines())}


def test_status_says_how_each_kind_stands() -> None:
    """Every kind, with its last run; nothing is armed by looking."""
    make_episode(hours=7)
    services.sweep(KIND)
    said = run("status")
    assert {"episode_assembly", "transcription"} <= set(said)
    assert (said[KIND]["armed"], said[KIND]["last_run"]["result"], said[KIND]["last_run"]["suspected"]) == (
        False,
        "dry_run",
        1,
    )
    assert said["transcription"]["last_run"] is None and not Arming.objects.exists()


def test_an_admin_arms_and_an_operator_disarms() -> None:
    """Each is written down under the person whom `--as` names, through the door `cli`."""
    admin, operator = person(Role.ADMIN, "ada"), person(Role.OPERATOR, "olga")
    said = run("arm", KIND, "--most", "50", "--reason", "it is time", "--as", admin.username)
    assert (list(said), said[KIND]["armed"], said[KIND]["most"]) == ([KIND], True, 50)
    assert run("disarm", KIND, "--as", operator.username)[KIND]["armed"] is False
    written = Entry.objects.filter(action__startswith="sweep.").order_by("pk").values_list("action", "actor", "via")
    assert list(written) == [("sweep.arm", "ada", "cli"), ("sweep.disarm", "olga", "cli")]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("arm", KIND, "--as", "olga"), "admin"),
        (("arm", KIND, "--as", "nobody"), "no 'nobody'"),
        (("arm", "nothing", "--as", "ada"), "nothing"),
        (("arm", KIND, "--most", "0", "--as", "ada"), "At least one"),
        (("disarm", KIND, "--as", "olga"), "never armed"),
    ],
)
def test_what_is_refused_is_said(arguments: tuple[str, ...], says: str) -> None:
    """Who may not, and what cannot be, ends in a sentence, and changes nothing."""
    person(Role.ADMIN, "ada"), person(Role.OPERATOR, "olga")
    with pytest.raises(CommandError, match=says):
        run(*arguments)
    assert not Arming.objects.exists()
