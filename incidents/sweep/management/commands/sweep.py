import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from incidents.sweep import queries, services
from incidents.sweep.queries import KindState
from ops_console.access.shell import actor_of_shell
from ops_console.errors import ConsoleError
from ops_console.web.visible import ConsoleCommand


class Command(ConsoleCommand):
    help = "Say how the sweep stands for each kind, as one JSON object a line; arm or disarm it for one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        acts.add_parser("status", help="every kind: armed or not, how many are usual, its last run")
        arm = acts.add_parser("arm", help="let it fail what is stuck of a kind")
        arm.add_argument("--most", type=int, help="how many at once are still usual; without, counted from its runs")
        disarm = acts.add_parser("disarm", help="back to dry runs, at once")
        for parser_of_act in (arm, disarm):
            parser_of_act.add_argument("kind")
            parser_of_act.add_argument("--reason", default="")
            parser_of_act.add_argument("--as", dest="username", default="", help="the person who is recorded")

    def handle(self, *args: Any, act: str, **options: Any) -> None:
        try:
            if act != "status":
                self._set(act, options)
            for state in queries.kinds():
                if act == "status" or state.source.kind == options["kind"]:
                    self.stdout.write(json.dumps(_line(state)))
        except ConsoleError as error:
            raise CommandError(error.message) from error

    def _set(self, act: str, options: dict[str, Any]) -> None:
        actor = actor_of_shell(options["username"])
        if act == "arm":
            services.arm(actor, options["kind"], options["most"], options["reason"])
        else:
            services.disarm(actor, options["kind"], options["reason"])


def _line(state: KindState) -> dict[str, Any]:
    last = state.last
    return {
        "kind": state.source.kind,
        "armed": bool(state.arming and state.arming.armed),
        "most": state.most,
        "problem": state.problem,
        "last_run": last
        and {
            "id": last.pk,
            "at": last.started_at.isoformat(),
            "result": last.result,
            "dead": last.dead,
            "suspected": last.suspected,
            "action": last.action_id,
        },
    }
