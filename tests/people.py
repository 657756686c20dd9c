"""Shared people for tests: one of each role, and clients that are signed in as them."""

from django.test import Client

from ops_console.access.actor import Actor
from ops_console.access.models import User
from ops_console.access.roles import Role


def person(role: Role, name: str = "") -> User:
    """A user of this role, made when first asked for; vera views, oscar operates, alice administers."""
    names = {Role.VIEWER: "vera", Role.OPERATOR: "oscar", Role.ADMIN: "alice"}
    username = name or names[role]
    found = User.objects.filter(username=username).first()
    return found or User.objects.create_user(username, f"{username}@example.com", role=role)


def signed_in(role: Role, name: str = "") -> Client:
    """A test client with a session of such a user."""
    client = Client()
    client.force_login(person(role, name))
    return client


def actor(role: Role = Role.OPERATOR, name: str = "") -> Actor:
    """Such a user as services take them."""
    user = person(role, name)
    return Actor(name=user.username, role=user.role, via="web", user_id=user.pk, is_reauthenticated=True)
