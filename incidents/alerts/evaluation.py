"""One evaluation of every rule: alerts move through their states, and messages are written in the same transaction."""

import logging
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import OperationalError, connection, transaction
from psycopg.errors import LockNotAvailable

from incidents.alerts import machine, messages
from incidents.alerts.conditions import CONDITIONS, RULE_FAILED, Found, NoData, Unknown
from incidents.alerts.machine import Event, Standing, State, Timing
from incidents.alerts.models import Alert, Rule
from ops_client.telemetry.scrub import scrubbed_text
from ops_client.text import replace_unstorable
from ops_console.errors import ConsoleError
from ops_console.live import publish

logger = logging.getLogger(__name__)
# Of one rule. What is beyond is counted in one alert of its own.
MOST_ALERTS = 100
MORE = "(more)"
_LONGEST_URL = 300
_LONGEST_ERROR = 400


@dataclass(frozen=True)
class Looked:
    """What a condition found, which subjects it could not judge, and why nothing or not everything is known.

    `error` is what it raised.
    """

    found: Sequence[Found] = ()
    unknown: frozenset[str] = frozenset()
    no_data: str = ""
    error: str = ""


def database_now() -> datetime:
    """The database's clock: what was evaluated when is compared with it, whatever the clock of a worker says."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment


def evaluate_all(now: Callable[[], datetime] = database_now) -> bool:
    """Evaluate all rules once, as the only one: False while another process does."""
    with transaction.atomic():
        if not _is_only_one():
            return False
        enabled = {rule.name: rule for rule in _rules() if rule.enabled and rule.name in CONDITIONS}
        looked = {name: _look(rule) for name, rule in enabled.items() if name != RULE_FAILED}
        # Locked only after the slow part. A rule that was disabled meanwhile fires no more.
        rules = list(Rule.objects.select_for_update().order_by("name"))
        moment = now()
        changed = False
        for rule in sorted(rules, key=lambda each: each.name == RULE_FAILED):
            if rule.name == RULE_FAILED and rule.name in enabled:
                looked[rule.name] = _look(rule)
            changed |= _apply(rule, looked.get(rule.name), moment)
        if changed:
            publish("alerts")
    return True


def close_alerts(rule: Rule, because: str, now: datetime) -> bool:
    """Resolve what fires by this rule and drop what is pending, since nobody evaluates it any more."""
    open_alerts = list(Alert.objects.filter(rule=rule).exclude(state=State.RESOLVED))
    for alert in open_alerts:
        if alert.state == State.PENDING:
            alert.delete()
            continue
        alert.state, alert.resolved_at, alert.closed_because = State.RESOLVED.value, now, because[:300]
        alert.save(update_fields=["state", "resolved_at", "closed_because"])
        messages.write(alert, Event.CLOSED, now)
    return bool(open_alerts)


def make_rules() -> None:
    """A rule for every condition that has none yet, with its defaults."""
    missing = CONDITIONS.keys() - set(Rule.objects.values_list("name", flat=True))
    Rule.objects.bulk_create([_default(name) for name in sorted(missing)], ignore_conflicts=True)


def _rules() -> list[Rule]:
    make_rules()
    return list(Rule.objects.all())


def _default(name: str) -> Rule:
    condition = CONDITIONS[name]
    return Rule(
        name=name,
        limit=condition.limit,
        for_seconds=condition.for_seconds,
        keep_firing_seconds=condition.keep_firing_seconds,
    )


def _is_only_one() -> bool:
    """Hold a lock until the transaction ends: it blocks no read or write, and backends have no right to it."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE ops.alerts_alert IN SHARE UPDATE EXCLUSIVE MODE NOWAIT")
    except OperationalError as error:
        if not isinstance(error.__cause__, LockNotAvailable):
            raise
        return False
    return True


def _look(rule: Rule) -> Looked:
    """What the rule's condition finds. Nothing that it raises stops the other rules."""
    try:
        with transaction.atomic():
            seen = list(CONDITIONS[rule.name].look(rule.limit))
    except NoData as error:
        return Looked(no_data=error.message)
    except Exception as error:
        logger.exception("The alert rule %s cannot be evaluated", rule.name)
        message = _error_text(error)
        return Looked(no_data=message, error=message)
    unknown = [each for each in seen if isinstance(each, Unknown)]
    return Looked(
        [each for each in seen if isinstance(each, Found)],
        frozenset(each.subject for each in unknown),
        " ".join(each.why for each in unknown),
    )


def _apply(rule: Rule, looked: Looked | None, now: datetime) -> bool:
    """Move the rule's alerts; whether anything changed that a page shows."""
    try:
        with transaction.atomic():
            if rule.name not in CONDITIONS:
                return close_alerts(rule, "The rule no longer exists.", now)
            if not rule.enabled:
                return close_alerts(rule, "The rule is disabled.", now)
            return looked is not None and _evaluate(rule, looked, now)
    except Exception as error:
        logger.exception("The alerts of the rule %s cannot be updated", rule.name)
        message = _error_text(error)
        return _note(rule, Looked(no_data=message, error=message), now)


def _error_text(error: Exception) -> str:
    """What people are shown and sent of an error, without what must not leave the console."""
    text = error.message if isinstance(error, ConsoleError) else f"{type(error).__name__}: {error}"
    return replace_unstorable(scrubbed_text(text.strip())[:_LONGEST_ERROR])


def _evaluate(rule: Rule, looked: Looked, now: datetime) -> bool:
    standing = {alert.subject: alert for alert in Alert.objects.filter(rule=rule).exclude(state=State.RESOLVED)}
    timing = Timing(rule.for_seconds, rule.keep_firing_seconds)
    moved = False
    if not looked.no_data or looked.found or looked.unknown:
        found = {each.subject: each for each in _bounded(looked.found, standing.keys())}
        moves = [_see(rule, standing.get(subject), each, timing, now) for subject, each in found.items()]
        gone = standing.keys() - found.keys() - looked.unknown
        moves += [_miss(standing[subject], timing, now) for subject in sorted(gone)]
        moved = any(moves)
    return _note(rule, looked, now) or moved


def _bounded(found: Sequence[Found], known: Set[str]) -> list[Found]:
    """At most MOST_ALERTS, those that have an alert already first, and one that counts the rest."""
    shown = [replace(each, subject=each.subject[:200]) for each in found]
    if len(shown) <= MOST_ALERTS:
        return shown
    shown.sort(key=lambda each: (each.subject not in known, each.subject))
    rest = len(shown) - MOST_ALERTS
    more = Found(MORE, rest, f"{rest:,} more than the {MOST_ALERTS} that are listed.", "")
    return [*shown[:MOST_ALERTS], more]


def _note(rule: Rule, looked: Looked, now: datetime) -> bool:
    no_data = replace_unstorable(looked.no_data[:500])
    changed = (rule.no_data, rule.error) != (no_data, looked.error)
    rule.looked_at, rule.no_data, rule.error = now, no_data, looked.error
    rule.save(update_fields=["looked_at", "no_data", "error"])
    return changed


def _see(rule: Rule, alert: Alert | None, found: Found, timing: Timing, now: datetime) -> bool:
    before = alert.state if alert else None
    standing, event = machine.seen(_standing(alert), timing, now)
    alert = alert or Alert(rule=rule, subject=found.subject)
    alert.value, alert.summary = found.value, found.summary[:500]
    # The address of a thing with a long name; half of it leads nowhere.
    alert.url = found.url if len(found.url) <= _LONGEST_URL else ""
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
