"""The demo's seed: sign-ins that work, kept where only their owner reads them, and made once."""

import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from ops_console.access.models import User
from ops_console.audit.models import Entry


@pytest.fixture
def file(db: None, tmp_path: Path) -> Path:
    return tmp_path / "sign-ins.json"


def test_sign_ins_work_and_reach_their_roles(file: Path) -> None:
    """Each of the three signs in with the password that the file holds."""
    call_command("seed_demo", sign_ins=file)
    entries = json.loads(file.read_text())
    assert [entry["role"] for entry in entries] == ["viewer", "operator", "admin"]
    for entry in entries:
        client = Client()
        client.post("/accounts/login/", {"login": entry["username"], "password": entry["password"]})
        assert client.session["_auth_user_id"] == str(User.objects.get(role=entry["role"]).pk)


def test_file_is_for_its_owner_alone(file: Path) -> None:
    """Nobody else on the machine reads the passwords; neither does the audit."""
    call_command("seed_demo", sign_ins=file)
    assert file.stat().st_mode & 0o777 == 0o600
    kept = str(list(Entry.objects.values()))
    assert not [entry for entry in json.loads(file.read_text()) if entry["password"] in kept]


def test_second_run_changes_nothing(file: Path) -> None:
    """Passwords stay, and the audit has nothing new."""
    call_command("seed_demo", sign_ins=file)
    before = file.read_text(), Entry.objects.count()
    call_command("seed_demo", sign_ins=file)
    assert (file.read_text(), Entry.objects.count()) == before


def test_lost_file_is_made_anew(file: Path) -> None:
    """Passwords that nobody knows any more are replaced, not people."""
    call_command("seed_demo", sign_ins=file)
    file.unlink()
    call_command("seed_demo", sign_ins=file)
    entry = json.loads(file.read_text())[0]
    assert User.objects.get(username="viewer").check_password(entry["password"])
    assert User.objects.count() == 3


def test_somewhere_to_write_is_asked_for(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a file there is a sentence, not a password on the screen."""
    monkeypatch.delenv("DEMO_SIGN_INS", raising=False)
    with pytest.raises(CommandError, match="--sign-ins"):
        call_command("seed_demo")
