"""What `manage.py operations` can do to operations: the same services as the pages, and counts as JSON."""

import json
import time
from argparse import ArgumentParser
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from incidents.operations import services
from incidents.operations.models import Action, Verb
from incidents.operations.preview import MOST_JUDGED_FOR_PROGRAMS, Preview, preview
from incidents.operations.progress import Progress, action_progress, progress, reasons, running_actions
from incidents.operations.release import release_action
from incidents.operations.scope import Scope
from incidents.operations.sources import DEFAULT_KIND, STATES
from incidents.operations.verbs import RULES
from ops_console.access.shell import actor_of_shell

VERBS = [verb for verb in Verb if verb != Verb.TAKE_BACK]
POLL_SECONDS = 0.5
Write = Callable[[str], object]


def add_verbs(acts: Any) -> None:
    """A subcommand for each verb, and `bulk` for what is under way."""
    for verb in VERBS:
        _add_verb(acts.add_parser(verb.value, help=f"{RULES[verb].does} operations"), verb)
    bulk = acts.add_parser("bulk", help="show actions, or steer one: pause, resume, cancel, change its rate, take back")
    bulk.add_argument("id", nargs="?", type=int, help="which action; without, all that are under way")
    bulk.add_argument("--do", choices=["pause", "resume", "cancel", "take-back"], default="")
    bulk.add_argument("--rate", help="operations a second from now on; `none` for as fast as it goes")
    _add_common(bulk)


def _add_verb(parser: ArgumentParser, verb: Verb) -> None:
    parser.add_argument("ids", nargs="*", help="which ones; without, all of --state")
    parser.add_argument("--kind", default=DEFAULT_KIND)
    parser.add_argument("--state", choices=STATES, default="waiting" if verb == Verb.RELEASE else "stuck")
    parser.add_argument("--all", action="store_true", help="yes, all of the state: needed to act without ids")
    parser.add_argument("--all-stuck", action="store_true", help="all that are stuck")
    parser.add_argument("--dry-run", action="store_true", help="only say what would happen")
    parser.add_argument("--max", type=int, dest="most", help="change at most this many, the longest waiting first")
    parser.add_argument("--canary", action="store_true", help="pause after the first ten")
    parser.add_argument("--rate", type=float, help="most operations a second")
    if verb == Verb.FAIL:
        parser.add_argument("--notify", action="store_true", help="tell the users, by notification and mail")
        parser.add_argument("--free", action="store_true", help="have the backend free what they leave behind")
    if verb == Verb.SNOOZE:
        parser.add_argument("--until", help="ISO 8601, with its zone")
    _add_common(parser)


def _add_common(parser: ArgumentParser) -> None:
    parser.add_argument("--reason", default="")
    parser.add_argument("--as", dest="username", default="", help="the operator who is recorded")
    parser.add_argument("--wait", action="store_true", help="until it is over; print what came of it")
    parser.add_argument("--json", action="store_true", help="as every answer is")


def act(verb: str, options: dict[str, Any], write: Write) -> None:
    """One verb on what the options mean. Raises CommandError, ConsoleError."""
    whole = options["all"] or options["all_stuck"]
    if not options["ids"] and not whole:
        raise CommandError("Name ids, or say --all for all that are in the state (--all-stuck: all that are stuck).")
    if options["most"] is not None and options["most"] < 1:
        raise CommandError("--max is a number of operations, 1 or more.")
    state = "stuck" if options["all_stuck"] else "any" if options["ids"] else options["state"]
    scope = Scope(options["kind"], state, ids=tuple(options["ids"]) or None)
    if options["dry_run"]:
        write(json.dumps(_expected(preview(scope, verb, options["most"], MOST_JUDGED_FOR_PROGRAMS))))
        return
    action = services.start(
        actor_of_shell(options["username"]), scope, verb, options["reason"], options=_options(options)
    )
    _say(action, options["wait"], write)


def steer(options: dict[str, Any], write: Write) -> None:
    """Show what is under way, or change how one goes on. Raises CommandError, ConsoleError."""
    action_id = options["id"]
    if action_id is None:
        for each in progress(running_actions()):
            write(json.dumps(_counts(each)))
        return
    action = _steered(action_id, options) if options["do"] or options["rate"] else action_progress(action_id).action
    _say(action, options["wait"], write)


def _steered(action_id: int, options: dict[str, Any]) -> Action:
    actor = actor_of_shell(options["username"])
    if options["rate"]:
        return services.set_rate(actor, action_id, _rate(options["rate"]))
    if options["do"] == "take-back":
        return services.take_back(actor, action_id, options["reason"])
    steps = {"pause": services.pause, "resume": services.resume, "cancel": services.cancel}
    return steps[options["do"]](actor, action_id)


def _options(options: dict[str, Any]) -> services.Options:
    return services.Options(
        canary=options["canary"],
        rate_per_second=options["rate"],
        notifies=options.get("notify", False),
        frees=options.get("free", False),
        snooze_until=_moment(options.get("until")),
        most=options["most"],
    )


def _moment(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(
            f"--until is a time in ISO 8601, like {timezone.now().isoformat(timespec='minutes')}."
        ) from None
    return moment if moment.tzinfo else timezone.make_aware(moment)


def _rate(text: str) -> float | None:
    try:
        return None if text == "none" else float(text)
    except ValueError:
        raise CommandError("--rate is a number of operations a second, or none.") from None


def _say(action: Action, wait: bool, write: Write) -> None:
    """The counts as they are; with `wait`, when it is over: this process releases as well as any worker."""
    while wait and action.is_open and action.state != Action.State.PAUSED:
        release_action(action.pk)
        action.refresh_from_db()
        if action.is_open:
            time.sleep(POLL_SECONDS)
    excepted = {row["detail"]: row["number"] for row in reasons(action.pk)}
    write(json.dumps({**_counts(action_progress(action.pk)), "excepted": excepted}))


def _counts(found: Progress) -> dict[str, Any]:
    action = found.action
    return {
        "action": action.pk,
        "verb": action.verb,
        "kind": action.kind,
        "state": action.state,
        "total": action.total,
        "changed": found.changed,
        "finished_meanwhile": found.finished_meanwhile,
        "locked": found.locked,
        "ineligible": found.ineligible,
        "left": found.left,
        "release_at": action.release_at.isoformat(),
        "problem": action.problem,
    }


def _expected(found: Preview) -> dict[str, Any]:
    return {
        "total": found.total,
        "more": found.is_more,
        "judged": found.judged,
        "eligible": found.eligible,
        "excluded": dict(found.exclusions),
        "users": found.users,
        "statuses": dict(found.statuses),
    }
