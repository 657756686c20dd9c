"""Flags in Django's admin: the services' checks, the same audit entries, and whom waffle lists by name."""

from typing import Any

from django.contrib import admin
from django.forms import ModelForm

from flags.models import Flag
from flags.services import EDITABLE, check
from ops_console.admin_base import ServiceModelAdmin
from ops_console.errors import InvalidInput


class FlagAdminForm(ModelForm):
    """Says in the form what a service would refuse."""

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.errors:
            try:
                check(Flag(**{field: cleaned[field] for field in ("name", *EDITABLE)}))
            except InvalidInput as error:
                self.add_error(error.field if error.field in self.fields else None, error.message)
        return cleaned


@admin.register(Flag)
class FlagAdmin(ServiceModelAdmin[Flag]):
    audit_type = "flag"
    audit_hidden = frozenset({"version", "created", "modified"})
    form = FlagAdminForm
    list_display = ("name", "everyone", "percent", "owner", "modified")
    list_filter = ("everyone", "testing", "staff", "superusers")
    search_fields = ("name", "note", "owner")
    fields = ("name", "everyone", *EDITABLE, "users", "groups", "archived_at", "version")
    autocomplete_fields = ("users", "groups")
