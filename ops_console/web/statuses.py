"""Every word a status badge may show, with the icon and the tone that go with it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Status:
    """`tone` is ok, warn, bad, info or idle: it picks the colour, never without word and icon."""

    label: str
    tone: str
    icon: str


_ICONS = {
    "ok": "check-circle",
    "warn": "exclamation-triangle",
    "bad": "x-circle",
    "info": "information-circle",
    "idle": "minus-circle",
}

_TONES = {
    "ok": "ok on new active alive closed completed done finished healthy processed published changed delivered applied"
    " swept armed",
    "warn": "half_open slow suspected degraded behind expiring warning paused stale shadow mass_stop skipped locked",
    "bad": "open dead failed error killed refused firing quarantined unavailable missing exceeded crashed silent",
    "info": "running processing releasing partial pending waiting rules forced retrying canary scheduled dry_run",
    "idle": "off idle same removed queued unknown disabled archived expired cancelled none inactive resolved"
    " finished_meanwhile ended",
}

_OWN_ICON = {
    "half_open": "adjustments-horizontal",
    "running": "arrow-path",
    "processing": "arrow-path",
    "retrying": "arrow-path",
    "queued": "queue-list",
    "pending": "clock",
    "waiting": "clock",
    "paused": "pause-circle",
    "killed": "no-symbol",
    "locked": "lock-closed",
    "forced": "hand-raised",
    "partial": "adjustments-horizontal",
    "rules": "adjustments-horizontal",
    "archived": "archive-box",
    "dead": "signal-slash",
    "silent": "signal-slash",
    "slow": "clock",
    "scheduled": "calendar",
    "freezing": "queue-list",
    "suspected": "question-mark-circle",
    "unknown": "question-mark-circle",
}

_TONE_OF = {word: tone for tone, words in _TONES.items() for word in words.split()}


def status_of(word: str, tone: str = "", label: str = "", icon: str = "") -> Status:
    """The badge for a status word; whatever is given wins over what the word implies."""
    key = str(word).strip().lower().replace("-", "_").replace(" ", "_")
    picked = tone or _TONE_OF.get(key, "idle")
    return Status(
        label=label or str(word).replace("_", " ").capitalize(),
        tone=picked,
        icon=icon or _OWN_ICON.get(key) or _ICONS.get(picked, "minus-circle"),
    )
