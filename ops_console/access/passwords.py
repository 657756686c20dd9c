"""What no password may be: known from a breach, or made of the product's own words.

Breached ones are known by a list that ships with the console, and optionally by a service that knows more.
"""

import hashlib
import logging
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError

# docs/security.md lists them.
CONTEXT_WORDS = (
    "podcastplusplus", "opsconsole", "console", "podcast", "operator", "operations", "viewer", "admin", "password",
    "plusplus", "plus", "ops",
)  # fmt: skip
_LEAST_OWN = 6
logger = logging.getLogger(__name__)
LIST = Path(__file__).parent / "data" / "breached_passwords.txt.gz"
MESSAGE = "This password is known from a data breach, so attackers try it. Choose another one."
_TIMEOUT_SECONDS = 2
_MOST_BYTES = 500_000


class BreachedPasswordValidator(CommonPasswordValidator):
    """Refuses what the list holds, and what PASSWORD_RANGE_URL knows, where that is set.

    The service learns five characters of the password's SHA-1 and answers with all endings that it knows for them
    (k-anonymity; https://haveibeenpwned.com/API/v3#PwnedPasswords). Where it does not answer, the list alone decides.
    """

    def __init__(self) -> None:
        super().__init__(LIST)

    def validate(self, password: str, user: Any = None) -> None:
        if password.lower().strip() in self.passwords or _is_known(password):
            raise ValidationError(MESSAGE, code="password_breached")

    def get_help_text(self) -> str:
        return "Your password can't be one that is known from a data breach."


class ContextWordsValidator:
    """Refuses a password of which little is left without CONTEXT_WORDS, figures and signs."""

    def validate(self, password: str, user: Any = None) -> None:
        left = "".join(filter(str.isalpha, password.lower()))
        for word in CONTEXT_WORDS:
            left = left.replace(word, "")
        if len(left) < _LEAST_OWN and any(word in password.lower() for word in CONTEXT_WORDS):
            raise ValidationError("This password is little more than words of this product.", code="password_context")

    def get_help_text(self) -> str:
        return "Your password can't be made of the words of this product."


def _is_known(password: str) -> bool:
    if not settings.PASSWORD_RANGE_URL:
        return False
    digest = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
    url = f"{settings.PASSWORD_RANGE_URL.rstrip('/')}/{digest[:5]}"
    request = urllib.request.Request(url, headers={"Add-Padding": "true"})  # noqa: S310 - the operator's own setting
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:  # noqa: S310
            lines = response.read(_MOST_BYTES).decode("ascii", "replace").splitlines()
    except (OSError, HTTPException, ValueError) as error:
        logger.warning("PASSWORD_RANGE_URL did not answer; the shipped list alone was asked. (%s)", error)
        return False
    endings = dict(line.strip().split(":", 1) for line in lines if ":" in line)
    # Padding has the count 0.
    return endings.get(digest[5:], "0").strip() != "0"
