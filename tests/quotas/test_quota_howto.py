"""docs/howto/quotas.md, its shell lines run as they stand there."""

import io
import re
import shlex
from pathlib import Path

import pytest
from django.core.management import call_command

from ops_console.access.roles import Role
from quotas.models import Override, Resource
from tests.people import person

pytestmark = pytest.mark.django_db(transaction=True)
HOWTO = (Path(__file__).parents[2] / "docs/howto/quotas.md").read_text(encoding="utf-8")
LINES = re.findall(r"^python manage\.py (quotas .+)$", HOWTO, re.MULTILINE)
TABLE = re.search(r"```csv\n(.+?)```", HOWTO, re.DOTALL)


def test_every_line_does_what_it_says(resources, make_user, tmp_path, monkeypatch):
    """The howto's commands run one after the other, with the table that stands there, and end where it says."""
    anna, ben, cleo = (make_user(email=f"{name}@example.com") for name in ("anna", "ben", "cleo"))
    assert (person(Role.OPERATOR).username, person(Role.ADMIN).username) == ("oscar", "alice")
    assert TABLE
    (tmp_path / "limits.csv").write_text(TABLE[1], encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    said = []
    for line in LINES:
        out = io.StringIO()
        call_command(*shlex.split(line), stdout=out)
        said.append(out.getvalue())
    assert len(said) == 10
    assert "600 calls -> 900 calls" in said[1]
    assert said[5].endswith("2 new, 0 changed, 0 removed, 1 same, 0 refused\n")
    assert "exports\trate" not in said[7]
    assert Resource.objects.get(name="exports").shadow
    held = {(each.user_id, each.limit) for each in Override.objects.filter(ended_at=None)}
    assert {(anna.id, 900), (ben.id, 50 * 10**9)} <= held
    assert cleo.id not in {user_id for user_id, _ in held}
