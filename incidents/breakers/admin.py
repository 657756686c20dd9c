"""Breakers in Django's admin: to look at. Backends move them, and overrides are made on the breakers' pages."""

from django.contrib import admin

from incidents.breakers.models import Breaker, Override, Transition
from ops_console.admin_base import ReadOnlyAdmin


@admin.register(Breaker)
class BreakerAdmin(ReadOnlyAdmin):
    list_display = ["name", "status", "since", "epoch", "cause"]
    list_filter = ["status"]
    search_fields = ["name"]


@admin.register(Override)
class OverrideAdmin(ReadOnlyAdmin):
    list_display = ["breaker_id", "mode", "actor", "reason", "expires_at", "version"]
    list_filter = ["mode"]


@admin.register(Transition)
class TransitionAdmin(ReadOnlyAdmin):
    list_display = ["at", "breaker_id", "from_status", "to_status", "cause", "service"]
    list_filter = ["to_status"]
    ordering = ["-id"]
    sortable_by = []  # it grows, and no other order has an index
    search_fields = ["breaker__name"]
