"""What is let go of, and what stays."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from incidents.breakers.models import Breaker, Report, Transition
from ops_console.contract.models import Instance
from ops_console.retention import KEPT
from ops_console.telemetry.models import ProviderMinute

pytestmark = pytest.mark.django_db
OLD = timezone.now() - timedelta(days=100)


def expire(what: str) -> int:
    kept = next(kept for kept in KEPT if kept.what == what)
    return kept.expire(timedelta(days=kept.days))


def test_old_transitions_and_minutes_go() -> None:
    """Past their days they go, newer ones stay."""
    breaker = Breaker.objects.create(name="gemini", config={})
    for at in (OLD, timezone.now()):
        Transition.objects.create(
            breaker=breaker, at=at, from_status="closed", to_status="open", epoch=1, cause="x", service="s",
            instance_id=uuid4(),
        )  # fmt: skip
        ProviderMinute.objects.create(provider="gemini", minute_at=at, service="s")
    assert expire("breakers' transitions") == 1
    assert expire("calls to providers by the minute") == 1


def test_a_quiet_process_keeps_its_report() -> None:
    """A report is written on change only: an old one of a living process stays, one of a gone process goes."""
    breaker = Breaker.objects.create(name="gemini", config={})
    living, gone = uuid4(), uuid4()
    Instance.objects.create(
        id=living, service="s", host="h", pid=1, client_version="1", contract="v1", problems=[], started_at=OLD,
        seen_at=timezone.now(),
    )  # fmt: skip
    for instance in (living, gone):
        Report.objects.create(
            breaker=breaker, instance_id=instance, status="closed", epoch=0, calls=0, failures=0, slow=0,
            reported_at=OLD,
        )  # fmt: skip
    assert expire("what gone processes saw of breakers") == 1
    assert Report.objects.get().instance_id == living
