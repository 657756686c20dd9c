"""Failures so large that the console keeps nothing beside each row: not in "recently resolved", but known by action."""

from datetime import timedelta

from django.utils import timezone

from incidents.operations import writing
from incidents.operations.models import Action, Verb
from incidents.operations.sources import all_sources
from incidents.operations.sources.states import RESOLVED_HOURS

MOST_SHOWN = 20


def unlisted_failures(kind: str) -> list[Action]:
    """Those of the last day, of one kind or of all, the newest first, whose rows hold the reason themselves."""
    kinds = [name for name, source in all_sources().items() if source.reason_as == "json" and kind in ("", name)]
    lately = timezone.now() - timedelta(hours=RESOLVED_HOURS)
    failures = Action.objects.filter(verb=Verb.FAIL, kind__in=kinds, started_at__gte=lately)
    return list(failures.filter(total__gt=writing.MARKED_UP_TO).order_by("-pk")[:MOST_SHOWN])
