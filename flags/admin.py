"""Flags in Django's admin: the services' checks, the same audit entries, and whom waffle lists by name."""

from typing import Any

from django.contrib import admin
from django.forms import ModelForm

from flags.models import Flag, Segment
from flags.services import EDITABLE, check, check_segment
from ops_console.admin_base import ServiceModelAdmin
from ops_console.errors import InvalidInput


class CheckedForm(ModelForm):
    """Says in the form what a service would refuse."""

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.errors:
            try:
                self.check(cleaned)
            except InvalidInput as error:
                self.add_error(error.field if error.field in self.fields else None, error.message)
        return cleaned

    def check(self, cleaned: dict[str, Any]) -> None:
        raise NotImplementedError


class FlagAdminForm(CheckedForm):
    def check(self, cleaned: dict[str, Any]) -> None:
        check(Flag(**{field: cleaned[field] for field in ("name", *EDITABLE)}))


class SegmentAdminForm(CheckedForm):
    def check(self, cleaned: dict[str, Any]) -> None:
        check_segment(Segment(name=cleaned["name"], constraints=cleaned["constraints"]))


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


@admin.register(Segment)
class SegmentAdmin(ServiceModelAdmin[Segment]):
    audit_type = "segment"
    form = SegmentAdminForm
    list_display = ("name", "note")
    search_fields = ("name", "note")
    fields = ("name", "note", "constraints", "version")
