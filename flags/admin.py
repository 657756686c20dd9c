"""Flags in Django's admin: the services' checks, the same audit entries, and whom waffle lists by name."""

from django.contrib import admin

from flags.models import Flag, Segment
from flags.services import EDITABLE
from flags.validation import LISTS, check, check_segment
from ops_console.admin_base import CheckedForm, ServiceModelAdmin


class FlagAdminForm(CheckedForm):
    def check(self) -> None:
        # Django reads an empty JSON field as no value at all.
        self.cleaned_data.update({field: self.cleaned_data[field] or [] for field in LISTS})
        check(Flag(**{field: self.cleaned_data[field] for field in ("name", *EDITABLE)}))


class SegmentAdminForm(CheckedForm):
    def check(self) -> None:
        check_segment(Segment(name=self.cleaned_data["name"], constraints=self.cleaned_data["constraints"]))


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
