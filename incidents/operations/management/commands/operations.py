import json
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from incidents.operations import acting_cli
from incidents.operations.operation import Operation, operation_of
from incidents.operations.queries import scan
from incidents.operations.scope import Scope
from incidents.operations.shown import shown
from incidents.operations.sources import DEFAULT_KIND, STATES
from ops_console.errors import ConsoleError


class Command(BaseCommand):
    help = "List operations as one JSON object a line, and act on them through the same services as the pages."

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        listed = acts.add_parser("list", help="one JSON object a line")
        listed.add_argument("ids", nargs="*", help="which ones; without, all of --state")
        listed.add_argument("--kind", default=DEFAULT_KIND)
        listed.add_argument("--state", choices=STATES, default="stuck")
        acting_cli.add_verbs(acts)

    def handle(self, *args: Any, act: str, **options: Any) -> None:
        try:
            if act == "list":
                self._list(Scope(options["kind"], options["state"], ids=tuple(options["ids"]) or None))
            elif act == "bulk":
                acting_cli.steer(options, self.stdout.write)
            else:
                acting_cli.act(act, options, self.stdout.write)
        except ConsoleError as error:
            raise CommandError(error.message) from error

    def _list(self, scope: Scope) -> None:
        for operation, evidence in _lines(scope):
            line = {
                "id": operation.operation_id,
                "kind": operation.kind,
                "owner": operation.owner_id,
                "since": operation.since.isoformat(),
                "evidence": evidence,
            }
            self.stdout.write(json.dumps(line))


def _lines(scope: Scope) -> Iterator[tuple[Operation, str]]:
    for rows in scan(scope):
        for line in shown([operation_of(row) for row in rows]):
            yield line.operation, line.evidence
