"""An admin site with one page as an app would make it: versioned, with many-to-many fields, an action and a rule."""

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import include, path

from flags.models import Flag
from ops_console.access.actor import Actor
from ops_console.admin_base import ServiceModelAdmin, State
from ops_console.admin_site import ConsoleAdminSite
from ops_console.errors import InvalidInput


class FlagPage(ServiceModelAdmin[Flag]):
    audit_type = "flag"
    fields = ("name", "percent", "note", "groups", "users", "version")
    actions = ("kill",)

    def kill(self, request: HttpRequest, queryset: QuerySet[Flag]) -> None:
        queryset.update(everyone=False)

    def changed(self, actor: Actor, row: Flag, before: State | None, after: State | None) -> None:
        if row.note == "refuse":
            raise InvalidInput("note", "The service does not want this.")


site = ConsoleAdminSite(name="admin")
site.register(Flag, FlagPage)
urlpatterns = [
    path("admin/", site.urls),
    path("accounts/", include("ops_console.access.account_urls")),
    path("audit/", include("ops_console.audit.urls")),
]
handler500 = "ops_console.web.failures.server_error"
