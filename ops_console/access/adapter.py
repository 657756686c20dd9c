"""allauth's hooks: nobody signs up by themselves; people are invited on the Access page."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest
from django.urls import reverse

from ops_console.access.actor import client_address


class AccountAdapter(DefaultAccountAdapter):  # allauth has no types
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str | None:
        """The same address that the audit records."""
        return client_address(request)

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("account_change_password")
