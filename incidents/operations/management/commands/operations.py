from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from incidents.operations import acting_cli, seeing_cli
from ops_console.errors import ConsoleError
from ops_console.web.visible import ConsoleCommand

READS = {"list": seeing_cli.list_lines, "show": seeing_cli.show, "groups": seeing_cli.group_lines}


class Command(ConsoleCommand):
    help = "List operations as one JSON object a line, and act on them through the same services as the pages."

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        seeing_cli.add_reads(acts)
        acting_cli.add_verbs(acts)

    def handle(self, *args: Any, act: str, **options: Any) -> None:
        try:
            if act in READS:
                READS[act](options, self.stdout.write)
            elif act == "bulk":
                acting_cli.steer(options, self.stdout.write)
            else:
                acting_cli.act(act, options, self.stdout.write)
        except ConsoleError as error:
            raise CommandError(error.message) from error
