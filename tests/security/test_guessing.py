"""Guessing passwords and tokens: it is slowed down, tells nothing, and shuts nobody else out."""

from collections.abc import Iterator

import pytest
from django.contrib.auth import hashers
from django.core.cache import cache
from django.test import Client, override_settings

from ops_console.access.models import User
from ops_console.access.roles import Role
from ops_console.access.throttle import DEVICE_COOKIE
from tests.api.calling import token, with_token

pytestmark = pytest.mark.django_db
LOGIN = "/accounts/login/"
PASSWORD = "correct horse battery staple"


@pytest.fixture(autouse=True)
def counted_from_nought() -> Iterator[None]:
    cache.clear()
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield


@pytest.fixture
def oscar() -> User:
    return User.objects.create_user("oscar", "oscar@example.org", PASSWORD, role=Role.OPERATOR)


def attempt(client: Client, login: str, password: str = "wrong", address: str = "192.0.2.1") -> int:
    return client.post(LOGIN, {"login": login, "password": password}, REMOTE_ADDR=address).status_code


@override_settings(SIGN_IN_ADDRESS_RATE="3/m")
def test_one_address_is_throttled_at_all_accounts() -> None:
    answers = [attempt(Client(), f"somebody{n}") for n in range(5)]
    assert answers == [200, 200, 200, 429, 429]


@override_settings(SIGN_IN_RATE="3/m")
def test_one_address_is_throttled_at_one_account(oscar: User) -> None:
    """By whichever of its names; another account from there, and this one from elsewhere, are not."""
    names = ["oscar", "oscar@example.org", "OSCAR"]
    assert [attempt(Client(), names[n % 3]) for n in range(5)] == [200, 200, 200, 429, 429]
    assert attempt(Client(), "somebody") == 200
    assert attempt(Client(), "oscar", PASSWORD, "192.0.2.2") == 302


@override_settings(SIGN_IN_ACCOUNT_RATE="3/m")
def test_one_account_is_throttled_from_anywhere(oscar: User) -> None:
    answers = [attempt(Client(), "oscar", address=f"192.0.2.{n}") for n in range(1, 6)]
    assert answers == [200, 200, 200, 429, 429]


@override_settings(SIGN_IN_ACCOUNT_RATE="3/m")
def test_strangers_do_not_lock_a_person_out(oscar: User) -> None:
    """In a browser in which they have signed in before, until their password is another one."""
    own = Client()
    assert attempt(own, "oscar", PASSWORD) == 302
    own.post("/accounts/logout/")
    for n in range(10, 20):
        attempt(Client(), "oscar", address=f"192.0.2.{n}")
    assert attempt(own, "oscar", PASSWORD) == 302
    own.post("/accounts/logout/")
    oscar.set_password(f"{PASSWORD}!")
    oscar.save()
    assert attempt(own, "oscar", f"{PASSWORD}!") == 429


@override_settings(SIGN_IN_ACCOUNT_RATE="1/m")
@pytest.mark.parametrize("forged", ["", "x", "e30:1aaaaa:x", "a" * 5000])
def test_a_forged_device_is_a_stranger(oscar: User, forged: str) -> None:
    """Nor is the cookie of another person's browser theirs."""
    User.objects.create_user("olga", "olga@example.org", PASSWORD, role=Role.OPERATOR)
    olgas = Client()
    attempt(olgas, "olga", PASSWORD)
    attempt(Client(), "oscar")
    client = Client()
    client.cookies[DEVICE_COOKIE] = forged or olgas.cookies[DEVICE_COOKIE].value
    assert attempt(client, "oscar", PASSWORD) == 429


def test_the_device_is_remembered_for_five_people(oscar: User) -> None:
    """The cookie does not grow, and it is no sign-in."""
    client = Client()
    for n in range(8):
        User.objects.create_user(f"p{n}", f"p{n}@example.org", PASSWORD, role=Role.VIEWER)
        assert attempt(client, f"p{n}", PASSWORD, f"192.0.2.{n}") == 302
        client.post("/accounts/logout/")
    assert len(client.cookies[DEVICE_COOKIE].value) < 600
    assert client.get("/flags/").status_code == 302


def test_every_account_costs_one_hash_and_looks_alike(oscar: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Known or not, by name or mail, deactivated with the right password or not: one page, one hash."""
    User.objects.create_user("ina", "ina@example.org", PASSWORD, role=Role.OPERATOR, is_active=False)
    hashed: list[str] = []
    encode = hashers.MD5PasswordHasher.encode

    def counting(self: hashers.MD5PasswordHasher, password: str, salt: str, *more: object) -> str:
        hashed.append(password)
        return encode(self, password, salt, *more)

    monkeypatch.setattr(hashers.MD5PasswordHasher, "encode", counting)
    seen = {}
    tried = [("oscar", "wrong"), ("nobody", "wrong"), ("ina", "wrong"), ("ina", PASSWORD)]
    for login, password in [*tried, *[(f"{login}@example.org", password) for login, password in tried]]:
        hashed.clear()
        answer = Client().post(LOGIN, {"login": login, "password": password})
        errors = str(answer.context["form"].errors) if answer.context else ""
        seen[login, password] = (answer.status_code, len(hashed), errors.replace("email address", "username"))
    assert set(seen.values()) == {(200, 1, next(iter(seen.values()))[2])}, seen


def test_wrong_tokens_do_not_shut_out_a_right_one() -> None:
    """A host with one broken job among many keeps its others."""
    right = token(Role.OPERATOR)
    key = right.split("_")[1]
    wrong = with_token(f"opsc_{key}_{'A' * 43}")
    answers = [wrong.get("/api/v1/flags").status_code for _ in range(120)]
    assert (answers[0], answers[-1]) == (401, 429)
    assert with_token(right).get("/api/v1/flags").status_code == 200
