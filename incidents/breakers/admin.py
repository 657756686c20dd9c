"""Breakers in Django's admin: to look at. Backends move them, and overrides are made on the breakers' pages."""

from django.contrib import admin
from django.http import HttpRequest

from incidents.breakers.models import Breaker, Override, Transition


class LookOnly(admin.ModelAdmin):
    """Nothing is added, changed or deleted here."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Breaker)
class BreakerAdmin(LookOnly):
    list_display = ["name", "status", "since", "epoch", "cause"]
    list_filter = ["status"]
    search_fields = ["name"]


@admin.register(Override)
class OverrideAdmin(LookOnly):
    list_display = ["breaker_id", "mode", "actor", "reason", "expires_at", "version"]
    list_filter = ["mode"]


@admin.register(Transition)
class TransitionAdmin(LookOnly):
    list_display = ["at", "breaker_id", "from_status", "to_status", "cause", "service"]
    list_filter = ["to_status"]
    search_fields = ["breaker__name"]
