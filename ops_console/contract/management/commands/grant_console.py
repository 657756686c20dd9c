from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.db import connection

from ops_console import foreign
from ops_console.contract.grants import foreign_sql, grant_console, grant_foreign
from ops_console.errors import ConsoleError
from ops_console.web.visible import ConsoleCommand


class Command(ConsoleCommand):
    help = (
        "Give a database role the console's own tables (run as their owner), and a second one what it needs of them "
        "for the backend's tables. Print what the owner of those has to run for the second, column by column."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("role")
        parser.add_argument(
            "--foreign",
            default=foreign.role(),
            help="the role for the backend's tables; else the one that FOREIGN_DATABASE_URL names (%(default)s)",
        )
        parser.add_argument("--apply", action="store_true", help="run the printed part too, with the rights at hand")

    def handle(self, *args: Any, role: str, apply: bool, **options: Any) -> None:
        try:
            refused = grant_console(role)
            grant_foreign(options["foreign"])
        except ConsoleError as error:
            raise CommandError(error.message) from error
        statements = foreign_sql(role, options["foreign"])
        if apply and statements:
            with connection.cursor() as cursor:
                cursor.execute(statements)
        self.stdout.write(statements)
        if refused:
            self.stdout.write("-- As a superuser, so that the console may end backend sessions that hold it up:")
            self.stdout.write("".join(f"{statement};\n" for statement in refused))
