from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from incidents.operations.sources import SOURCES
from incidents.operations.sources.indexes import missing_indexes
from incidents.operations.sources.schema import forget


class Command(BaseCommand):
    help = "Say what each source can and cannot do on the live schema, and which index it lacks, as SQL."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=["check"])

    def handle(self, *args: Any, **options: Any) -> None:
        forget()
        for source in SOURCES.values():
            live = source.live()
            self.stdout.write(f"{source.kind} ({source.qualified_table})")
            for ability in ("list", "retry", "fail"):
                self.stdout.write(f"  {ability}: {source.why_not(ability, live) or 'yes'}")
            for problem in source.problems(live):
                self.stdout.write(f"  - {problem.message} {problem.hint}")
            if not source.why_not("list", live):
                for statement in missing_indexes(source, live).values():
                    self.stdout.write(f"  {statement}")
