"""What the Access pages read."""

from dataclasses import dataclass

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Q, QuerySet, Value
from django.utils import timezone

from ops_console.access.models import ApiToken, OneTimeLink, Policy, User

SECOND_FACTORS = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]


@dataclass(frozen=True)
class SecondFactorRule:
    """Whether everybody needs a second factor. `fixed`: the environment says so, and no page can change it."""

    required: bool
    fixed: bool
    version: int


def second_factor_rule() -> SecondFactorRule:
    """The rule in force."""
    if settings.REQUIRE_SECOND_FACTOR:
        return SecondFactorRule(required=True, fixed=True, version=0)
    row = Policy.objects.filter(pk=1).first() or Policy()
    return SecondFactorRule(row.require_second_factor, fixed=False, version=row.version)


def has_second_factor(user: User) -> bool:
    """Recovery codes alone are none: they only stand in for one."""
    return bool(Authenticator.objects.filter(user=user, type__in=SECOND_FACTORS).exists())


def people() -> QuerySet[User]:
    """Everybody, by name, with `second_factor` and `link_open` (a link was made and not used)."""
    factors = Authenticator.objects.filter(user=OuterRef("pk"), type__in=SECOND_FACTORS)
    waiting = OneTimeLink.objects.filter(user=OuterRef("pk"), used_at=None, expires_at__gt=timezone.now())
    return User.objects.annotate(second_factor=Exists(factors), link_open=Exists(waiting)).order_by("username")


def person(user_id: int) -> User | None:
    """One of `people()`."""
    return people().filter(pk=user_id).first()


def tokens() -> QuerySet[ApiToken]:
    """Every API token with its person, and `waits`: the person lacks a second factor that everybody needs."""
    factors = Authenticator.objects.filter(user=OuterRef("user_id"), type__in=SECOND_FACTORS)
    waits = ExpressionWrapper(_second_factor_required() & ~Exists(factors), output_field=BooleanField())
    return ApiToken.objects.select_related("user").annotate(waits=waits)


def _second_factor_required() -> Q:
    """`second_factor_rule()` as a condition, so that a call of the API asks the database once."""
    if settings.REQUIRE_SECOND_FACTOR:
        return Q(Value(True))
    return Q(Exists(Policy.objects.filter(pk=1, require_second_factor=True)))
