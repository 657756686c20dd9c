"""Breakers that are open, and channels that keep what they are given."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.test import override_settings
from django.utils import timezone

from incidents.breakers.models import Breaker, Status


class Mailbox:
    """A channel of the test's own: takes what it is given, unless told to refuse or to fail."""

    def __init__(self) -> None:
        self.taken: list[tuple[int, str, str]] = []
        self.refuses = False
        self.fails = False

    def send(self, number: int, title: str, body: str) -> bool:
        if self.fails:
            raise ConnectionError("secret://token@host")
        if not self.refuses:
            self.taken.append((number, title, body))
        return not self.refuses


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture(autouse=True)
def one_channel() -> Iterator[None]:
    with override_settings(ALERT_CHANNELS=["people://"], CONSOLE_URL="https://console.example"):
        yield


@pytest.fixture
def open_breaker(db: None) -> Callable[..., Breaker]:
    """A breaker that has been open for so many seconds."""

    def make(name: str = "gemini", seconds: float = 600) -> Breaker:
        since = timezone.now() - timedelta(seconds=seconds)
        return Breaker.objects.create(name=name, config={}, status=Status.OPEN, since=since)

    return make
