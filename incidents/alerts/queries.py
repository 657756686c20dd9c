"""Every read that the alerts' pages need."""

from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from incidents.alerts.conditions import CONDITIONS, Condition
from incidents.alerts.machine import State
from incidents.alerts.models import Alert, Message, Rule
from ops_console.errors import NotFound
from ops_console.web import Key, Keyset

ORDER = Keyset(Key("id", "int", descending=True), size=50)
_TABS = {
    "": ~Q(state=State.RESOLVED),
    "firing": Q(state=State.FIRING),
    "pending": Q(state=State.PENDING),
    "resolved": Q(state=State.RESOLVED),
}


@dataclass(frozen=True)
class RuleState:
    """A rule with its condition, and how many of its alerts are firing."""

    rule: Rule
    condition: Condition
    firing: int

    @property
    def told(self) -> str:
        """When it fires, in words."""
        return self.condition.told(self.rule.limit)


def alerts(state: str = "") -> QuerySet[Alert]:
    """Alerts in one state; without one, all that are not over."""
    return Alert.objects.filter(_TABS.get(state, _TABS[""])).select_related("rule")


def counts() -> dict[str, int]:
    """How many alerts each tab holds; one query."""
    found: dict[str, int] = Alert.objects.aggregate(
        open=Count("pk", filter=_TABS[""]),
        **{name: Count("pk", filter=condition) for name, condition in _TABS.items() if name},
    )
    return {**found, "": found["open"]}


def alert(alert_id: int) -> Alert:
    """One alert with its rule. Raises NotFound."""
    found = Alert.objects.select_related("rule").filter(pk=alert_id).first()
    if found is None:
        raise NotFound("There is no such alert. Alerts that are over are kept for 90 days.")
    return found


def messages_of(found: Alert) -> list[Message]:
    """What was sent about it, the newest first."""
    return list(found.messages.order_by("-pk")[:50])


def last_messages() -> list[Message]:
    """What was sent last, about anything."""
    return list(Message.objects.select_related("alert").order_by("-pk")[:20])


def rules() -> list[RuleState]:
    """Every rule that has its condition; a rule is made at the first look."""
    firing = Count("alerts", filter=Q(alerts__state=State.FIRING))
    rows = Rule.objects.filter(name__in=CONDITIONS).annotate(firing=firing)
    return [RuleState(row, CONDITIONS[row.name], row.firing) for row in rows]


def rule(name: str) -> Rule:
    """One rule. Raises NotFound."""
    found = Rule.objects.filter(pk=name, name__in=CONDITIONS).first()
    if found is None:
        raise NotFound(f"There is no alert rule named {name[:40]!r}.")
    return found


def firing() -> list[Alert]:
    """What is firing now, the oldest first, for the overview."""
    return list(Alert.objects.filter(state=State.FIRING).select_related("rule").order_by("pk")[:50])
