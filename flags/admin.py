"""Flags in Django's admin: the services' checks, the same audit entries, and whom waffle lists by name."""

from django.contrib import admin

from flags.models import Flag, Segment
from flags.prerequisites import protected_dependents
from flags.segment_services import protected_by_segment, require_unused
from flags.services import EDITABLE, require_no_dependents
from flags.validation import LISTS, check, check_segment
from ops_client.json_types import same_json
from ops_console.access.actor import Actor
from ops_console.admin_base import CheckedForm, ServiceModelAdmin, State
from ops_console.errors import InvalidInput


class FlagAdminForm(CheckedForm):
    def check(self) -> None:
        # Django reads an empty JSON field as no value at all.
        self.cleaned_data.update({field: self.cleaned_data[field] or [] for field in LISTS})
        check(Flag(**{field: self.cleaned_data[field] for field in ("name", *EDITABLE)}))


class SegmentAdminForm(CheckedForm):
    def check(self) -> None:
        self.cleaned_data["constraints"] = self.cleaned_data["constraints"] or []
        check_segment(Segment(**self.cleaned_data))


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

    def changed(self, actor: Actor, row: Flag, before: State | None, after: State | None) -> None:
        guarded = before and (before["protected"] or protected_dependents(before["name"]))
        if before and guarded and not same_json(after, {**before, "everyone": False}):
            raise InvalidInput("protected", f"{row} is protected: change it on its page, where a reason is asked for.")
        if before and (after is None or (after["archived_at"] and not before["archived_at"])):
            require_no_dependents(row)


@admin.register(Segment)
class SegmentAdmin(ServiceModelAdmin[Segment]):
    audit_type = "segment"
    form = SegmentAdminForm
    list_display = ("name", "note")
    search_fields = ("name", "note")
    fields = ("name", "note", "constraints", "version")

    def changed(self, actor: Actor, row: Segment, before: State | None, after: State | None) -> None:
        if before and protected_by_segment(before["name"]):
            raise InvalidInput("protected", f"{row} is used by a protected flag: change it on its own page.")
        if before and (after is None or after["name"] != before["name"]):
            require_unused(before["name"])
