from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from ops_console.contract.grants import grant_backend
from ops_console.errors import ConsoleError
from ops_console.web.visible import ConsoleCommand


class Command(ConsoleCommand):
    help = "Give a database role the contract (schema ops_v1) and nothing else. Run it as the owner of the schema."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("role")

    def handle(self, *args: Any, role: str, **options: Any) -> None:
        try:
            refused = grant_backend(role)
        except ConsoleError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"{role} may now use ops_v1.")
        if refused:
            self.stdout.write("Limits for its sessions, which a superuser has to set:")
            self.stdout.write("".join(f"{statement};\n" for statement in refused))
