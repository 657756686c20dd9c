"""Django's admin as this console has it: for the role admin, with one sign-in page and one audit."""

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from ops_console.access.roles import Role, reaches


class ConsoleAdminSite(AdminSite):
    site_header = site_title = "Ops Console: Django admin"
    index_title = "Tables"
    enable_nav_sidebar = False

    def has_permission(self, request: HttpRequest) -> bool:
        return request.user.is_active and reaches(getattr(request.user, "role", ""), Role.ADMIN)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """There is one sign-in page: the throttled one, with second factors."""
        return HttpResponseRedirect(reverse("account_login"))


class ConsoleAdminConfig(AdminConfig):
    default_site = "ops_console.admin_site.ConsoleAdminSite"
