"""Django's admin as this console has it: for the role admin, with one sign-in page and one audit."""

from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.decorators import method_decorator

from ops_console.access.roles import Role, reaches


class ConsoleAdminSite(AdminSite):
    site_header = site_title = f"Ops Console, {settings.ENVIRONMENT}: Django admin"
    index_title = "Tables"
    enable_nav_sidebar = False

    def has_permission(self, request: HttpRequest) -> bool:
        return request.user.is_active and reaches(getattr(request.user, "role", ""), Role.ADMIN)

    @method_decorator(login_not_required)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """There is one sign-in page: the throttled one, with second factors."""
        return redirect_to_login(request.GET.get("next") or reverse("admin:index"), reverse("account_login"))

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """And one way out."""
        logout(request)
        return HttpResponseRedirect(reverse("account_login"))

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """And one page for one's own password."""
        return HttpResponseRedirect(reverse("account_change_password"))
