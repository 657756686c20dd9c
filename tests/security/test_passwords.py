"""Passwords known from breaches are refused: by the shipped list, and by a service where one is configured."""

import gzip
import hashlib
import logging
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import override_settings

from ops_console.access.passwords import LIST

LEAKED = "correct horse battery staple 5"
DIGEST = hashlib.sha1(LEAKED.encode(), usedforsecurity=False).hexdigest().upper()


class Ranges(BaseHTTPRequestHandler):
    asked: list[str] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"{'0' * 35}:0\r\n{DIGEST[5:]}:3\r\nno line of that form\r\n".encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def ranges() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Ranges)
    thread = Thread(target=server.serve_forever)
    thread.start()
    Ranges.asked.clear()
    yield f"http://127.0.0.1:{server.server_port}/range/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_list_holds_what_the_length_lets_through() -> None:
    """Tens of thousands, all of 12 characters and more."""
    words = gzip.decompress(LIST.read_bytes()).decode().split("\n")[:-1]
    assert len(words) > 40_000
    assert min(map(len, words)) >= 12


@pytest.mark.parametrize("password", ["passwordpassword", "PasswordPassword", "1q2w3e4r5t6y", "unbelievable "])
def test_a_password_of_the_list_is_refused(password: str) -> None:
    """In any case."""
    with pytest.raises(ValidationError, match="known from a data breach"):
        validate_password(password)


@pytest.mark.parametrize(
    "password", ["Ops-Console-2026!", "podcast.podcast.1", "PodcastPlusPlus9", "admin operator 12"]
)
def test_a_password_of_the_products_own_words_is_refused(password: str) -> None:
    """Names of the product and its roles are what somebody guesses first."""
    with pytest.raises(ValidationError, match="little more than words of this product"):
        validate_password(password)


def test_own_words_are_allowed_among_others() -> None:
    """Enough has to be left without them."""
    validate_password("my console likes purple turnips")


def test_the_service_learns_five_characters(ranges: str) -> None:
    """Of the hash, never of the password; padding is no find."""
    with override_settings(PASSWORD_RANGE_URL=ranges):
        with pytest.raises(ValidationError, match="known from a data breach"):
            validate_password(LEAKED)
        validate_password("a password nobody has leaked 5")
    assert Ranges.asked[0] == f"/range/{DIGEST[:5]}"
    assert {len(path) for path in Ranges.asked} == {len("/range/") + 5}


def test_without_an_answer_the_list_decides(caplog: pytest.LogCaptureFixture) -> None:
    """A service that is down shuts nobody out, and the log says so without the password."""
    with override_settings(PASSWORD_RANGE_URL="http://127.0.0.1:9/range/"), caplog.at_level(logging.WARNING):
        validate_password(LEAKED)
    assert "did not answer" in caplog.text
    assert LEAKED not in caplog.text
