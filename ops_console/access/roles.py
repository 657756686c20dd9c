"""Three roles in one order: who reaches a higher one reaches the lower ones."""

from typing import Protocol

from django.db import models

from ops_console.errors import NotAllowed


class Role(models.TextChoices):
    """`viewer` reads, `operator` acts, `admin` decides who may and what is allowed."""

    VIEWER = "viewer", "Viewer"
    OPERATOR = "operator", "Operator"
    ADMIN = "admin", "Admin"


_ORDER = [Role.VIEWER.value, Role.OPERATOR.value, Role.ADMIN.value]


class HasRole(Protocol):
    @property
    def role(self) -> str: ...


def reaches(role: str, needed: str) -> bool:
    """Whether somebody of `role` may do what `needed` may. An unknown role reaches nothing."""
    return role in _ORDER and _ORDER.index(role) >= _ORDER.index(needed)


def require(actor: HasRole, needed: Role) -> None:
    """Raise NotAllowed unless the actor's role reaches `needed`."""
    if not reaches(actor.role, needed):
        raise NotAllowed(f"This needs the role {needed.label.lower()}; yours is {actor.role}. Ask an admin.")
