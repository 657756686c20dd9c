"""What leaves the process with an error, and what does not."""

import pytest

from ops_client.errors import InvalidInput
from ops_client.telemetry.scrub import REMOVED, scrubbed, scrubbed_text
from ops_client.telemetry.sentry import start_sentry


@pytest.mark.parametrize(
    "key",
    [
        "Cookie",
        "Authorization",
        "password",
        "new_password1",
        "csrfmiddlewaretoken",
        "X-Api-Key",
        "sessionid",
        "client_secret",
    ],
)
def test_secrets_go_wherever_they_are(key: str) -> None:
    """A secret's name is enough, at any depth and in any case."""
    event = {"request": {"headers": {key: "s"}}, "extra": {"list": [{"deep": {key: ["s"]}}]}}
    clean = scrubbed(event)
    assert clean["request"]["headers"][key] == REMOVED
    assert clean["extra"]["list"][0]["deep"][key] == REMOVED


def test_what_is_no_secret_stays() -> None:
    """Messages, stack and harmless headers are what the event is for."""
    event = {"message": "boom", "request": {"headers": {"Accept": "text/html"}}, "level": "error", "n": 3}
    assert scrubbed(event) == event


def test_addresses_lose_their_keys_and_keep_their_ids() -> None:
    """Tokens, long keys, user and password go; a UUID and a plain parameter stay."""
    uuid = "123e4567-e89b-12d3-a456-426614174000"
    assert scrubbed_text(f"https://u:p@host/link/abcdefghij0123456789XY/{uuid}?token=t&page=2") == (
        f"https://host/link/{REMOVED}/{uuid}?token={REMOVED}&page=2"
    )


def test_database_addresses_in_messages_lose_their_password() -> None:
    """A connection error that quotes its address does not quote the password."""
    assert scrubbed({"message": "cannot reach postgres://ops:hunter2@db/podcast"}) == {
        "message": "cannot reach postgres://db/podcast"
    }


def test_a_wrong_address_is_refused_by_name() -> None:
    """`dsn` is named, and an empty one starts nothing."""
    with pytest.raises(InvalidInput, match="dsn"):
        start_sentry("nonsense", service="podcast-api")
    assert start_sentry("", service="podcast-api") is False
