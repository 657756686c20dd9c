from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from ops_console.audit.sealing import stored_heads
from ops_console.audit.verification import verify
from ops_console.web.visible import ConsoleCommand


class Command(ConsoleCommand):
    help = (
        "Compare every audit entry with the chain of seals. Names the entries that were removed, changed or inserted, "
        "or have had no seal for 5 minutes, and ends with 1 if there are any. Reads only."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--head",
            action="append",
            default=[],
            help="a head that you kept, from the log: the chain must hold it; may be given several times",
        )

    def handle(self, *args: Any, head: list[str], **options: Any) -> None:
        kept: list[tuple[int | None, str]] = [(None, each) for each in head]
        report = verify([*kept, *(stored_heads() if settings.AUDIT_HEAD_URL else ())])
        findings = report.findings()
        for finding in findings:
            self.stdout.write(finding)
        if findings:
            raise CommandError("The audit is not what was sealed.")
        self.stdout.write(
            f"{report.entries:,} entries are as {report.seals:,} seals say. Head: {report.head or 'none yet'}. "
            f"{report.unsealed:,} new entries wait for their seal."
        )
