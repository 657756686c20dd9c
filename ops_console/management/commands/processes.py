import json
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError
from django.core.serializers.json import DjangoJSONEncoder

from ops_console.access.shell import actor_of_shell
from ops_console.contract import queries, services
from ops_console.contract.api import ProcessOut
from ops_console.errors import ConsoleError
from ops_console.web.visible import ConsoleCommand


class Command(ConsoleCommand):
    help = "List processes as one JSON object a line, and remove those that will not come back."

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        show = acts.add_parser("list", help="the processes of the System page, lost ones first")
        show.add_argument("--state", choices=["lost", "behind", "problems", "live", "ended"], default="")
        show.add_argument("--service", default="")
        remove = acts.add_parser("remove", help="remove one process that is not live")
        remove.add_argument("id", type=UUID)
        lost = acts.add_parser("remove-lost", help="remove all crashed and silent processes of a service")
        lost.add_argument("service")
        lost.add_argument("--kind", default="backend", help="backend; or web, worker or beat of the console")
        for parser in (remove, lost):
            parser.add_argument("--reason", default="")
            parser.add_argument("--as", dest="username", default="", help="the operator who is recorded")

    def handle(self, *args: Any, act: str, **options: Any) -> None:
        try:
            if act == "list":
                for found in queries.processes(options["state"], options["service"]).order_by("rank", "service", "id"):
                    shown = ProcessOut.from_orm(found).model_dump()
                    self.stdout.write(json.dumps(shown, cls=DjangoJSONEncoder))
                return
            actor = actor_of_shell(options["username"])
            if act == "remove":
                gone = services.remove_process(actor, options["id"], options["reason"])
                self.stdout.write(f"Removed process {gone.pid} of {gone.service}.")
            else:
                count = services.remove_lost(actor, options["service"], options["kind"], options["reason"])
                self.stdout.write(f"Removed {count:,} lost of {options['service']}.")
        except ConsoleError as error:
            raise CommandError(error.message) from error
