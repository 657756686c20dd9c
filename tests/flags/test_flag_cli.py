"""`manage.py flags`: the same services and queries through the shell's door."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from flags import services
from flags.models import Flag, Presence, State
from ops_console.access.roles import Role
from ops_console.audit.models import Entry
from tests.flags.usage_rows import asked
from tests.people import actor, person

pytestmark = pytest.mark.django_db


@pytest.fixture
def flag() -> Flag:
    pros = [{"constraints": [{"field": "tier", "operator": "IN", "values": ["pro"]}]}]
    return services.create(actor(), "player", {"rules": pros, "owner": "web"}, State.RULES)


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("flags", *arguments, stdout=out)
    return out.getvalue()


def run_json(*arguments: str) -> Any:
    return [json.loads(line) for line in run(*arguments, "--json").splitlines()]


def test_list_prints_a_line_a_flag(flag: Flag) -> None:
    """State, kind, owner and when it was last asked for; as text or as JSON."""
    last_at = asked("player")
    (line,) = run_json("list")
    assert (line["name"], line["state"], line["owner"], line["stale"]) == ("player", "rules", "web", [])
    assert line["last_asked_at"].startswith(last_at.isoformat()[:19])
    assert run("list", "--owner", "web").startswith("player\trules\t-\trelease\tweb\t")
    assert run("list", "--state", "archived") == ""


def test_undefined_names_are_listed() -> None:
    """What code asks for and nobody defined."""
    asked("typo", 0, 3)
    assert [(line["name"], line["count"]) for line in run_json("undefined")] == [("typo", 3)]


def test_show_prints_one_whole(flag: Flag) -> None:
    """Every field, with its version."""
    (shown,) = run_json("show", "player")
    assert (shown["version"], shown["rules"]) == (1, flag.rules)
    assert "owner          web" in run("show", "player")


@pytest.mark.parametrize(("state", "everyone"), [("off", False), ("rules", None), ("on", True)])
def test_switching_is_recorded_with_person_and_shell(flag: Flag, state: str, everyone: bool | None) -> None:
    """Who --as names, through the door `cli`, with the shell's own user beside them and the reason."""
    services.set_state(actor(), flag.pk, State.RULES if state != "rules" else State.OFF)
    run(state, "player", "--as", "oscar", "--reason", "incident 7", *(["--yes"] if state == "on" else []))
    flag.refresh_from_db()
    entry = Entry.objects.latest("id")
    assert flag.everyone is everyone
    assert (entry.actor, entry.via, entry.reason, entry.action) == ("oscar", "cli", "incident 7", f"flag.{state}")
    assert entry.credential.startswith("shell of ")


def test_on_for_everyone_has_to_be_meant(flag: Flag) -> None:
    """Without --yes nothing happens."""
    with pytest.raises(CommandError, match="--yes"):
        run("on", "player", "--as", "oscar")
    flag.refresh_from_db()
    assert flag.everyone is None


def test_percent_says_when_it_does_not_matter(flag: Flag) -> None:
    """25 is kept; a flag that is off for everyone is said to be so."""
    services.set_state(actor(), flag.pk, State.OFF)
    assert run("percent", "player", "25%", "--as", "oscar").strip() == (
        "player: 25 %. It is off for everyone now, whatever its percentage."
    )
    flag.refresh_from_db()
    assert flag.percent == 25
    run("percent", "player", "none", "--as", "oscar")
    flag.refresh_from_db()
    assert flag.percent is None


@pytest.mark.parametrize(
    "arguments",
    [
        ["off", "player"],
        ["off", "player", "--as", "nobody"],
        ["off", "player", "--as", "vera"],
        ["off", "nothing", "--as", "oscar"],
        ["percent", "player", "many", "--as", "oscar"],
        ["why", "player", "tier"],
        ["import", "/nowhere.json", "--as", "oscar"],
        ["import", "launchdarkly", "/nowhere.json", "--as", "oscar"],
    ],
    ids=" ".join,
)
def test_what_cannot_be_is_said(flag: Flag, arguments: list[str]) -> None:
    """A person who is none, a viewer, a flag or a file that is not there: an error in a sentence, and no change."""
    person(Role.VIEWER)
    before = Entry.objects.count()
    with pytest.raises(CommandError):
        run(*arguments)
    assert Entry.objects.count() == before


def test_a_protected_flag_is_confirmed_here_too(flag: Flag) -> None:
    """Reason and name, as options."""
    services.edit(actor(), flag.pk, {"protected": True}, 1)
    with pytest.raises(CommandError, match="protected"):
        run("percent", "player", "5", "--as", "oscar")
    run("percent", "player", "5", "--as", "oscar", "--reason", "agreed", "--confirm", "player")


def test_why_explains_for_fields_and_for_a_user(flag: Flag) -> None:
    """The same explanation as the client's, from typed fields or from what is known of a user."""
    assert run("why", "player", "tier=pro").startswith("player is on")
    assert run("why", "player", "tier=free").startswith("player is off")
    Presence.objects.create(user_id="17", seen_at=timezone.now(), attributes={"tier": "pro"})
    (found,) = run_json("why", "player", "--user", "17")
    assert (found["answer"], found["context"]) == (True, {"user_id": "17", "tier": "pro"})


def test_fields_stand_before_or_behind_options(flag: Flag) -> None:
    """What is typed after an option is part of the context all the same, and a typing error is an error."""
    for typed in (["tier=pro", "--json"], ["--json", "tier=pro"], ["--json", "tier=pro", "country=de"]):
        (found,) = map(json.loads, run("why", "player", *typed).splitlines())
        assert found["context"]["tier"] == "pro"
    with pytest.raises(CommandError, match="unrecognized"):
        run("why", "player", "--jsno")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_an_import_reads_what_windows_writes(flag: Flag, tmp_path: Path, encoding: str) -> None:
    """A file with a byte order mark, or in UTF-16 as a shell's redirection writes it."""
    file = tmp_path / "flags.json"
    file.write_text(run("export"), encoding=encoding)
    assert "same" in run("import", str(file), "--dry-run", "--as", "oscar")


def test_export_and_import_move_flags(flag: Flag, tmp_path: Path) -> None:
    """A file from here is read there; the dry run says what the run does, and a refusal is an error at the end."""
    file = tmp_path / "flags.json"
    file.write_text(run("export", "player"))
    Flag.objects.all().delete()
    assert "new      flag player" in run("import", str(file), "--dry-run", "--as", "oscar")
    assert not Flag.objects.exists()
    assert "Done: 1 new" in run("import", str(file), "--as", "oscar", "--with-state")
    assert Flag.objects.get().state == State.RULES
    document = json.loads(file.read_text())
    document["flags"][0]["rules"] = [{"segments": ["gone"]}]
    document["flags"].append({"name": "second"})
    file.write_text(json.dumps(document))
    with pytest.raises(CommandError, match="1 were refused"):
        run("import", str(file), "--as", "oscar")
    assert Flag.objects.filter(name="second").exists()


def test_unleash_and_waffle_are_read_from_files(tmp_path: Path) -> None:
    """The kind of file is named before it; the report is for programs too."""
    person(Role.OPERATOR)
    file = tmp_path / "file.json"
    file.write_text(json.dumps({"version": 1, "features": [{"name": "f", "enabled": True, "strategies": []}]}))
    (report,) = run_json("import", "unleash", str(file), "--as", "oscar")
    assert (report["counts"]["new"], report["rows"][0]["name"], report["dry_run"]) == (1, "f", False)
    file.write_text("[]")
    (report,) = run_json("import", "waffle", str(file), "--as", "oscar")
    assert report["rows"] == []
