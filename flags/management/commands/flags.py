import json
from argparse import ArgumentParser
from collections.abc import Callable, Iterable
from typing import Any

from django.core.management.base import CommandError
from django.core.serializers.json import DjangoJSONEncoder

from flags import promotion, queries, services, usage
from flags.management.arguments import add_arguments
from flags.models import Flag, State
from flags.promotion.telling import cell, told
from flags.promotion.writing import portable
from flags.staleness import reasons
from flags.why import known_context, why
from ops_client.flags.imported import Imported
from ops_console.access.actor import Actor
from ops_console.access.shell import actor_of_shell
from ops_console.errors import ConsoleError, InvalidInput
from ops_console.pending_changes.models import PendingChange
from ops_console.web.text_files import read
from ops_console.web.visible import ConsoleCommand

Options = dict[str, Any]
READERS: dict[str, Callable[[Any], Imported]] = {"unleash": promotion.unleash, "waffle": promotion.waffle}


class Command(ConsoleCommand):
    help = "Read and change flags through the same services as the pages. Writing asks for --as USER."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_arguments(parser)

    def handle(self, *args: Any, what: str, **options: Any) -> None:
        act: Callable[[Options], None] = self._switch(State(what)) if what in State else getattr(self, f"_{what}")
        try:
            act(options)
        except ConsoleError as error:
            raise CommandError(error.message) from error

    def _list(self, options: Options) -> None:
        wanted = {name: options[name] for name in ("text", "state", "kind", "tag", "owner")}
        flags = list(queries.flags(**wanted).order_by("name"))
        asked = usage.last_asked(flag.name for flag in flags)
        lines = [_summary(flag) | {"last_asked_at": asked.get(flag.name)} for flag in flags]
        self._lines(lines, options, ("name", "state", "percent", "kind", "owner", "last_asked_at", "stale"))

    def _undefined(self, options: Options) -> None:
        self._lines([vars(each) for each in usage.undefined()], options, ("name", "count", "last_at", "services"))

    def _show(self, options: Options) -> None:
        flag = queries.flag_named(options["name"])
        shown = {**portable(flag), **_summary(flag), "version": flag.version, "modified": flag.modified}
        if options["json"]:
            self._print(shown)
        else:
            for field, value in shown.items():
                self.stdout.write(f"{field:14} {cell(value)}")

    def _switch(self, state: State) -> Callable[[Options], None]:
        def switch(options: Options) -> None:
            if state == State.ON and not options["yes"]:
                raise CommandError("On for everyone, whatever the rules say? Say --yes.")
            flag = queries.flag_named(options["name"])
            switched = services.switch(_actor(options), flag, state, options["reason"], options["confirm"])
            done = f"{flag.name}: {state.label.lower()}."
            self.stdout.write(switched.text if isinstance(switched, PendingChange) else done)

        return switch

    def _percent(self, options: Options) -> None:
        flag = queries.flag_named(options["name"])
        percent = None if options["percent"] == "none" else options["percent"].removesuffix("%")
        values = {"percent": percent}
        services.edit(_actor(options), flag.pk, values, flag.version, options["reason"], options["confirm"])
        state = "" if flag.everyone is None else f" It is {flag.state.label.lower()} now, whatever its percentage."
        self.stdout.write(f"{flag.name}: {'no percentage' if percent is None else f'{percent} %'}.{state}")

    def _why(self, options: Options) -> None:
        context = {**(known_context(options["user"]) if options["user"] else {}), **_fields(options["fields"])}
        found = why(options["name"], context)
        if options["json"]:
            self._print({**found.as_dict(), "context": context})
        else:
            self.stdout.write("\n".join(found.lines()))

    def _export(self, options: Options) -> None:
        for chunk in promotion.written(options["names"]):
            self.stdout.write(chunk, ending="")

    def _import(self, options: Options) -> None:
        *source, file = options["source"]
        if len(source) > 1 or not set(source) <= READERS.keys():
            raise CommandError("Give a FILE, or unleash FILE, or waffle FILE.")
        reader = READERS[source[0]] if source else promotion.own
        report = promotion.run(
            _actor(options),
            reader(_document(file)),
            dry_run=options["dry_run"],
            with_state=options["with_state"] or bool(source),
            reason=options["reason"],
        )
        self._report(report, options)

    def _report(self, report: promotion.Report, options: Options) -> None:
        if options["json"]:
            rows = [vars(result) for result in report.results]
            problems = [{"flag": each.flag, "rule": each.rule, "message": each.message} for each in report.problems]
            self._print({"dry_run": report.dry_run, "counts": report.counts, "rows": rows, "problems": problems})
        else:
            for line in told(report):
                self.stdout.write(line)
        if report.counts["refused"] and not report.dry_run:
            raise CommandError(f"{report.counts['refused']} were refused; the others are stored.")

    def _lines(self, rows: Iterable[dict[str, Any]], options: Options, columns: Iterable[str]) -> None:
        for row in rows:
            if options["json"]:
                self._print(row)
            else:
                self.stdout.write("\t".join(cell(row[column]) for column in columns))

    def _print(self, value: Any, indent: int | None = None) -> None:
        self.stdout.write(json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False, indent=indent))


def _actor(options: Options) -> Actor:
    return actor_of_shell(options["username"])


def _summary(flag: Flag) -> dict[str, Any]:
    return {
        "name": flag.name,
        "state": "archived" if flag.archived_at else str(flag.state),
        "percent": flag.percent,
        "kind": flag.kind,
        "owner": flag.owner,
        "stale": reasons(flag),
    }


def _fields(pairs: Iterable[str]) -> dict[str, str]:
    found = dict(pair.partition("=")[::2] for pair in pairs if "=" in pair)
    if len(found) < len(list(pairs)):
        raise CommandError("The context is written as FIELD=VALUE, each field once, such as tier=pro.")
    return found


def _document(file: str) -> Any:
    try:
        return json.loads(read(file).text)
    except (InvalidInput, ValueError, RecursionError) as error:
        raise CommandError(f"{file} cannot be read as JSON: {error}") from error
