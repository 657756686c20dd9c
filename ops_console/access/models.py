"""The people who use the console."""

from typing import Any

from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models

from ops_console.access.roles import Role


class PeopleManager(UserManager["User"]):
    """`createsuperuser` makes the first admin."""

    def create_superuser(
        self, username: str, email: str | None = None, password: str | None = None, **extra: Any
    ) -> "User":
        return super().create_superuser(username, email, password, role=Role.ADMIN, **extra)


class User(AbstractUser):
    """One person with one role. Django's staff and superuser marks follow the role and are never set apart."""

    role = models.CharField(max_length=20, choices=Role, default=Role.VIEWER)
    objects = PeopleManager()

    class Meta(AbstractUser.Meta):
        constraints = [
            models.CheckConstraint(
                name="access_user_marks_follow_role",
                condition=models.Q(role=Role.ADMIN, is_staff=True, is_superuser=True)
                | (~models.Q(role=Role.ADMIN) & models.Q(is_staff=False, is_superuser=False)),
            ),
            models.CheckConstraint(name="access_user_role_known", condition=models.Q(role__in=Role.values)),
            models.UniqueConstraint(
                models.functions.Lower("email"),
                name="access_user_email_unique",
                condition=~models.Q(email=""),
            ),
        ]

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.is_staff = self.is_superuser = self.role == Role.ADMIN
        super().save(*args, **kwargs)
