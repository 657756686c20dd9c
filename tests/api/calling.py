"""Tokens for tests, and clients that call the API with them."""

from datetime import timedelta

from django.test import Client
from django.utils import timezone

from ops_console.access import tokens
from ops_console.access.models import ApiToken
from ops_console.access.roles import Role
from ops_console.access.scopes import SCOPES
from tests.people import person


def token(role: Role, scopes: list[str] | None = None, name: str = "deploy") -> str:
    """A token of such a person's that works for a day; without scopes, with all of them. Stored round the service."""
    drawn = tokens.draw()
    ApiToken.objects.create(
        user=person(role),
        name=name,
        key=drawn.key,
        token_hash=drawn.token_hash,
        role=role,
        scopes=list(SCOPES) if scopes is None else scopes,
        expires_at=timezone.now() + timedelta(days=1),
    )
    return drawn.text


def calling(role: Role = Role.OPERATOR, scopes: list[str] | None = None) -> Client:
    """A client that sends such a token with every call."""
    return with_token(token(role, scopes))


def with_token(text: str) -> Client:
    return Client(headers={"Authorization": f"Bearer {text}"}, raise_request_exception=True)
