"""People and groups in Django's admin. Passwords and links are the Access page's."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import Field
from django.forms import Form
from django.http import HttpRequest

from ops_console.access.actor import Actor, require_recent_proof
from ops_console.access.models import User
from ops_console.access.roles import Role
from ops_console.access.services import keep_an_admin, shut_out
from ops_console.admin_base import ServiceModelAdmin, State

admin.site.unregister(Group)
HELP = {
    "groups": "Groups name people for flags. What somebody may do is their role's alone.",
    "is_active": "Without it they cannot sign in, and are signed out everywhere.",
    "role": "A viewer reads, an operator acts, an admin decides who may and what is allowed.",
}


@admin.register(User)
class UserAdmin(ServiceModelAdmin[User]):
    """Somebody added here has no password: hand them a link from the Access page."""

    audit_type = "person"
    audit_hidden = frozenset({"password", "last_login", "version"})
    list_display = ("username", "email", "role", "is_active", "last_login")
    list_filter = ("role", "is_active")
    search_fields = ("username", "email")
    fields = ("username", "email", "first_name", "last_name", "role", "is_active", "groups", "last_login")
    readonly_fields = ("last_login",)
    filter_horizontal = ("groups",)
    ordering = ("username",)

    def formfield_for_dbfield(self, db_field: "Field[Any, Any]", request: HttpRequest | None, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name in HELP:
            field.help_text = HELP[db_field.name]
        return field

    def save_model(self, request: HttpRequest, obj: User, form: Form, change: bool) -> None:
        if not change:
            obj.set_unusable_password()
        super().save_model(request, obj, form, change)

    def changed(self, actor: Actor, row: User, before: State | None, after: State | None) -> None:
        require_recent_proof(actor, Role.ADMIN)
        if _is_admin(before) and not _is_admin(after):
            keep_an_admin(row)
        if after and not after["is_active"]:
            shut_out(row)


@admin.register(Group)
class GroupAdmin(ServiceModelAdmin[Group]):
    """Groups name people for flags; what somebody may do is their role's alone."""

    audit_type = "group"
    fields = ("name",)
    search_fields = ("name",)
    ordering = ("name",)

    def state(self, row: Group) -> dict[str, Any]:
        return {"name": row.name}


def _is_admin(state: State | None) -> bool:
    return bool(state and state["role"] == Role.ADMIN and state["is_active"])
