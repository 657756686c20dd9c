"""Checks of what the backend needs, each held to its time."""

import asyncio
from collections.abc import Callable
from dataclasses import asdict, dataclass
from time import monotonic

CHECK_SECONDS = 1.5

Check = Callable[[], str]


class Unhealthy(Exception):
    """What a check raises; its text says what is wrong."""


@dataclass(frozen=True)
class Finding:
    """What came of one check."""

    name: str
    healthy: bool
    detail: str
    took_seconds: float


async def run_checks(checks: dict[str, Check], timeout_seconds: float = CHECK_SECONDS) -> list[Finding]:
    """Run all checks at once, each in a thread; one that does not answer in time is unhealthy."""
    return list(await asyncio.gather(*(_run(name, check, timeout_seconds) for name, check in checks.items())))


async def _run(name: str, check: Check, timeout_seconds: float) -> Finding:
    started = monotonic()
    try:
        detail, healthy = await asyncio.wait_for(asyncio.to_thread(check), timeout_seconds), True
    except TimeoutError:
        detail, healthy = f"no answer within {timeout_seconds} s", False
    except Exception as error:  # noqa: BLE001 - whatever a check raises is a finding, never a 500
        detail, healthy = str(error) or type(error).__name__, False
    return Finding(name, healthy, detail, round(monotonic() - started, 3))


def as_rows(findings: list[Finding]) -> list[dict[str, object]]:
    """Findings as JSON rows."""
    return [asdict(finding) for finding in findings]
