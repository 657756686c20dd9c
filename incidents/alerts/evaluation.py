"""One look at every condition: alerts move through their states, and messages are written in the same transaction."""

import logging
from collections.abc import Callable
from datetime import datetime

from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from incidents.alerts import machine, messages
from incidents.alerts.conditions import CONDITIONS, Condition, Found, NoData
from incidents.alerts.machine import Event, Standing, State, Timing
from incidents.alerts.models import Alert, Rule
from ops_console.errors import ConsoleError
from ops_console.live import publish

logger = logging.getLogger(__name__)


def evaluate_all(now: Callable[[], datetime] = timezone.now) -> bool:
    """Look once, as the only one: False when somebody else is looking at this moment."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext('ops.alerts'))")
            if not cursor.fetchone()[0]:
                return False
        changed = [_evaluate(rule, CONDITIONS[rule.name], now()) for rule in _rules() if rule.enabled]
        if any(changed):
            publish("alerts")
    return True


def make_rules() -> None:
    """A rule for every condition that has none yet, with its defaults."""
    missing = CONDITIONS.keys() - set(Rule.objects.values_list("name", flat=True))
    Rule.objects.bulk_create([_default(name) for name in sorted(missing)], ignore_conflicts=True)


def _rules() -> list[Rule]:
    make_rules()
    return list(Rule.objects.filter(name__in=CONDITIONS))


def _default(name: str) -> Rule:
    condition = CONDITIONS[name]
    return Rule(
        name=name,
        limit=condition.limit,
        for_seconds=condition.for_seconds,
        keep_firing_seconds=condition.keep_firing_seconds,
    )


def _evaluate(rule: Rule, condition: Condition, now: datetime) -> bool:
    """Whether anything changed that a page shows."""
    try:
        with transaction.atomic():  # a condition whose tables cannot be read must not spoil the other rules' look
            found = {each.subject: each for each in condition.look(rule.limit)}
    except (ConsoleError, DatabaseError) as error:
        return _looked(rule, now, _said(error))
    standing = {alert.subject: alert for alert in Alert.objects.filter(rule=rule).exclude(state=State.RESOLVED)}
    timing = Timing(rule.for_seconds, rule.keep_firing_seconds)
    moved = [_see(rule, standing.get(subject), each, timing, now) for subject, each in found.items()]
    moved += [_miss(alert, timing, now) for subject, alert in standing.items() if subject not in found]
    return _looked(rule, now, "") or any(moved)


def _said(error: Exception) -> str:
    if not isinstance(error, NoData):
        logger.warning("An alert's condition could not be looked at: %s", error)
    return str(error)[:500] or type(error).__name__


def _looked(rule: Rule, now: datetime, no_data: str) -> bool:
    changed = rule.no_data != no_data
    rule.looked_at, rule.no_data = now, no_data
    rule.save(update_fields=["looked_at", "no_data"])
    return changed


def _see(rule: Rule, alert: Alert | None, found: Found, timing: Timing, now: datetime) -> bool:
    before = alert.state if alert else None
    standing, event = machine.seen(_standing(alert), timing, now)
    alert = alert or Alert(rule=rule, subject=found.subject)
    alert.value, alert.summary, alert.url = found.value, found.summary[:500], found.url
    _keep(alert, standing, event, now)
    return alert.state != before


def _miss(alert: Alert, timing: Timing, now: datetime) -> bool:
    standing = _standing(alert)
    if standing is None:
        return False
    after, event = machine.gone(standing, timing, now)
    if after is None:
        alert.delete()
        return True
    if after.state == alert.state:
        return False
    _keep(alert, after, event, now)
    return True


def _standing(alert: Alert | None) -> Standing | None:
    return Standing(State(alert.state), alert.since, alert.last_seen_at) if alert else None


def _keep(alert: Alert, standing: Standing, event: Event | None, now: datetime) -> None:
    alert.state, alert.since, alert.last_seen_at = standing.state.value, standing.since, standing.last_seen_at
    if event is Event.FIRED:
        alert.fired_at = now
    elif event is Event.RESOLVED:
        alert.resolved_at = now
    alert.save()
    if event:
        messages.write(alert, event, now)
