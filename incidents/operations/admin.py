"""Actions and commands as Django's admin shows them: to read. What may be done with them has its own pages."""

from django.contrib import admin

from incidents.operations.models import Action, Command
from ops_console.admin_base import ReadOnlyAdmin


@admin.register(Action)
class ActionAdmin(ReadOnlyAdmin):
    list_display = ("label", "state", "actor", "total", "created_at", "finished_at")
    list_filter = ("state", "verb", "kind")
    sortable_by = ()  # it grows, and no other order has an index
    search_fields = ("label", "reason", "actor")


@admin.register(Command)
class CommandAdmin(ReadOnlyAdmin):
    list_display = ("id", "kind", "verb", "state", "attempts", "handled", "refused", "created_at")
    list_filter = ("state", "verb", "kind")
    sortable_by = ()
    # Thousands of ids and payloads a row are no page.
    exclude = ("operation_ids", "versions", "payloads")
