"""What `manage.py operations` shows: the same reads as the pages, as JSON, one object a line."""

import json
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import asdict
from typing import Any
from urllib.parse import urlencode

from django.core.management.base import CommandError
from django.http import QueryDict

from incidents.operations.filters import scope_of
from incidents.operations.groups import error_groups
from incidents.operations.operation import operation_of
from incidents.operations.queries import detail, scan
from incidents.operations.scope import Scope
from incidents.operations.shown import Shown, page_facts, shown
from incidents.operations.sources import STATES, all_sources
from incidents.operations.timeline import timeline
from ops_console.errors import ConsoleError, InvalidInput

Write = Callable[[str], object]
FILTERS = ("kind", "owner", "age", "evidence", "worker", "tier", "attempt", "run", "since", "until", "group", "q")


def add_reads(acts: Any) -> None:
    """Subcommands `list`, `show` and `groups`."""
    listed = acts.add_parser("list", help="operations of a state, or these, one JSON object a line")
    listed.add_argument("ids", nargs="*", help="which ones; without, all of --state")
    listed.add_argument("--state", choices=STATES, default="stuck")
    listed.add_argument("--stuck", action="store_const", const="stuck", dest="state", help="as --state stuck")
    _add_filters(listed)
    one = acts.add_parser("show", help="all that is known of one operation")
    one.add_argument("id")
    one.add_argument("--kind", default="", help="needed only where several kinds have this id")
    one.add_argument("--json", action="store_true", help="as every answer is")
    _add_filters(acts.add_parser("groups", help="what failed operations failed of"))


def _add_filters(parser: ArgumentParser) -> None:
    for name in FILTERS:
        parser.add_argument(f"--{name}", default="", help="as in the list's address")
    parser.add_argument("--json", action="store_true", help="as every answer is")


def list_lines(options: dict[str, Any], write: Write) -> None:
    """One object a line, in the list's order. Raises CommandError, ConsoleError."""
    scope = _scope(options)
    if options["ids"]:
        scope = Scope(scope.kind, "any", ids=tuple(options["ids"]))
    for rows in scan(scope):
        for line in shown([operation_of(row) for row in rows]):
            write(json.dumps(_line(line)))


def group_lines(options: dict[str, Any], write: Write) -> None:
    """One group a line, the largest first. Raises CommandError, ConsoleError."""
    for group in error_groups(_scope(options)):
        write(json.dumps({**asdict(group), "newest_at": group.newest_at.isoformat()}))


def show(options: dict[str, Any], write: Write) -> None:
    """One operation with its timeline, and why it cannot be retried or failed. Raises CommandError, ConsoleError."""
    kind = options["kind"] or _kind_of(options["id"])
    found = detail(kind, options["id"])
    facts = page_facts(found)
    said = {
        **_line(facts["shown"]),
        "title": found.operation.title,
        "status": found.operation.status,
        "version": found.operation.version,
        "attempts": found.operation.attempts,
        "error": found.operation.error,
        "cannot_retry": facts["retry_not"],
        "cannot_fail": facts["fail_not"],
        "payload": dict(facts["payload"]),
        "timeline": [asdict(event) for event in timeline(found)],
    }
    write(json.dumps(said, default=str))


def _line(line: Shown) -> dict[str, Any]:
    one = line.operation
    return {
        "id": one.operation_id,
        "kind": one.kind,
        "owner": one.owner_id,
        "since": one.since.isoformat(),
        "evidence": line.evidence,
        "verdict": line.verdict,
    }


def _scope(options: dict[str, Any]) -> Scope:
    """What the options mean, as a list's address means it. Raises CommandError on one that cannot be right."""
    given = {name: options[name] for name in (*FILTERS, "state") if options.get(name)}
    try:
        return scope_of(QueryDict(urlencode(given)))
    except InvalidInput as error:
        raise CommandError(f"--{error.message}") from error


def _kind_of(operation_id: str) -> str:
    """The one kind that has this id. Raises CommandError."""
    found = [kind for kind in all_sources() if _has(kind, operation_id)]
    if len(found) != 1:
        said = f"several kinds have it ({', '.join(found)}): name one with --kind" if found else "nothing has this id"
        raise CommandError(f"{operation_id}: {said}.")
    return found[0]


def _has(kind: str, operation_id: str) -> bool:
    try:
        return bool(detail(kind, operation_id))
    except ConsoleError:
        return False
