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


SECRET = "".join(["hun", "ter2"])
LONG = "a1B2" * 11
TEXTS = [
    f"Authorization: Bearer {SECRET}",
    f"authorization: Basic {SECRET}",
    f'{{"Authorization": "Bearer {SECRET}"}}',
    f"sent Bearer {SECRET}{LONG} to it",
    f"token opsc_0123456789ab_{LONG[:36]}{SECRET}",
    f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.{SECRET}",
    f"pwd={SECRET}",
    f"PGPASSWORD={SECRET} psql",
    f"password = '{SECRET}'",
    f'{{"body": "{{\\"password\\": \\"{SECRET}\\"}}"}}',
    f"Cookie: theme=dark; sid={SECRET}; x=1",
    f"postgres://ops:{SECRET}@db/podcast",
    f"postgresql+psycopg://ops:p@ss/{SECRET}@db/podcast",
    f"host=db password={SECRET} user=x",
    f"slack://T0/B0/{SECRET}",
    f"json://user:x@host/{SECRET}",
    f"https://hooks.slack.com/services/T0/B0/{SECRET}",
    f"https://discord.com/api/webhooks/17/{SECRET}",
    f"https://api.telegram.org/bot17:{SECRET}/sendMessage",
    f"url=https://host/?page=2&api_key={SECRET}",
    f"ghp_{LONG}{SECRET}",
    f"xoxb-17-{LONG}{SECRET}",
    f"AKIA{LONG}{SECRET}",
]


@pytest.mark.parametrize("text", TEXTS)
def test_no_form_of_a_secret_is_left(text: str) -> None:
    """As programs, proxies and people write them into messages."""
    assert SECRET not in scrubbed_text(text)
    assert SECRET not in str(scrubbed({"message": text, "extra": [text]}))


@pytest.mark.parametrize(
    "text",
    [
        "The token is gone.",
        "ratio: 5, pages: 3",
        "https://host/episodes/17/?page=2",
        "redis://cache:6379/1",
        "the passenger list: 12",
        "Basic rules apply",
    ],
)
def test_plain_text_stays(text: str) -> None:
    """What names no secret is what the event is for."""
    assert scrubbed_text(text) == text


@pytest.mark.parametrize(
    "part",
    ["A", "token", "eyJ-", "eyJaaaaaaaa.", "a://", "://a@", 'token"', "cookie=", "a.b+", "Bearer ", "\\", "/a1" * 7],
)
def test_hostile_text_is_scrubbed_in_linear_time(part: str) -> None:
    """Two million characters: it would take hours if each word were searched again from each of its letters."""
    assert scrubbed_text(part * (2_000_000 // len(part)))


def test_a_wrong_address_is_refused_by_name() -> None:
    """`dsn` is named, and an empty one starts nothing."""
    with pytest.raises(InvalidInput, match="dsn"):
        start_sentry("nonsense", service="podcast-api")
    assert start_sentry("", service="podcast-api") is False
