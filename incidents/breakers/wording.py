"""What the breakers' pages say: the question before an override, and the settings in words."""

from typing import Any

from django.urls import reverse

from incidents.breakers.models import Mode
from incidents.breakers.queries import SHARE_MINUTES
from incidents.breakers.states import BreakerState
from ops_console.web import Question
from ops_console.web.formatting import duration, rate

_EFFECTS = {
    Mode.FORCE_OPEN: "Every call is refused",
    Mode.FORCE_CLOSED: "Every call goes through, however many fail; they are still counted",
    Mode.DISABLED: "Every call goes through and none is counted, as if there were no breaker",
}
_SETTINGS = {
    "failure_rate": "Failure threshold",
    "minimum_calls": "Minimum calls",
    "window_calls": "Window (calls)",
    "window_seconds": "Window (time)",
    "slow_call_rate": "Slow-call threshold",
    "slow_call_seconds": "Slow call after",
    "open_seconds": "Open for",
    "probe_seconds": "Probe timeout",
}


def question_of(state: BreakerState, mode: Mode) -> Question:
    """What forcing does, in numbers of now, before it is done."""
    notes = ["The override ends at its expiry. You can remove it earlier."]
    if state.override is not None:
        notes.append(f"It replaces the override by {state.override.actor}: {state.override.reason}")
    return Question(
        f"{mode.label}: {state.name}",
        action=f"{reverse('breakers:override', args=[state.name])}?mode={mode}",
        back=reverse("breakers:page", args=[state.name]),
        effect=f"{_EFFECTS[mode]}. {_calls(state)} {_processes(state.processes)}",
        notes=notes,
        confirm=mode.label,
        tone="danger",
    )


def settings_in_words(config: dict[str, Any]) -> list[tuple[str, str]]:
    """The settings that are set, in the order in which they make a sentence; unknown ones by their own name."""
    known = [name for name in _SETTINGS if config.get(name) is not None]
    if config.get("slow_call_seconds") is None:
        known = [name for name in known if name != "slow_call_rate"]
    others = sorted(name for name in config.keys() - _SETTINGS.keys() if config[name] is not None)
    return [(_SETTINGS.get(name, name), _value(name, config[name])) for name in [*known, *others]]


def _calls(state: BreakerState) -> str:
    calls = state.calls
    if not calls.final_calls:
        return f"Nobody called it in the last {SHARE_MINUTES} minutes."
    share = rate(calls.final_failure_rate)
    return f"{calls.final_calls:,} calls were asked for in the last {SHARE_MINUTES} minutes, {share} of them failed."


def _processes(count: int) -> str:
    if count == 0:
        return "No live process reports this breaker; the override applies to processes when they start."
    return f"It applies to {count:,} process{'es' if count > 1 else ''} within a second."


def _value(name: str, value: Any) -> str:
    if name.endswith("_seconds"):
        return duration(value)
    return rate(value) if name.endswith("_rate") else str(value)
