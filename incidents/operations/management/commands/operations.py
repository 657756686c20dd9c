import json
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from incidents.operations import services
from incidents.operations.operation import Operation, operation_of
from incidents.operations.preview import preview
from incidents.operations.queries import scan
from incidents.operations.scope import Scope
from incidents.operations.shown import shown
from incidents.operations.sources import DEFAULT_KIND, STATES
from ops_console.access.shell import actor_of_shell
from ops_console.errors import ConsoleError


class Command(BaseCommand):
    help = "List operations as one JSON object a line, or retry or fail them through the same service as the pages."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=["list", "retry", "fail"])
        parser.add_argument("ids", nargs="*", help="which ones; without, all of --state")
        parser.add_argument("--kind", default=DEFAULT_KIND)
        parser.add_argument("--state", choices=STATES, default="stuck")
        parser.add_argument("--all", action="store_true", help="yes, all of the state: needed to act without ids")
        parser.add_argument("--reason", default="")
        parser.add_argument("--as", dest="username", default="", help="the operator who is recorded")
        parser.add_argument("--dry-run", action="store_true", help="only say what would happen")

    def handle(self, *args: Any, what: str, ids: list[str], **options: Any) -> None:
        scope = Scope(options["kind"], options["state"], ids=tuple(ids) or None)
        try:
            if what == "list":
                self._list(scope)
            else:
                self._act(scope, what, options)
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

    def _act(self, scope: Scope, verb: str, options: dict[str, Any]) -> None:
        if scope.ids is None and not options["all"]:
            raise CommandError("Name ids, or say --all for all that are in the state.")
        if options["dry_run"]:
            expected = preview(scope, verb)
            said = {"total": expected.total, "eligible": expected.eligible, "excluded": dict(expected.exclusions)}
        else:
            action = services.start(actor_of_shell(options["username"]), scope, verb, options["reason"])
            said = {"action": action.pk, "total": action.total, "release_at": action.release_at.isoformat()}
        self.stdout.write(json.dumps(said))


def _lines(scope: Scope) -> Iterator[tuple[Operation, str]]:
    for rows in scan(scope):
        for line in shown([operation_of(row) for row in rows]):
            yield line.operation, line.evidence
