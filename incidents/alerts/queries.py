"""Every read that the alerts' pages need."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Now

from incidents.alerts.conditions import CONDITIONS, Condition
from incidents.alerts.machine import State
from incidents.alerts.models import Alert, Message, Rule
from ops_console.errors import NotFound
from ops_console.web import Key, Keyset

ORDER = Keyset(Key("id", "int", descending=True), size=50)
# Rules are evaluated every ten seconds.
LATE = timedelta(minutes=1)
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


@dataclass(frozen=True)
class Evaluation:
    """What the rules' last evaluation covered: nothing that a page says of alerts goes beyond it.

    `at` is the oldest of the rules' last evaluations. `evaluated` rules are enabled and had data.
    """

    total: int
    evaluated: int
    disabled: int
    firing: int
    at: datetime | None
    is_late: bool

    @property
    def scope(self) -> str:
        """Which rules, in words: All 6 rules, or 4 of 6 rules."""
        if self.evaluated == self.total:
            return f"All {self.total} rules"
        return f"{self.evaluated} of {self.total} rules"

    @property
    def result(self) -> str:
        """What they found, in words."""
        return (
            f"{self.firing:,} alert{'s are' if self.firing > 1 else ' is'} firing" if self.firing else "none is firing"
        )

    @property
    def gaps(self) -> str:
        """Which rules said nothing, in words; "" if all did."""
        unknown = self.total - self.evaluated - self.disabled
        parts = [
            f"{unknown} {'have' if unknown > 1 else 'has'} no data" if unknown else "",
            f"{self.disabled} {'are' if self.disabled > 1 else 'is'} disabled" if self.disabled else "",
        ]
        return ", ".join(part for part in parts if part)


@dataclass(frozen=True)
class Firing:
    """Counts of firing alerts, with what was evaluated for them."""

    total: int
    unacknowledged: int
    evaluation: Evaluation


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
        raise NotFound("There is no such alert. Resolved alerts are kept for 90 days.")
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
    rows = Rule.objects.filter(name__in=CONDITIONS).annotate(firing=firing, database_now=Now())
    return [RuleState(row, CONDITIONS[row.name], row.firing) for row in rows]


def rule(name: str) -> Rule:
    """One rule. Raises NotFound."""
    found = Rule.objects.filter(pk=name, name__in=CONDITIONS).first()
    if found is None:
        raise NotFound(f"There is no alert rule named {name[:40]!r}.")
    return found


def firing() -> Firing:
    """How many alerts fire now, how many of them nobody acknowledged, and what was evaluated; for the overview."""
    fires = Q(state=State.FIRING)
    counts = Alert.objects.aggregate(
        total=Count("pk", filter=fires), unacknowledged=Count("pk", filter=fires & Q(acknowledged_by=""))
    )
    return Firing(counts["total"], counts["unacknowledged"], evaluation(rules()))


def is_evaluated() -> bool:
    """Whether the rules are evaluated, by the database's clock: what a watchdog outside the evaluation asks."""
    enabled = Rule.objects.filter(enabled=True, name__in=CONDITIONS)
    return enabled.filter(looked_at__gt=Now() - LATE).exists() or not enabled.exists()


def evaluation(states: Sequence[RuleState]) -> Evaluation:
    """What was evaluated, and when at the latest. `states` are of `rules`."""
    enabled = [state for state in states if state.rule.enabled]
    looked = [state.rule.looked_at for state in enabled if state.rule.looked_at is not None]
    known = [state for state in enabled if state.rule.looked_at is not None and not state.rule.no_data]
    oldest = min(looked, default=None)
    return Evaluation(
        total=len(states),
        evaluated=len(known),
        disabled=len(states) - len(enabled),
        firing=sum(state.firing for state in states),
        at=oldest,
        is_late=oldest is None or len(looked) < len(enabled) or enabled[0].rule.database_now - oldest > LATE,  # type: ignore[attr-defined]
    )
