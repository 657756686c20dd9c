"""Decisions as HTTP: the only module that writes these headers and this body."""

from collections.abc import Iterable, Mapping
from math import ceil

from ops_client.quotas.decide import Decision, Kind
from ops_client.quotas.usage import Usage

_BYTES, _REQUESTS = frozenset({"bytes", "byte", "B"}), frozenset({"", "calls", "call", "requests", "request"})
_LARGEST_INTEGER = 10**15 - 1  # structured fields have no larger one
PROBLEM_TYPE = "application/problem+json"


def status(decision: Decision) -> int:
    """429; but 413 for storage, because clients try a 429 again by themselves and waiting frees nothing."""
    return 413 if decision.kind is Kind.STORAGE else 429


def headers(decision: Decision) -> dict[str, str]:
    """RateLimit-Policy, RateLimit and, on a refusal that a wait cures, Retry-After. None without a limit."""
    if decision.limit is None or decision.remaining is None:
        return {}
    name = _quoted(decision.resource)
    window = f";w={decision.window_seconds}" if decision.window_seconds is not None else ""
    # What is stored comes back when it is deleted, and not after a time.
    reset = "" if decision.kind is Kind.STORAGE else f";t={_integer(ceil(decision.reset_seconds))}"
    told = {
        "RateLimit-Policy": f"{name};q={_integer(decision.limit)}{_quota_unit(decision)}{window}",
        "RateLimit": f"{name};r={_integer(decision.remaining)}{reset}",
    }
    if not decision.allowed and decision.retryable:
        told["Retry-After"] = str(_retry_after(decision))
    return told


def problem(decision: Decision) -> Mapping[str, object]:
    """The body of a refusal, as RFC 9457 has it, with what a program and a person need to go on."""
    message = sentence(decision)
    body: dict[str, object] = {
        "type": "about:blank",
        "title": "Content Too Large" if status(decision) == 413 else "Too Many Requests",
        "status": status(decision),
        "detail": message,
        "code": "quota_exceeded",
        "message": message,
        "retryable": decision.retryable,
        "resource": decision.resource,
        "limit": decision.limit,
        "remaining": decision.remaining,
        "limit_source": decision.source.value,
        "policy": decision.policy,
    }
    if decision.retryable:
        body["retry_after_seconds"] = _retry_after(decision)
    return body


def usage_body(usages: Iterable[Usage]) -> list[dict[str, object]]:
    """What a user has used, for the backend's own front end: plain values, with the soft warnings."""
    return [
        {
            "resource": usage.resource,
            "title": usage.title,
            "unit": usage.unit,
            "kind": usage.kind.value,
            "used": usage.used,
            "limit": usage.limit,
            "remaining": None if usage.limit is None else max(0, usage.limit - usage.used),
            "used_percent": None if usage.used_rate is None else round(usage.used_rate * 100, 1),
            "warning": usage.warning or None,
            "limit_source": usage.source.value,
            "policy": usage.policy,
            "window_seconds": usage.window_seconds,
            "resets_at": usage.resets_at.isoformat() if usage.resets_at else None,
        }
        for usage in usages
    ]


def sentence(decision: Decision) -> str:
    """Why the request was refused, for the person who made it."""
    if decision.limit == 0:
        return f"Your plan does not include {decision.resource}."
    within = f" in {decision.window_seconds} s" if decision.window_seconds is not None else ""
    limit = f"Your limit for {decision.resource} is {decision.limit:,}{within}"
    if not decision.retryable:
        return f"{limit}, {decision.remaining:,} of it left. This request needs more; waiting does not help."
    return f"{limit} and it is used up. Try again in {_retry_after(decision)} s."


def _retry_after(decision: Decision) -> int:
    return max(1, ceil(decision.retry_after_seconds), ceil(decision.reset_seconds))


def _quota_unit(decision: Decision) -> str:
    """The parameter `qu` of draft-ietf-httpapi-ratelimit-headers; without it the unit is requests."""
    if decision.kind is Kind.CONCURRENCY:
        unit = "concurrent-requests"
    elif decision.unit in _BYTES or (decision.kind is Kind.STORAGE and not decision.unit):
        unit = "content-bytes"
    else:
        unit = "" if decision.unit in _REQUESTS else decision.unit
    return f";qu={_quoted(unit)}" if unit else ""


def _integer(value: int) -> int:
    return min(value, _LARGEST_INTEGER)


def _quoted(name: str) -> str:
    plain = "".join(letter if " " <= letter <= "~" else "?" for letter in name)
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'
