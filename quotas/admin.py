"""Resources, policies and overrides in Django's admin: the same checks as the services, the same audit entries."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from ops_console.admin_base import CheckedForm, ServiceModelAdmin
from ops_console.approvals.models import Kind
from ops_console.approvals.services import refuse_unapproved
from ops_console.audit.services import Target
from ops_console.errors import NotFound
from quotas.limits import checked_limit
from quotas.models import Override, Policy, Resource
from quotas.services import person_of
from quotas.settings_services import check_resource, policy_target


class ResourceAdminForm(CheckedForm):
    def check(self) -> None:
        row = Resource(**{name: self.cleaned_data.get(name, getattr(self.instance, name)) for name in _FIELDS})
        check_resource(row)


class PolicyAdminForm(CheckedForm):
    def check(self) -> None:
        checked_limit(self.cleaned_data["resource"], self.cleaned_data["limit"])
        refuse_unapproved(Kind.LIMIT, self.cleaned_data["limit"])


class OverrideAdminForm(CheckedForm):
    def check(self) -> None:
        resource = self.cleaned_data.get("resource") or self.instance.resource
        checked_limit(resource, self.cleaned_data["limit"])
        refuse_unapproved(Kind.LIMIT, self.cleaned_data["limit"])

    def clean_user_id(self) -> str:
        """An id that the directory knows, as it writes it."""
        try:
            return person_of(self.cleaned_data["user_id"]).id
        except NotFound as error:
            raise ValidationError(error.message) from error


_FIELDS = [field.name for field in Resource._meta.concrete_fields]


@admin.register(Resource)
class ResourceAdmin(ServiceModelAdmin[Resource]):
    audit_type = "resource"
    form = ResourceAdminForm
    list_display = ("name", "kind", "title", "default_limit", "shadow", "failure_policy")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("name", "kind") if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Backends call resources by name: one that is gone would be an error in each of them."""
        return False


@admin.register(Policy)
class PolicyAdmin(ServiceModelAdmin[Policy]):
    audit_type = "policy"
    form = PolicyAdminForm
    list_display = ("tier", "resource", "limit")
    list_filter = ("tier", "resource")

    def audit_target(self, row: Policy) -> Target:
        return policy_target(row)


@admin.register(Override)
class OverrideAdmin(ServiceModelAdmin[Override]):
    audit_type = "override"
    form = OverrideAdminForm
    list_display = ("user_id", "resource", "limit", "expires_at", "created_by", "ended_at")
    list_filter = ("resource",)
    sortable_by = ()  # it grows, and no other order has an index
    search_fields = ("user_id",)

    def audit_target(self, row: Override) -> Target:
        return Target(self.audit_type, f"{row.user_id}/{row.resource_id}", str(row))

    def save_model(self, request: HttpRequest, obj: Override, form: Any, change: bool) -> None:
        if form.has_changed():
            obj.created_by = request.user.get_username()
        super().save_model(request, obj, form, change)
