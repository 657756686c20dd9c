"""allauth's hooks: nobody signs up by themselves; people are invited on the Access page."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest
from django.urls import reverse

from ops_console.access.actor import client_address

NO_ADDRESS = "0.0.0.0"  # noqa: S104 - nothing is bound to it


class AccountAdapter(DefaultAccountAdapter):  # allauth has no types
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """The same address that the audit records. allauth's table of sessions cannot hold "not known"."""
        return client_address(request) or NO_ADDRESS

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("account_change_password")
