"""`manage.py reencrypt`: the step of a key rotation after which the earlier key may go."""

from typing import Any

from django.core.management.base import CommandError

from ops_console.access.encryption import encrypt_again
from ops_console.web.visible import ConsoleCommand


class Command(ConsoleCommand):
    help = "Encrypt the secrets of all second factors with SECRET_KEY, reading them with SECRET_KEY_FALLBACKS too."

    def handle(self, *args: Any, **options: Any) -> None:
        done, unreadable = encrypt_again()
        self.stdout.write(f"{done} secrets are encrypted with SECRET_KEY.")
        if unreadable:
            raise CommandError(f"{unreadable} could not be read with any key: add the key that wrote them.")
