"""Changes to alerts: acknowledge one, and edit a rule."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from incidents.alerts.evaluation import close_alerts
from incidents.alerts.machine import State
from incidents.alerts.models import Alert, Rule
from ops_client.json_types import same_json
from ops_client.text import is_storable
from ops_console.access.actor import Actor
from ops_console.access.roles import Role, require
from ops_console.audit.services import Target, record, snapshot
from ops_console.errors import Conflict, InvalidInput, NotFound
from ops_console.live import publish

EDITABLE = (
    "enabled",
    "limit",
    "for_seconds",
    "keep_firing_seconds",
    "quiet_from",
    "quiet_until",
    "timezone",
    "runbook_url",
)
LONGEST_SECONDS = 7 * 24 * 3600
LONGEST_NOTE = 2_000
BOTH_ENDS = "Quiet hours have a beginning and an end; give both or neither."


def acknowledge(actor: Actor, alert_id: int, note: str = "") -> Alert:
    """Acknowledge an alert. Raises NotAllowed, NotFound, and Conflict where somebody else was first."""
    require(actor, Role.OPERATOR)
    with transaction.atomic():
        alert = _locked(alert_id)
        if alert.acknowledged_by:
            raise Conflict(
                f"{alert.acknowledged_by} has already acknowledged this alert.",
                current={"acknowledged_by": alert.acknowledged_by, "note": alert.note},
                submitted={"acknowledged_by": actor.name, "note": note},
                target=("alert", str(alert.pk)),
            )
        return _acknowledge(actor, alert, "alert.acknowledge", actor.name, note)


def release(actor: Actor, alert_id: int) -> Alert:
    """Withdraw the acknowledgement. Raises NotAllowed, NotFound."""
    require(actor, Role.OPERATOR)
    with transaction.atomic():
        return _acknowledge(actor, _locked(alert_id), "alert.release", "", "")


def edit_rule(actor: Actor, name: str, values: Mapping[str, Any], version: int, reason: str = "") -> Rule:
    """Change a rule. Disabling it closes its open alerts; nothing is written where nothing changes.

    Raises NotAllowed, NotFound, InvalidInput, Conflict.
    """
    require(actor, Role.ADMIN)
    with transaction.atomic():
        rule = Rule.objects.select_for_update().filter(pk=name).first()
        if rule is None:
            raise NotFound(f"There is no alert rule named {name[:40]!r}.")
        before = snapshot(rule, EDITABLE)
        wanted = {field: values[field] for field in EDITABLE if field in values}
        if rule.version != version:
            current, submitted = {**before, "version": rule.version}, {**before, **wanted, "version": version}
            message = f"{name} was changed while you were editing it."
            raise Conflict(message, current, submitted, ("alert_rule", name))
        for field, value in wanted.items():
            setattr(rule, field, value)
        check_rule(rule)
        after = snapshot(rule, EDITABLE)
        if same_json(before, after):
            return rule
        rule.version += 1
        rule.save()
        if before["enabled"] and not rule.enabled:
            close_alerts(rule, f"The rule was disabled by {actor.name}.", timezone.now())
        target = Target("alert_rule", name, name)
        record(actor, "alert_rule.edit", target, before=before, after=after, reason=reason)
        publish("alerts")
    return rule


def check_rule(rule: Rule) -> None:
    """Raise InvalidInput naming the field that cannot be."""
    try:
        rule.clean_fields()
    except ValidationError as error:
        field, said = next(iter(error.message_dict.items()))
        raise InvalidInput(field, f"{field}: {said[0]}") from error
    if not 0 <= rule.limit <= 1e9:
        raise InvalidInput("limit", "limit: is a number from 0 to 1,000,000,000.")
    for field in ("for_seconds", "keep_firing_seconds"):
        if getattr(rule, field) > LONGEST_SECONDS:
            raise InvalidInput(field, f"{field}: is at most 7 days, {LONGEST_SECONDS:,} s.")
    if (rule.quiet_from is None) != (rule.quiet_until is None):
        raise InvalidInput("quiet_until", f"quiet_until: {BOTH_ENDS}")
    if rule.timezone not in available_timezones():
        raise InvalidInput("timezone", f"timezone: {rule.timezone[:63]!r} is none; give one such as Europe/Prague.")


def _acknowledge(actor: Actor, alert: Alert, what: str, name: str, note: str) -> Alert:
    if len(note) > LONGEST_NOTE or not is_storable(note):
        raise InvalidInput("note", f"note: is text of at most {LONGEST_NOTE:,} characters.")
    fields = ("acknowledged_by", "note")
    before = snapshot(alert, fields)
    alert.acknowledged_by, alert.note = name, note.strip()
    alert.acknowledged_at = timezone.now() if name else None
    alert.save(update_fields=["acknowledged_by", "acknowledged_at", "note"])
    target = Target("alert", str(alert.pk), alert.summary)
    record(actor, what, target, before=before, after=snapshot(alert, fields))
    publish("alerts")
    return alert


def _locked(alert_id: int) -> Alert:
    alert = Alert.objects.select_for_update().filter(pk=alert_id).first()
    if alert is None:
        raise NotFound("There is no such alert. Resolved alerts are kept for 90 days.")
    if alert.state == State.RESOLVED:
        raise InvalidInput("alert", "This alert is resolved and needs no acknowledgement.")
    return alert
