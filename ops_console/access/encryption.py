"""Secrets that must be read again, such as those of second factors: encrypted, with a key made of SECRET_KEY."""

import base64
import logging
import secrets

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import transaction

logger = logging.getLogger(__name__)
# Where allauth keeps what each kind of second factor is proved with. Passkeys keep public keys alone.
SECRETS = {"totp": "secret", "recovery_codes": "seed"}


class MfaAdapter(DefaultMFAAdapter):  # allauth has no types
    def encrypt(self, text: str) -> str:
        return encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        """A secret that cannot be read is one that no code fits: the sign-in page answers as to a wrong code."""
        try:
            return decrypt(encrypted_text)
        except InvalidToken:
            logger.error(
                "A second factor was encrypted with a SECRET_KEY that is not configured. An admin can remove it."
            )
            return base64.b32encode(secrets.token_bytes(20)).decode()


def encrypt(text: str) -> str:
    """Encrypted and signed with the newest key."""
    return _cipher().encrypt(text.encode()).decode()


def decrypt(encrypted: str) -> str:
    """Raises InvalidToken where no key of SECRET_KEY and SECRET_KEY_FALLBACKS fits."""
    return _cipher().decrypt(encrypted.encode()).decode()


def encrypt_again() -> tuple[int, int]:
    """Encrypt every stored secret with the newest key. Returns how many were, and how many no key could read."""
    done = unreadable = 0
    with transaction.atomic():
        for factor in Authenticator.objects.filter(type__in=SECRETS).order_by("pk").select_for_update():
            name = SECRETS[factor.type]
            try:
                factor.data[name] = _cipher().rotate(factor.data[name].encode()).decode()
            except InvalidToken:
                unreadable += 1
                continue
            factor.save(update_fields=["data"])
            done += 1
    return done, unreadable


def _cipher() -> MultiFernet:
    return MultiFernet([Fernet(_key(secret)) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def _key(secret: str) -> bytes:
    derived = HKDF(SHA256(), length=32, salt=None, info=b"ops-console second factors").derive(secret.encode())
    return base64.urlsafe_b64encode(derived)
