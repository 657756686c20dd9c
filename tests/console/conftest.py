"""People of each role, and browsers that they are signed in with."""

from collections.abc import Callable, Iterator

import pytest
from django.core.cache import cache
from django.test import Client, override_settings

from ops_console.access.actor import Actor
from ops_console.access.models import User
from ops_console.access.roles import Role

PASSWORD = "correct horse battery staple"


@pytest.fixture(autouse=True, scope="session")
def quick_passwords() -> Iterator[None]:
    """A hash that is slow on purpose proves nothing here."""
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield


@pytest.fixture(autouse=True)
def empty_cache() -> Iterator[None]:
    """Attempts that other tests made are not counted."""
    cache.clear()
    yield


def make_person(role: Role, name: str = "") -> User:
    """Somebody with a password; named by their role unless told otherwise."""
    username = name or role.value
    return User.objects.create_user(username, f"{username}@example.org", PASSWORD, role=role)


def acting(user: User) -> Actor:
    """The actor that a request of theirs makes."""
    return Actor(user.username, user.role, "web", user.pk, "192.0.2.1", is_reauthenticated=True)


@pytest.fixture
def viewer(db: None) -> User:
    return make_person(Role.VIEWER)


@pytest.fixture
def operator(db: None) -> User:
    return make_person(Role.OPERATOR)


@pytest.fixture
def admin(db: None) -> User:
    return make_person(Role.ADMIN)


@pytest.fixture
def signed_in() -> Callable[[User], Client]:
    """A browser of somebody's."""

    def client_of(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return client_of
