"""`manage.py quotas`: the same services as the pages, from a shell."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from ops_console.access.roles import Role
from ops_console.audit.models import Entry
from quotas.models import Resource
from quotas.queries import holding
from tests import people

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def oscar(resources):
    return people.person(Role.OPERATOR).username


def quotas(*words):
    out = io.StringIO()
    call_command("quotas", *words, stdout=out)
    return out.getvalue()


def limit_of(user):
    return next((each.limit for each in holding() if each.user_id == user.id), None)


def test_show_says_every_limit_and_its_source(resources, hanna):
    """In words for people, and as one JSON object for programs."""
    text = quotas("show", hanna.email)
    assert "tier pro" in text
    assert "api_calls: 600 calls in any 1 min, by tier pro; 0 used" in text
    assert json.loads(quotas("show", hanna.id, "--json"))["limits"][0]["limit"] == 600


def test_set_reset_and_remove(oscar, ops, hanna):
    """Each is done as the named operator and recorded with the shell that it came from."""
    said = quotas("set", hanna.email, "api_calls", "+50%", "--reason", "a launch", "--as", oscar)
    assert f"api_calls of {hanna.email}: 600 calls -> 900 calls" in said
    assert limit_of(hanna) == 900
    ops.quotas.hit("api_calls", hanna.id, tier="pro", cost=3)
    assert "3 forgotten" in quotas("reset", hanna.id, "api_calls", "--reason", "on the phone", "--as", oscar)
    quotas("remove", hanna.id, "api_calls", "--as", oscar)
    assert limit_of(hanna) is None
    assert "600 calls as before; nothing was changed" in quotas("remove", hanna.id, "api_calls", "--as", oscar)
    entries = Entry.objects.filter(via="cli").order_by("id")
    assert [entry.action for entry in entries][-3:] == ["override.set", "usage.reset", "override.remove"]
    assert {entry.actor for entry in entries} == {oscar}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("set", "nobody", "api_calls", "7", "--reason", "x"), "nobody in the directory"),
        (("set", "USER", "tea", "7", "--reason", "x"), "none named 'tea'"),
        (("set", "USER", "api_calls", "many", "--reason", "x"), "limit: "),
        (("set", "USER", "api_calls", "7"), "reason: say why"),
        (("set", "USER", "api_calls", "7", "--reason", "x", "--until", "soon"), "expires_at: "),
        (("show", "nobody"), "Nobody in the directory"),
    ],
)
def test_what_cannot_be_is_said(oscar, hanna, words, said):
    """A refusal names what was wrong, and nothing is changed."""
    given = [hanna.id if word == "USER" else word for word in words]
    with pytest.raises(CommandError, match=said):
        quotas(*given, *(["--as", oscar] if words[0] == "set" else []))
    assert limit_of(hanna) is None


def test_nobody_acts_without_a_name(resources, hanna):
    """A change names the operator who is recorded; a viewer may not."""
    with pytest.raises(CommandError, match="--as names"):
        quotas("set", hanna.id, "api_calls", "7", "--reason", "x")
    with pytest.raises(CommandError, match="operator"):
        quotas("set", hanna.id, "api_calls", "7", "--reason", "x", "--as", people.person(Role.VIEWER).username)


def test_an_import_is_tried_and_then_done(oscar, hanna, tmp_path):
    """A dry run needs no name and changes nothing; the same file then does what it said."""
    file = tmp_path / "limits.csv"
    file.write_text(f"user,resource,limit\n{hanna.email},api_calls,7\nnobody,api_calls,7\n", encoding="utf-8")
    tried = json.loads(quotas("import", str(file), "--dry-run", "--json", "--reason", "a launch"))
    assert tried["counts"] == {"new": 1, "changed": 0, "removed": 0, "same": 0, "refused": 1}
    assert limit_of(hanna) is None
    said = quotas("import", str(file), "--reason", "a launch", "--as", oscar)
    assert "line 3: refused" in said
    assert limit_of(hanna) == 7


def test_an_export_is_an_import(oscar, hanna, allow, tmp_path):
    """What is exported can be imported again, and changes nothing."""
    allow(hanna, "api_calls", 7)
    file = tmp_path / "limits.csv"
    file.write_text(quotas("export"), encoding="utf-8")
    counts = json.loads(quotas("import", str(file), "--dry-run", "--json"))["counts"]
    assert counts["same"] == sum(counts.values()) > 0


def test_an_import_reads_what_spreadsheets_write(oscar, hanna, tmp_path):
    """UTF-16 with semicolons is read; an encoding that had to be guessed is said."""
    file, table = tmp_path / "limits.csv", f"user;resource;limit;reason\n{hanna.id};api_calls;7;Größe\n"
    file.write_text(table, encoding="utf-16")
    assert "1 new" in quotas("import", str(file), "--dry-run")
    file.write_text(table, encoding="cp1252")
    told = io.StringIO()
    call_command("quotas", "import", str(file), "--dry-run", stdout=io.StringIO(), stderr=told)
    assert "was read as Windows-1252" in told.getvalue()


@pytest.fixture
def alice(resources):
    yield people.person(Role.ADMIN).username
    Resource.objects.filter(name="exports").delete()


def test_a_resource_is_defined_and_changed(alice):
    """Settings are FIELD=VALUE, as people type them; the list has what holds."""
    said = ("title=Exports", "unit=bytes", "default_limit=50 GB", "shadow=yes", "--as", alice)
    quotas("create-resource", "exports", "storage", *said, "--reason", "a new button")
    assert "exports\tstorage\t50 GB\tExports" in quotas("resources")
    quotas("edit-resource", "exports", "default_limit=none", "shadow=no", "ttl_seconds=60", "--as", alice)
    rows = [json.loads(line) for line in quotas("resources", "--json").splitlines()]
    [row] = [row for row in rows if row["name"] == "exports"]
    assert (row["default_limit"], row["shadow"], row["ttl_seconds"], row["version"]) == (None, False, 60, 2)
    entry = Entry.objects.get(action="resource.create", target_id="exports")
    assert (entry.actor, entry.via, entry.reason) == (alice, "cli", "a new button")


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("colour=red", "colour=red"),
        ("title", "give FIELD=VALUE"),
        ("shadow=perhaps", "shadow: 'perhaps' is neither yes nor no"),
        ("ttl_seconds=1.5", "ttl_seconds: '1.5' is not a whole number"),
        ("ttl_seconds=" + "9" * 18, "ttl_seconds: "),
        ("default_limit=1,5", "decimal comma"),
        ("default_limit=many", "limit: "),
    ],
)
def test_a_setting_that_cannot_be_is_refused(alice, setting, said):
    """With its name, and what would be right."""
    with pytest.raises(CommandError, match=said):
        quotas("edit-resource", "api_calls", setting, "--as", alice)
    with pytest.raises(CommandError):
        quotas("edit-resource", "api_calls", "--as", alice)
