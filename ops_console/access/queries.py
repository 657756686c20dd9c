"""What the Access pages read."""

from dataclasses import dataclass
from datetime import datetime

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Now
from django.utils import timezone

from ops_client.text import is_storable
from ops_console.access.models import ApiToken, OneTimeLink, Policy, User
from ops_console.web.keyset import Key, Keyset

SECOND_FACTORS = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]
PEOPLE_ORDER = Keyset(Key("username"), size=50)  # user names are unique


@dataclass(frozen=True)
class SecondFactorRule:
    """Whether everybody needs a second factor. `fixed`: the environment says so, and no page can change it.

    `grace_until`: until then, people without one are asked to set one up but keep their access.
    """

    required: bool
    fixed: bool
    version: int
    grace_until: datetime | None = None

    @property
    def in_grace(self) -> bool:
        return self.required and self.grace_until is not None and self.grace_until > timezone.now()

    @property
    def enforced(self) -> bool:
        return self.required and not self.in_grace


@dataclass(frozen=True)
class Blocked:
    """Who has no second factor: how many, the first of them, and how many working API tokens are theirs."""

    count: int
    first: list[User]
    tokens: int


def second_factor_rule() -> SecondFactorRule:
    """The rule in force."""
    if settings.REQUIRE_SECOND_FACTOR:
        return SecondFactorRule(required=True, fixed=True, version=0)
    row = Policy.objects.filter(pk=1).first() or Policy()
    return SecondFactorRule(row.require_second_factor, False, row.version, row.grace_until)


def account_of(typed: str) -> User | None:
    """Whose account a name or mail address is, as the sign-in form takes it."""
    typed = typed.strip()
    if not typed or not is_storable(typed):
        return None
    return User.objects.filter(Q(username__iexact=typed) | Q(email__iexact=typed)).first()


def has_second_factor(user: User) -> bool:
    """Recovery codes alone are none: they only stand in for one."""
    return bool(Authenticator.objects.filter(user=user, type__in=SECOND_FACTORS).exists())


def without_second_factor(most: int) -> Blocked:
    """The active people whom a required second factor blocks until they set one up; at most `most` of them listed."""
    factors = Authenticator.objects.filter(user=OuterRef("pk"), type__in=SECOND_FACTORS)
    found = User.objects.filter(~Exists(factors), is_active=True)
    working = ApiToken.objects.filter(user__in=found, revoked_at=None, expires_at__gt=timezone.now())
    return Blocked(found.count(), list(found.order_by("username")[:most]), working.count())


def people(text: str = "", role: str = "") -> QuerySet[User]:
    """Everybody, with `second_factor` and `link_open` (a link was made and not used).

    `text` is anywhere in the user name or mail address.
    """
    factors = Authenticator.objects.filter(user=OuterRef("pk"), type__in=SECOND_FACTORS)
    waiting = OneTimeLink.objects.filter(user=OuterRef("pk"), used_at=None, expires_at__gt=timezone.now())
    found = User.objects.annotate(second_factor=Exists(factors), link_open=Exists(waiting))
    if role:
        found = found.filter(role=role)
    return found.filter(Q(username__icontains=text) | Q(email__icontains=text)) if text else found


def person(user_id: int) -> User | None:
    """One of `people()`."""
    return people().filter(pk=user_id).first()


def tokens() -> QuerySet[ApiToken]:
    """Every API token with its person, and `waits`: the person lacks a second factor that everybody needs."""
    factors = Authenticator.objects.filter(user=OuterRef("user_id"), type__in=SECOND_FACTORS)
    waits = ExpressionWrapper(_second_factor_required() & ~Exists(factors), output_field=BooleanField())
    return ApiToken.objects.select_related("user").annotate(waits=waits)


def working_tokens(user: User) -> list[ApiToken]:
    """The tokens of one person that have not ended."""
    return list(ApiToken.objects.filter(user=user, revoked_at=None, expires_at__gt=timezone.now()).order_by("name"))


def _second_factor_required() -> Q:
    """`second_factor_rule()` as a condition, so that a call of the API asks the database once."""
    if settings.REQUIRE_SECOND_FACTOR:
        return Q(Value(True))
    in_force = Q(grace_until=None) | Q(grace_until__lte=Now())
    return Q(Exists(Policy.objects.filter(in_force, pk=1, require_second_factor=True)))
