"""Actions and commands as Django's admin shows them: to read. What may be done with them has its own pages."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from incidents.operations.models import Action, Command


class ReadOnlyAdmin(admin.ModelAdmin):
    """Rows that services alone write."""

    show_full_result_count = False
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Action)
class ActionAdmin(ReadOnlyAdmin):
    list_display = ("label", "state", "actor", "total", "created_at", "finished_at")
    list_filter = ("state", "verb", "kind")
    search_fields = ("label", "reason", "actor")


@admin.register(Command)
class CommandAdmin(ReadOnlyAdmin):
    list_display = ("id", "kind", "verb", "state", "attempts", "handled", "refused", "created_at")
    list_filter = ("state", "verb", "kind")
    # Thousands of ids and payloads a row are no page.
    exclude = ("operation_ids", "versions", "payloads")
