import json
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from typing import Any

from django.core.management.base import CommandError
from django.core.serializers.json import DjangoJSONEncoder

from ops_console import directory
from ops_console.access.actor import Actor
from ops_console.access.shell import actor_of_shell
from ops_console.directory import Person
from ops_console.errors import ConsoleError, InvalidInput, NotFound
from ops_console.web.export import csv_lines
from ops_console.web.text_files import read
from ops_console.web.visible import ConsoleCommand
from quotas import bulk, queries, usage_services, words
from quotas.api_shapes import ResourceOut, done_out, user_out
from quotas.bulk import Asked, Done, Outcome, Planned
from quotas.models import Resource
from quotas.setting_values import read_settings
from quotas.settings_services import EDITABLE, create_resource, edit_resource


class Command(ConsoleCommand):
    help = "Show and change what users may use, through the same services as the pages."

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        show = acts.add_parser("show", help="a user's limits in force, by id or mail")
        show.add_argument("user")
        show.add_argument("--json", action="store_true", dest="as_json")
        self._changes(acts.add_parser("set", help="give a user a limit of their own"), "limit", "expires")
        self._changes(acts.add_parser("remove", help="end a user's override"))
        self._changes(acts.add_parser("reset", help="let a user's window or period begin anew"))
        table = acts.add_parser("import", help="many overrides from a CSV file; - for standard input")
        table.add_argument("file")
        table.add_argument("--dry-run", action="store_true", help="only say what each row would do")
        table.add_argument("--json", action="store_true", dest="as_json")
        table.add_argument("--reason", default="", help="for rows without one")
        table.add_argument("--as", dest="username", default="", help="the operator who is recorded")
        acts.add_parser("export", help="every override in force, as an import reads it")
        resources = acts.add_parser("resources", help="what is limited, one a line")
        resources.add_argument("--json", action="store_true", dest="as_json", help="an object a line")
        make = acts.add_parser("create-resource", help="define a resource")
        make.add_argument("name", help="what backends call it by; never changes")
        make.add_argument("kind", choices=Resource.Kind.values, help="never changes")
        edit = acts.add_parser("edit-resource", help="change a resource's settings")
        edit.add_argument("name")
        for parser in (make, edit):
            parser.add_argument("fields", nargs="*", metavar="FIELD=VALUE", help=f"of {', '.join(EDITABLE)}")
            parser.add_argument("--reason", default="")
            parser.add_argument("--as", dest="username", default="", help="the admin who is recorded")

    def _changes(self, parser: Any, *more: str) -> None:
        parser.add_argument("user", help="id or mail")
        parser.add_argument("resource")
        if "limit" in more:
            parser.add_argument("limit", help="a number, 50 GB, +50%% or unlimited")
        if "expires" in more:
            parser.add_argument("--until", default="", help="ISO 8601, or `never`; without, 7 days")
        parser.add_argument("--reason", default="")
        parser.add_argument("--as", dest="username", default="", help="the operator who is recorded")

    def handle(self, *args: Any, act: str, **options: Any) -> None:
        do: dict[str, Callable[..., None]] = {
            "show": self._show,
            "set": self._set,
            "remove": self._remove,
            "reset": self._reset,
            "import": self._import,
            "export": self._export,
            "resources": self._resources,
            "create-resource": self._create_resource,
            "edit-resource": self._edit_resource,
        }
        try:
            do[act](options)
        except ConsoleError as error:
            raise CommandError(error.message) from error

    def _show(self, options: dict[str, Any]) -> None:
        found = queries.limited([_person(options["user"])])[0]
        if options["as_json"]:
            self.stdout.write(json.dumps(user_out(found), cls=DjangoJSONEncoder))
            return
        self.stdout.write(f"{found.person.email} ({found.person.id}), tier {found.person.tier or 'unknown'}")
        for each in found.limits:
            self.stdout.write(f"{each.resource.name}: {words.in_force(each.usage, each.resource.period)}")

    def _set(self, options: dict[str, Any]) -> None:
        self._one(options, options["limit"], options["until"])

    def _remove(self, options: dict[str, Any]) -> None:
        self._one(options, "remove", "")

    def _one(self, options: dict[str, Any], limit: str, until: str) -> None:
        """One override is a table of one row: relative limits and words for times are read in one place."""
        row = Asked(1, options["user"], options["resource"], limit, until, options["reason"])
        (planned,) = _apply(actor_of_shell(options["username"]), bulk.plan([row]), options["reason"]).rows
        if planned.outcome == Outcome.REFUSED:
            raise CommandError(planned.message)
        changed = f"{planned.before} -> {planned.after}"
        said = f"{planned.before} as before; nothing was changed" if planned.outcome == Outcome.SAME else changed
        self.stdout.write(f"{options['resource']} of {_who(planned)}: {said}")

    def _reset(self, options: dict[str, Any]) -> None:
        person = _person(options["user"])
        actor = actor_of_shell(options["username"])
        forgotten = usage_services.reset_usage(actor, person.id, options["resource"], options["reason"])
        self.stdout.write(f"{options['resource']} of {person.email} is reset; {forgotten:,} forgotten.")

    def _import(self, options: dict[str, Any]) -> None:
        actor = None if options["dry_run"] else actor_of_shell(options["username"])
        given = read(options["file"], legacy=True)
        if given.guessed:
            self.stderr.write(f"{options['file']} is not UTF-8 and was read as Windows-1252.")
        rows = bulk.plan(bulk.read_table(given.text), options["reason"])
        done = _apply(actor, rows, options["reason"]) if actor else Done(rows)
        if options["as_json"]:
            self.stdout.write(json.dumps(done_out(done), cls=DjangoJSONEncoder))
            return
        for row in done.rows:
            said = row.message or f"{row.before} -> {row.after}"
            self.stdout.write(f"line {row.asked.line}: {row.outcome}: {row.asked.resource} of {_who(row)}: {said}")
        self.stdout.write(", ".join(f"{number} {outcome}" for outcome, number in done.counts.items()))

    def _export(self, options: dict[str, Any]) -> None:
        for chunk in csv_lines(bulk.COLUMNS, bulk.export_rows()):
            self.stdout.write(chunk, ending="")

    def _resources(self, options: dict[str, Any]) -> None:
        for each in Resource.objects.all():
            if options["as_json"]:
                self.stdout.write(json.dumps(ResourceOut.from_orm(each).model_dump(), cls=DjangoJSONEncoder))
                continue
            default = "none" if each.default_limit is None else words.amount(each.unit, each.default_limit)
            span = words.span(each.kind, each.window_seconds, each.period)
            self.stdout.write("\t".join((each.name, each.kind, f"{default} {span}".strip(), each.title)))

    def _create_resource(self, options: dict[str, Any]) -> None:
        name, kind = options["name"], options["kind"]
        values = read_settings(options["fields"], Resource(name=name, kind=kind))
        create_resource(actor_of_shell(options["username"]), name, kind, values, options["reason"])
        self.stdout.write(f"{name} is defined.")

    def _edit_resource(self, options: dict[str, Any]) -> None:
        known = queries.resource(options["name"])
        values = read_settings(options["fields"], known)
        if not values:
            raise InvalidInput("setting", f"Give FIELD=VALUE, of {', '.join(EDITABLE)}.")
        actor = actor_of_shell(options["username"])
        edited = edit_resource(actor, known.name, values, known.version, options["reason"])
        changed = edited.version != known.version
        self.stdout.write(f"{known.name} is changed." if changed else f"{known.name}: no changes.")


def _apply(actor: Actor, rows: Sequence[Planned], reason: str) -> Done:
    try:
        return bulk.apply(actor, rows, reason)
    except InvalidInput:
        return Done(list(rows))  # nothing to do, which each row says


def _person(text: str) -> Person:
    found = directory.named([text]).get(text)
    if found is None:
        raise NotFound(f"Nobody in the directory has the id or mail {text[:80]!r}.")
    return found


def _who(row: Planned) -> str:
    return row.person.email if row.person else row.asked.user
