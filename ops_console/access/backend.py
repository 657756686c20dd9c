"""Who a name and a password belong to. Neither the answer nor its time tells which accounts there are."""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend as AllauthBackend


class AuthenticationBackend(AllauthBackend):  # allauth has no types
    def authenticate(self, request: Any, **credentials: Any) -> Any:
        self._rejected: set[int] = set()
        return super().authenticate(request, **credentials)

    def _check_password(self, user: Any, password: str) -> Any:
        """Hash once for each account: allauth looks for it as a mail address and as a name."""
        if user is None or user.pk in self._rejected:
            return None
        self._rejected.add(user.pk)
        return super()._check_password(user, password)

    @classmethod
    def _stash_user(cls, user: Any) -> Any:
        """Do nothing: allauth would redirect a correct password of a deactivated account to a page that confirms it."""
        return None
