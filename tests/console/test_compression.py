"""Pages travel compressed; streams, downloads and pages that show a secret do not."""

import gzip
import re
from collections.abc import Callable

from django.test import Client

from ops_console.access.models import User

GZIP = {"accept-encoding": "gzip, deflate, br"}


def test_a_page_is_compressed(operator: User, signed_in: Callable[[User], Client]) -> None:
    """HTML comes as gzip for who accepts it and plain for who does not, and caches keep the two apart."""
    client = signed_in(operator)
    packed = client.get("/operations/", headers=GZIP)
    plain = client.get("/operations/")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert "Content-Encoding" not in plain.headers
    assert len(packed.content) < len(plain.content) / 3
    assert "<h1>Operations</h1>" in re.sub(r"\s+", " ", gzip.decompress(packed.content).decode())


def test_equal_pages_differ_in_length(operator: User, signed_in: Callable[[User], Client]) -> None:
    """BREACH: the length of a compressed page does not tell what is in it, since its padding is random."""
    client = signed_in(operator)
    lengths = {len(client.get("/search/?q=nothing", headers=GZIP).content) for _ in range(20)}
    assert len(lengths) > 3


def test_a_csrf_token_is_never_the_same_text_twice(operator: User, signed_in: Callable[[User], Client]) -> None:
    """BREACH needs a secret that stays: tokens are masked anew in every response."""
    client = signed_in(operator)
    tokens = {re.search(r'csrf-token" content="(\w+)"', client.get("/").content.decode())[1] for _ in range(3)}
    assert len(tokens) == 3


def test_what_must_not_be_compressed_is_not(admin: User, signed_in: Callable[[User], Client]) -> None:
    """Pages of one's account, an API token that is shown once, and CSV, which is streamed, stay as they are."""
    client = signed_in(admin)
    made = {"name": "deploy", "role": "viewer", "scopes": ["flags:read"], "days": 7}
    answers = [
        client.get("/accounts/2fa/", headers=GZIP),
        client.post("/access/tokens/new/", made, headers=GZIP),
        client.get("/audit/?format=csv", headers=GZIP),
    ]
    assert ["Content-Encoding" in answer.headers for answer in answers] == [False, False, False]
    assert answers[1].context["text"] in answers[1].content.decode()
