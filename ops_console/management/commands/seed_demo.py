"""`manage.py seed_demo`: sign-ins and first settings for a demo; run again, it changes nothing that is there."""

import json
import os
import secrets
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.contrib.auth.models import Group
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

import flags.seed
import quotas.seed
from ops_console.access.actor import SYSTEM
from ops_console.access.models import User
from ops_console.access.roles import Role
from ops_console.access.services import KEPT, target_of
from ops_console.audit.services import record, snapshot

GROUPS = ("beta", "support")


class Command(BaseCommand):
    help = "Make the demo's sign-ins (viewer, operator, admin), flags and quotas where they are missing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--sign-ins",
            type=Path,
            default=os.environ.get("DEMO_SIGN_INS"),
            help="the file that the passwords are written to, readable by its owner alone (default: $DEMO_SIGN_INS)",
        )

    def handle(self, *args: Any, sign_ins: Path | str | None, **options: Any) -> None:
        if not sign_ins:
            raise CommandError("Give --sign-ins PATH: the passwords are random and have to stand somewhere.")
        seed_people(Path(sign_ins))
        flags.seed.seed()
        quotas.seed.seed()


def seed_people(file: Path) -> None:
    """One person a role. Where a person or the file is missing, all three get new passwords, written to the file."""
    names = [role.value for role in Role]
    if file.exists() and User.objects.filter(username__in=names).count() == len(names):
        return
    entries = [{"role": role, "username": role, "password": secrets.token_urlsafe(12)} for role in names]
    with transaction.atomic():
        for name in GROUPS:
            Group.objects.get_or_create(name=name)
        for entry in entries:
            _person(**entry)
        _write(file, json.dumps(entries, indent=2))


def _person(role: str, username: str, password: str) -> None:
    user = User.objects.filter(username=username).first()
    made = user is None
    user = user or User(username=username, email=f"{username}@example.com", role=role)
    user.set_password(password)
    user.save()
    record(SYSTEM, "person.create" if made else "person.set_password", target_of(user), after=snapshot(user, KEPT))


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        opened.write(text)
