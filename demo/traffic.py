"""Calm, steady traffic of many users: `python -m demo.traffic --backend http://127.0.0.1:8001`."""

import argparse
import logging
import random
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

import httpx

from demo.config import backend_url

log = logging.getLogger(__name__)

USERS = 60
UPLOADS_KEPT = 20
# Share of the steps that give an uploaded episode, where there is one, to the worker.
ASSEMBLY_RATE = 0.1
AWAY_PAUSE_SECONDS = 2.0
REPORT_SECONDS = 60.0
DEFAULT_PAUSE_SECONDS = 1.0
MOST_PAUSE_SECONDS = 300.0
PROVIDERS = ("assemblyai", "gemini", "auphonic", "elevenlabs", "gcs")
MEBIBYTE = 1024 * 1024

Send = tuple[str, str, dict[str, Any] | None]


class Traffic:
    """One caller that plays many users. Whoever was told to wait is left alone until then."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http
        self._users: list[str] = []
        self._uploaded: deque[str] = deque(maxlen=UPLOADS_KEPT)
        self._quiet_until: dict[str, float] = {}
        self.answers: Counter[int] = Counter()

    def step(self) -> float:
        """Make one request; the seconds to pause before the next, 0 when all is well."""
        try:
            if not self._users:
                self._users = self._sample()
            self._send(self._someone(), *self._something())
        except httpx.HTTPError as error:
            log.info("the backend is away: %s", error)
            return AWAY_PAUSE_SECONDS
        return 0.0

    def _sample(self) -> list[str]:
        answer = self._http.get("/api/users", params={"limit": USERS})
        answer.raise_for_status()
        return [user["id"] for user in answer.json()["users"]]

    def _someone(self) -> str:
        # A few users make most of the calls, as everywhere.
        return self._users[int(len(self._users) * random.random() ** 3)]

    def _something(self) -> Send:
        if self._uploaded and random.random() < ASSEMBLY_RATE:
            return "POST", f"/api/assemble/{self._uploaded.popleft()}", None
        return random.choices(list(ACTIONS), list(ACTIONS.values()))[0]()

    def _send(self, user: str, method: str, path: str, body: dict[str, Any] | None) -> None:
        # A limit is a user's, a broken provider is everybody's.
        if any(self._quiet_until.get(key, 0) > time.monotonic() for key in (user, path)):
            return
        answer = self._http.request(method, path, params={"user": user}, json=body)
        self.answers[answer.status_code] += 1
        if answer.status_code in (429, 503):
            key = user if answer.status_code == 429 else path
            self._quiet_until[key] = time.monotonic() + pause_seconds(answer.headers.get("Retry-After"))
        elif answer.status_code == 201:
            self._uploaded.append(answer.json()["episode_id"])


def pause_seconds(retry_after: str | None) -> float:
    """How long a Retry-After asks to wait; a second where it says nothing that can be read."""
    try:
        return min(float(retry_after or DEFAULT_PAUSE_SECONDS), MOST_PAUSE_SECONDS)
    except ValueError:
        return DEFAULT_PAUSE_SECONDS


def _hello() -> Send:
    return "GET", "/api/hello", None


def _list() -> Send:
    return "GET", "/api/episodes", None


def _provider() -> Send:
    return "POST", f"/providers/{random.choice(PROVIDERS)}", None


def _upload() -> Send:
    size = random.randint(1, 40) * MEBIBYTE
    return "POST", "/api/episodes", {"title": f"Recorded on the road, take {random.randint(1, 99)}", "size_bytes": size}


ACTIONS: dict[Callable[[], Send], float] = {_hello: 40, _list: 20, _provider: 39, _upload: 1}


def run(backend: str, per_second: float) -> None:
    """Send about `per_second` requests until stopped."""
    with httpx.Client(base_url=backend, timeout=10) as http:
        traffic, report_at = Traffic(http), time.monotonic() + REPORT_SECONDS
        while True:
            time.sleep(traffic.step() + random.uniform(0.5, 1.5) / per_second)
            if time.monotonic() > report_at:
                log.info("answers by status: %s", dict(traffic.answers))
                report_at += REPORT_SECONDS


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backend", default=backend_url(), help="base URL of the demo backend")
    parser.add_argument("--per-second", type=float, default=4.0, help="requests a second (default: 4)")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    run(arguments.backend, arguments.per_second)


if __name__ == "__main__":
    main()
