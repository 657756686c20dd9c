"""The base of every admin page: one transaction, one audit entry with before and after, one hook for services.

A save covers the form, its many-to-many fields and its inlines; an action covers every row that it changed.
"""

import json
from typing import Any, ClassVar, Generic, TypeVar
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db import models, transaction
from django.db.models import QuerySet
from django.forms import HiddenInput
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.functional import cached_property

from ops_client.json_types import same_json
from ops_client.text import is_storable
from ops_console.access.actor import Actor, actor_of
from ops_console.audit.services import Target, record
from ops_console.errors import Conflict, InvalidInput
from ops_console.web import RowForm

M = TypeVar("M", bound=models.Model)
State = dict[str, Any]
MOST_ROWS = 10_000


class CappedPaginator(Paginator):
    """Pages of the first MOST_ROWS rows: a list counts no more, and no page reads past them. Filters find others."""

    @cached_property
    def count(self) -> int:
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment]  # the stubs know no QuerySet here
        return rows.order_by()[:MOST_ROWS].count()

    @property
    def is_capped(self) -> bool:
        return self.count == MOST_ROWS


class StorableDecoder(json.JSONDecoder):
    """Refuses JSON that cannot be stored (nested too deeply, NaN, half a surrogate pair) as what is no JSON."""

    def decode(self, s: str, *args: Any) -> Any:
        try:
            value = super().decode(s, *args)
        except RecursionError as error:
            raise json.JSONDecodeError("Nested too deeply", s, 0) from error
        if not is_storable(value):
            raise json.JSONDecodeError("Holds what cannot be stored", s, 0)
        return value


class BoundedListAdmin(admin.ModelAdmin):
    """A list whose cost does not grow with its table. Facets would count the whole table for each value."""

    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    list_max_show_all = 50


class ServiceModelAdmin(BoundedListAdmin, Generic[M]):  # generic in the stubs alone
    """Set `audit_type` ("flag"). Where the model has a `version`, an edit of an older one is a Conflict.

    `audit_hidden` are fields that never go into an entry; `state()`, `audit_target()` and `changed()` are there to be
    overridden.
    """

    audit_type: ClassVar[str]
    audit_hidden: ClassVar[frozenset[str]] = frozenset({"version"})

    def state(self, row: M) -> State:
        """What an entry says about a row: its fields, and the names of what its many-to-many fields hold."""
        shown = [field for field in row._meta.concrete_fields if field.name not in self.audit_hidden]
        many = [field.name for field in row._meta.many_to_many if field.name not in self.audit_hidden]
        fields = {field.attname: getattr(row, field.attname) for field in shown}
        return fields | {name: sorted(map(str, getattr(row, name).all())) for name in many}

    def audit_target(self, row: M) -> Target:
        """What the audit knows a row by: the same as in the service's entries."""
        return Target(self.audit_type, str(row.pk), str(row))

    def changed(self, actor: Actor, row: M, before: State | None, after: State | None) -> None:
        """The service's word, in the change's transaction, after the entry is written; raise ConsoleError to refuse."""

    def save_model(self, request: HttpRequest, obj: M, form: Any, change: bool) -> None:
        standing = self.model._default_manager.select_for_update().get(pk=obj.pk) if change else None
        request._audit_before = self.state(standing) if standing else None  # type: ignore[attr-defined]
        if standing is not None and not form.has_changed():
            return
        if standing is not None and _has_version(self.model):
            self._next_version(standing, obj, form)
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        row = self.model._default_manager.get(pk=form.instance.pk)
        before = request._audit_before  # type: ignore[attr-defined]
        self._enter(actor_of(request, "admin"), "update" if change else "create", row, before, self.state(row))

    def delete_model(self, request: HttpRequest, obj: M) -> None:
        before, row_id = self.state(obj), obj.pk
        super().delete_model(request, obj)
        obj.pk = row_id  # Django forgets it; the entry needs it
        self._enter(actor_of(request, "admin"), "delete", obj, before, None)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[M]) -> None:
        for row in queryset.select_for_update():
            self.delete_model(request, row)

    def response_action(self, request: HttpRequest, queryset: QuerySet[M], *args: Any) -> HttpResponse | None:
        """Run the chosen action and record what it changed, row by row; deletions have recorded themselves."""
        if _across(request) and CappedPaginator(queryset, self.list_per_page).is_capped:
            message = f"An action takes fewer than {MOST_ROWS:,} rows. Filter the list first, or select rows by page."
            self.message_user(request, message, messages.ERROR)
            return None
        selected = request.POST.getlist(ACTION_CHECKBOX_NAME)
        if not all(map(self._is_key, selected)):
            self.message_user(request, "A selected row has an id that is none. Nothing was changed.", messages.ERROR)
            return None
        with transaction.atomic():
            chosen = queryset if _across(request) else queryset.filter(pk__in=selected)
            before = {row.pk: self.state(row) for row in chosen.select_for_update(of=("self",))}
            response = super().response_action(request, queryset, *args)
            name = request.POST.get("action", "action")
            for row in self.model._default_manager.filter(pk__in=before):
                self._enter(actor_of(request, "admin"), name, row, before[row.pk], self.state(row))
        return response

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """History is the audit's."""
        row = self.get_object(request, object_id)
        kind, target_id = self.audit_target(row).key if row else (self.audit_type, object_id)
        query = urlencode({"target_type": kind, "target_id": target_id})
        return HttpResponseRedirect(f"{reverse('audit:list')}?{query}")

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        if db_field.name == "version":
            kwargs["widget"] = HiddenInput
        if isinstance(db_field, models.JSONField):
            kwargs["decoder"] = StorableDecoder
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Nothing: the audit has it, with before and after."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Nothing, as above."""

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Nothing, as above."""

    def _is_key(self, text: str) -> bool:
        """Whether a selected row's key can be one: Django looks for it without asking."""
        try:
            return is_storable(self.model._meta.pk.to_python(text))
        except ValidationError:
            return False

    def _enter(self, actor: Actor, verb: str, row: M, before: State | None, after: State | None) -> None:
        if same_json(before, after):
            return
        target = self.audit_target(row)
        record(actor, f"{self.audit_type}.{verb}", target, before=before, after=after)
        self.changed(actor, row, before, after)

    def _next_version(self, standing: M, obj: M, form: Any) -> None:
        seen, current = obj.version, standing.version  # type: ignore[attr-defined]
        if "version" in form.fields and seen != current:
            message = f"{standing} was changed by somebody else while you were editing it."
            stands, submitted = {**self.state(standing), "version": current}, {**self.state(obj), "version": seen}
            raise Conflict(message, stands, submitted, self.audit_target(standing).key)
        obj.version = current + 1  # type: ignore[attr-defined]


class CheckedForm(RowForm):
    """A form that says, at the field, what a service would refuse: `check` asks the service's own rule."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if not self.errors:
            try:
                self.check()
            except InvalidInput as error:
                self.add_error(error.field if error.field in self.fields else None, error.message)
        return cleaned

    def check(self) -> None:
        """Raise InvalidInput for what `cleaned_data` must not hold."""
        raise NotImplementedError


class ReadOnlyAdmin(BoundedListAdmin):
    """Rows that services and backends alone write: nothing is added, changed or deleted here."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


def _has_version(model: type[models.Model]) -> bool:
    return any(field.name == "version" for field in model._meta.concrete_fields)


def _across(request: HttpRequest) -> bool:
    return request.POST.get("select_across") == "1"
