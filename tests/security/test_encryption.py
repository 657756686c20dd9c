"""Secrets of second factors in the database, and the rotation of the key that encrypts them."""

from io import StringIO

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.core.management import CommandError, call_command
from django.test import override_settings

from ops_console.access.encryption import decrypt
from ops_console.access.roles import Role
from tests.people import person

pytestmark = pytest.mark.django_db
OTHER = "another key, with enough of what is random: 9f8a7c6d5e4b3a2c1"


def activated() -> tuple[str, TOTP]:
    secret = generate_totp_secret()
    return secret, TOTP.activate(person(Role.VIEWER), secret)


def code_of(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time()))))


def test_the_table_holds_no_secret_in_clear() -> None:
    """A reader of the table makes no codes."""
    secret, totp = activated()
    codes = RecoveryCodes.activate(person(Role.VIEWER))
    kept = str(list(Authenticator.objects.values_list("data", flat=True)))
    assert secret not in kept
    assert not [code for code in codes.get_unused_codes() if code in kept]
    assert totp.validate_code(code_of(secret))


def test_a_key_is_rotated_without_anybody_noticing(settings: pytest.FixtureRequest) -> None:
    """With the earlier key as a fallback codes hold; after `reencrypt` they hold without it."""
    secret, _ = activated()
    with override_settings(SECRET_KEY=OTHER, SECRET_KEY_FALLBACKS=[settings.SECRET_KEY]):  # type: ignore[attr-defined]
        assert Authenticator.objects.get().wrap().validate_code(code_of(secret))
        call_command("reencrypt", stdout=StringIO())
    with override_settings(SECRET_KEY=OTHER, SECRET_KEY_FALLBACKS=[]):
        # Not by the same code once more, which allauth refuses.
        assert decrypt(Authenticator.objects.get().data["secret"]) == secret


def test_a_lost_key_refuses_codes_and_is_named() -> None:
    """No code fits a secret that cannot be read, the empty one neither; the command says how many there are."""
    secret, _ = activated()
    with override_settings(SECRET_KEY=OTHER, SECRET_KEY_FALLBACKS=[]):
        factor = Authenticator.objects.get().wrap()
        assert not factor.validate_code(code_of(secret))
        assert not factor.validate_code(code_of("A" * 32))
        with pytest.raises(CommandError, match="1 could not be read"):
            call_command("reencrypt", stdout=StringIO())
