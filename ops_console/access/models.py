"""The people who use the console, the links and tokens that let them in, and what is asked of all of them."""

from typing import Any, ClassVar

from django.conf import settings
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
    version = models.PositiveIntegerField(default=1, editable=False)
    objects: ClassVar[PeopleManager] = PeopleManager()

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
                violation_error_message="Somebody with this mail address is here already.",
            ),
        ]

    def clean(self) -> None:
        super().clean()
        self._mark()

    def save(self, *args: Any, **kwargs: Any) -> None:
        self._mark()
        super().save(*args, **kwargs)

    def _mark(self) -> None:
        self.is_staff = self.is_superuser = self.role == Role.ADMIN


class OneTimeLink(models.Model):
    """A link that sets a password, once, until it expires. Its token is kept as a hash only."""

    class Kind(models.TextChoices):
        INVITATION = "invitation", "Invitation"
        RESET = "reset", "Password reset"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="links")
    kind = models.CharField(max_length=20, choices=Kind)
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(db_default=models.functions.Now())
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True)


class ApiToken(models.Model):
    """A key to the JSON API that acts for one person, with some scopes and at most `role`. Kept as a hash only.

    `key` is the part of the token that may be seen: it finds the row, and tells people which token is meant.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=100)
    key = models.CharField(max_length=16, unique=True)
    token_hash = models.CharField(max_length=64)
    role = models.CharField(max_length=20, choices=Role)
    scopes = models.JSONField()
    created_at = models.DateTimeField(db_default=models.functions.Now())
    expires_at = models.DateTimeField(db_index=True)
    revoked_at = models.DateTimeField(null=True)
    # To the nearest ten minutes: a busy token must not write a row for every call.
    last_used_at = models.DateTimeField(null=True)
    # The addresses that used it, as limits count them, the newest first.
    addresses = models.JSONField(default=list, db_default=models.Value([], models.JSONField()))

    class Meta:
        verbose_name = "API token"
        constraints = [
            models.CheckConstraint(name="access_apitoken_role_known", condition=models.Q(role__in=Role.values))
        ]


class Policy(models.Model):
    """One row: what the console asks of everybody."""

    require_second_factor = models.BooleanField(default=False)
    # Until then, people without a second factor are asked to set one up but keep their access. NULL: no grace period.
    grace_until = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        verbose_name_plural = "policies"
        constraints = [models.CheckConstraint(name="access_policy_single", condition=models.Q(id=1))]
