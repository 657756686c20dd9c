"""What `manage.py flags` can be asked, and with which options."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandParser

from flags.models import Kind, State

STATES = ("", "on", "rules", "off", "scheduled", "stale", "archived")


class _AnyOrder(CommandParser):
    """Takes FIELD=VALUE behind an option as well, where argparse no longer looks for it."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        found, left = super().parse_known_args(args, namespace)
        if hasattr(found, "fields"):
            found.fields += [each for each in left if not each.startswith("-")]
            left = [each for each in left if each.startswith("-")]
        return found, left


def add_arguments(parser: ArgumentParser) -> None:
    """A sub-command an act."""
    acts = parser.add_subparsers(dest="what", required=True, parser_class=_AnyOrder)
    _reading(acts)
    _switching(acts)
    _moving(acts)


def _reading(acts: Any) -> None:
    listing = acts.add_parser("list", help="flags, one a line")
    listing.add_argument("--text", default="", help="in name, note or owner")
    listing.add_argument("--state", choices=STATES, default="")
    listing.add_argument("--kind", choices=Kind.values, default="")
    listing.add_argument("--tag", default="")
    listing.add_argument("--owner", default="")
    _json(listing, "an object a line")
    undefined = acts.add_parser("undefined", help="names that code asked for in 7 days and nobody defined")
    _json(undefined, "an object a line")
    show = acts.add_parser("show", help="one flag, whole")
    show.add_argument("name")
    _json(show, "as one object")
    asked = acts.add_parser("why", help="why a flag answers as it does")
    asked.add_argument("name")
    asked.add_argument("fields", nargs="*", metavar="FIELD=VALUE", help="the context, such as tier=pro")
    asked.add_argument("--user", default="", help="a user id: tier and what backends last said of them")
    _json(asked, "as one object")


def _switching(acts: Any) -> None:
    for state in State:
        switch = acts.add_parser(state.value, help=state.label.lower())
        switch.add_argument("name")
        _writing(switch)
    acts.choices["on"].add_argument("--yes", action="store_true", help="yes, for everyone: needed")
    percent = acts.add_parser("percent", help="the percentage of all users; rules besides it stay")
    percent.add_argument("name")
    percent.add_argument("percent", help="0 to 100 in steps of 0.01, or none")
    _writing(percent)


def _moving(acts: Any) -> None:
    export = acts.add_parser("export", help="flags as a document for another environment")
    export.add_argument("names", nargs="*", help="which ones, with what they depend on; without, all in force")
    imported = acts.add_parser("import", help="store such a document, Unleash's, or a fixture of waffle's")
    imported.add_argument("source", nargs="+", metavar="[unleash|waffle] FILE")
    imported.add_argument("--dry-run", action="store_true", help="only say what would happen")
    imported.add_argument("--with-state", action="store_true", help="take over who is on or off for everyone too")
    _writing(imported)
    _json(imported, "as one object")


def _json(parser: ArgumentParser, shape: str) -> None:
    parser.add_argument("--json", action="store_true", help=f"{shape}, for programs")


def _writing(parser: ArgumentParser) -> None:
    parser.add_argument("--as", dest="username", default="", help="the operator who is recorded")
    parser.add_argument("--reason", default="", help="kept in the audit; a protected flag asks for one")
    parser.add_argument("--confirm", default="", metavar="NAME", help="a protected flag's name once more")
