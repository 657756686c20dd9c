"""The console's error tracker is on where it is asked for, and tells no secrets."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
import sentry_sdk
from django.conf import LazySettings
from django.test import Client
from django.urls import path
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from ops_console.telemetry import sentry
from ops_console.telemetry.checks import sentry_address

DSN = "https://key@sentry.example.com/7"


class Kept(Transport):
    """A way out that ends here."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[dict[str, Any]] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        if event := envelope.get_event():
            self.events.append(event)  # type: ignore[arg-type]


@pytest.fixture
def kept(settings: LazySettings) -> Iterator[Kept]:
    settings.SENTRY_DSN = DSN
    transport = Kept()
    with sentry_sdk.isolation_scope():
        assert sentry.start(transport)
        yield transport
    sentry_sdk.init()


def explode(request: Any, key: str) -> None:
    hidden = request.POST["password"]  # noqa: F841 - a local variable must not be sent
    raise RuntimeError("boom")


explode.login_required = False  # type: ignore[attr-defined]
urlpatterns = [path("explode/<str:key>/", explode)]


@pytest.mark.django_db
@pytest.mark.urls("tests.console.test_sentry_console")
def test_an_error_arrives_without_its_secrets(kept: Kept) -> None:
    """A request that fails is one event, without cookie, authorisation, password, token and link key."""
    client = Client(raise_request_exception=False, headers={"Authorization": "Bearer s3cr3t"})
    client.cookies["sessionid"] = "s3cr3t"
    client.post("/explode/Zm9vYmFyMTIzNDU2Nzg5MA/?token=s3cr3t&page=2", {"password": "hunter2", "name": "Ann"})
    sentry_sdk.flush()
    [event] = [event for event in kept.events if "exception" in event]
    text = str(event)
    assert "boom" in text and event["environment"] == "test" and event["release"].startswith("ops-console@")
    assert all(secret not in text for secret in ("s3cr3t", "hunter2", "Zm9vYmFy"))
    assert "page=2" in text


def test_without_an_address_nothing_starts(settings: LazySettings) -> None:
    """No SENTRY_DSN, no tracker, no warning."""
    settings.SENTRY_DSN = ""
    assert sentry.start() is False
    assert sentry_address() == []


def test_an_address_that_is_none_is_told_and_stops_nothing(
    settings: LazySettings, caplog: pytest.LogCaptureFixture
) -> None:
    """The console starts all the same; the check and the log name the setting."""
    settings.SENTRY_DSN = "sentry.example.com"
    with caplog.at_level(logging.ERROR):
        assert sentry.start() is False
    assert "not sent to Sentry" in caplog.text
    assert [found.id for found in sentry_address()] == ["telemetry.W001"]
